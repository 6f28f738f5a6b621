"""Members of what a bulletin tells: words in pairs, `name_zh` and `name_en`; counts; shares."""

from collections.abc import Iterable, Mapping
from typing import Any

from shanhai.vocabulary import Label, Lang, Term

Document = dict[str, Any]


def in_language(value: Any, lang: Lang) -> Any:
    """The content in one language: `name` in place of `name_zh` and `name_en`."""
    if isinstance(value, Mapping):
        other = "_en" if lang == "zh" else "_zh"
        return {
            name.removesuffix(f"_{lang}"): in_language(member, lang)
            for name, member in value.items()
            if not name.endswith(other)
        }
    if isinstance(value, list):
        return [in_language(one, lang) for one in value]
    return value


def named(label: Label, name: str = "name") -> Document:
    """A label as two members."""
    return {f"{name}_zh": label.zh, f"{name}_en": label.en}


def counted(counts: Mapping[str, int], terms: Iterable[Term]) -> list[Document]:
    """How many there are of each term, in their order, without those there are none of."""
    return [
        {"code": term.code, **named(term.label), "count": counts[term.code]}
        for term in terms
        if counts.get(term.code)
    ]


def percent(part: float, whole: float) -> float | None:
    """A share in per cent, 0–100; None of nothing."""
    return 100.0 * part / whole if whole else None
