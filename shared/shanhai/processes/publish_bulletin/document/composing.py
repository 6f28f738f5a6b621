"""From a template and what a bulletin tells to the parts of its document."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import TypeAdapter, ValidationError

from shanhai.db.bulletins.template import EnglishLine, Section, SectionKind, Text, Words
from shanhai.errors import Fault
from shanhai.processes.publish_bulletin.document import language
from shanhai.processes.publish_bulletin.document.sections import SHOWN, tells
from shanhai.reporting.blocks import Block, Front, Pages, Paragraph, Picture, SectionHeading
from shanhai.vocabulary import LANGUAGES, Label, Lang

NUMERALS = "一二三四五六七八九十"
NO_DATA = Label("本期没有数据。", "There are no data of this period.")


def compose(
    template: Words,
    content: Mapping[str, Any],
    pictures: Mapping[str, Sequence[Picture]],
    lang: Lang,
) -> Pages:
    """The document of a bulletin in a language.

    Args:
        template: What it is made by.
        content: What it tells, in both languages.
        pictures: By the kind of the section that shows them, in that language.
        lang: The language.

    Raises:
        Refused: a text of the template asks for what is not there.
    """
    told = language.in_language(content, lang)
    blocks: list[Block] = []
    for number, section in enumerate(template.sections, start=1):
        blocks.append(SectionHeading(_numbered(number, _line(section, "heading", lang), lang)))
        blocks += _section(section, told, pictures.get(section.kind, []), lang)
    note = language.write_text(_of(template, "note", lang), told, lang)
    return Pages(lang, _front(template, content, told, lang), blocks, list(_paragraphs(note)))


def title_of(template: Words, content: Mapping[str, Any], lang: Lang) -> str:
    """The title of a bulletin; in Chinese where the template has no other."""
    written: Lang = lang if _of(template, "title", lang) else "zh"
    told = language.in_language(content, written)
    return language.write_text(_of(template, "title", written), told, written)


def check_template(template: Words, examples: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """What is wrong with the texts of a template, each with its line.

    Args:
        template: It.
        examples: What bulletins may tell, in both languages: one with everything, one with nothing.
    """
    faults: list[Fault] = []
    told = list(examples)
    for lang in LANGUAGES:
        contents = [language.in_language(one, lang) for one in told]
        for pointer, source, kind in _texts(template, lang):
            tried = [one for one in contents if kind is None or tells(kind, one)]
            refusal = language.check_text(source, tried, lang)
            if refusal is not None:
                faults.append(_fault(pointer, refusal))
    return faults


_MARK = re.compile(r"\{[{%#]")
_LINES, _TEXTS = TypeAdapter[str](EnglishLine), TypeAdapter[str](Text)


def write_out(template: Words, content: Mapping[str, Any]) -> Words:
    """The words of a bulletin as its documents have them, to be changed by hand.

    What cannot be kept as it was written, such as a text that a loop has made too long, stays with
    its placeholders. A section without data shows no text, and has none.

    Args:
        template: What the bulletin was made by.
        content: What it tells, in both languages.

    Raises:
        Refused: a text of the template asks for what is not there.
    """
    told = {lang: language.in_language(content, lang) for lang in LANGUAGES}
    words: dict[str, Any] = {}
    for lang in LANGUAGES:
        title, note = _of(template, "title", lang), _of(template, "note", lang)
        words[f"title_{lang}"] = _kept(title, told[lang], lang, _LINES)
        words[f"note_{lang}"] = _kept(note, told[lang], lang, _TEXTS)
    sections = [
        section.model_copy(
            update={
                f"text_{lang}": _kept(_of(section, "text", lang), told[lang], lang, _TEXTS)
                if tells(section.kind, told[lang])
                else ""
                for lang in LANGUAGES
            }
        )
        for section in template.sections
    ]
    given = {name: getattr(template, name) for name in Words.model_fields}
    return Words(**{**given, **words, "sections": sections})


def _kept(source: str, told: Mapping[str, Any], lang: Lang, fits: TypeAdapter[str]) -> str:
    """A text without placeholders, which reads the same when it is taken for one with them."""
    written = language.write_text(source, told, lang)
    plain = _MARK.sub(lambda found: f'{{{{ "{found[0]}" }}}}', written)
    try:
        return fits.validate_python(plain)
    except ValidationError:
        return source


def _fault(pointer: str, refusal: language.Refusal) -> Fault:
    return Fault(
        pointer,
        f"line {refusal.line}: {refusal.reason.en}",
        f"第 {refusal.line} 行：{refusal.reason.zh}",
    )


def _texts(template: Words, lang: Lang) -> Iterable[tuple[str, str, SectionKind | None]]:
    """The texts of a template with their places, and the kind of the section they stand in."""
    yield f"/title_{lang}", _of(template, "title", lang), None
    yield f"/note_{lang}", _of(template, "note", lang), None
    for number, section in enumerate(template.sections):
        yield f"/sections/{number}/text_{lang}", _of(section, "text", lang), section.kind


def _section(
    section: Section, told: Mapping[str, Any], pictures: Sequence[Picture], lang: Lang
) -> list[Block]:
    """The text of a section, its tables and pictures; or that there are no data."""
    blocks: list[Block] = []
    if tells(section.kind, told):
        shown = SHOWN[section.kind](told, lang) if section.kind in SHOWN else []
        text = language.write_text(_of(section, "text", lang), told, lang)
        blocks = [*map(Paragraph, _paragraphs(text)), *shown, *pictures]
    # Maps of a region that nobody has drawn are no data either.
    if blocks or section.kind == "text":
        return blocks
    return [Paragraph(NO_DATA.in_(lang), quiet=True)]


def _paragraphs(text: str) -> Iterable[str]:
    """Blank lines part paragraphs; other ends of lines do not count."""
    for part in text.split("\n\n"):
        line = " ".join(part.split())
        if line:
            yield line


def _front(
    template: Words, content: Mapping[str, Any], told: Mapping[str, Any], lang: Lang
) -> Front:
    year, issue, version = told["year"], told["issue"], told["version"]
    again = version > 1
    number = Label(
        f"{year}年第{issue}期" + (f"（第{version}版）" if again else ""),
        f"No. {issue} of {year}" + (f" (version {version})" if again else ""),
    )
    corrects = None
    if told["corrects"] is not None:
        corrects = Label(
            f"本期更正并替代 {told['corrects']}", f"This corrects and replaces {told['corrects']}"
        ).in_(lang)
    return Front(
        title=title_of(template, content, lang),
        issuer=_line(template, "issuer", lang),
        number=number.in_(lang),
        day=language.written_day(date.fromisoformat(told["issued_on"]), lang),
        corrects=corrects,
    )


def _numbered(number: int, heading: str, lang: Lang) -> str:
    return f"{_numeral(number)}、{heading}" if lang == "zh" else f"{number}  {heading}"


def _numeral(number: int) -> str:
    """Up to 99 as Chinese headings are counted."""
    tens, ones = divmod(number, 10)
    front = "" if tens == 0 else "十" if tens == 1 else f"{NUMERALS[tens - 1]}十"
    return front + ("" if ones == 0 else NUMERALS[ones - 1])


def _line(what: Words | Section, member: str, lang: Lang) -> str:
    return _of(what, member, lang) or _of(what, member, "zh")


def _of(what: Words | Section, member: str, lang: Lang) -> str:
    text: str = getattr(what, f"{member}_{lang}")
    return text
