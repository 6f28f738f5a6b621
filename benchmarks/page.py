"""`python -m benchmarks.page`: the tables of docs/benchmarks.md from docs/benchmarks.json.

What lies between two marks of the page is made anew; the prose around them is written by hand.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import Any

from benchmarks import published
from benchmarks.__main__ import NAMES
from benchmarks.report import law_text, load_text, ratio_text, side_text
from shanhai.local.places import CHECKOUT, write_whole

PAGE = CHECKOUT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- made from benchmarks.json: {} -->\n", "<!-- end: {} -->"
HEADS = (
    *("what", "ours", "beside it", "ratio (95 %)", "before", "target"),
    *("connections", "processes", "load"),
)
HEADS_OF_GROWTH = ("work", "sizes", "time grows by", "the largest", "memory grows by", "measured")
HEADS_OF_FORMER = ("what, in the edition before alone", "beside it", "before", "target")
HEADS_OF_FINDINGS = ("what", "least, median, most", "at most", "before")


def main() -> int:
    """Write the page."""
    write_whole(PAGE, page())
    print(PAGE)
    return 0


def page() -> str:
    """The page as it is to be."""
    return filled(PAGE.read_text("utf-8"), published.read())


def filled(text: str, data: dict[str, Any]) -> str:
    """A page with its marked parts made from data."""
    return _between(_between(text, "figures", figures(data)), "growth", growths(data))


def _between(text: str, part: str, made: str) -> str:
    """Put a text between the marks of a part; ValueError where the page has none."""
    begin, end = BEGIN.format(part), END.format(part)
    first, last = text.index(begin) + len(begin), text.index(end)
    return text[:first] + made + text[last:]


def figures(data: dict[str, Any]) -> str:
    """A section for each benchmark that has figures."""
    told, former = data["benchmarks"], data["former"]
    order = [*NAMES, *(name for name in told if name not in NAMES)]
    sections = [
        _section(name, told.get(name), former.get(name, []))
        for name in order
        if name in told or name in former
    ]
    return "\n".join(sections)


def growths(data: dict[str, Any]) -> str:
    """A table of exponents, and the pictures."""
    kinds = data.get("growth", {})
    rows = [_growth(name, kinds[name]) for name in kinds]
    pictures = [f"![{one['what']}](pictures/growth-{name}.svg)\n" for name, one in kinds.items()]
    return "\n".join([*_table(HEADS_OF_GROWTH, rows), "", *pictures])


def _growth(name: str, one: dict[str, Any]) -> tuple[str, ...]:
    sizes = sorted({size for size, _ in one["seconds"]})
    largest = [value for size, value in one["seconds"] if size == sizes[-1]]
    began, ended = one["load"]
    return (
        f"`{one['command']}`: {one['what']}",
        f"{sizes[0]:,} to {sizes[-1]:,} {one['unit']}",
        law_text(one["time_grows"]),
        f"{median(largest):.3g} s",
        law_text(one["memory_grows"]),
        f"{one['at'].split()[0]}, {one['commit']}, load {began:.1f}–{ended:.1f}",
    )


def _section(name: str, document: dict[str, Any] | None, former: Sequence[dict[str, Any]]) -> str:
    told = document or {}
    rows = told.get("rows", [])
    before = {one["row"]: one["ratio"] for one in former if "row" in one}
    here = {row["what"] for row in rows}
    left = [_former(one) for one in former if one.get("row") not in here]
    lines = [f"### `{name}`\n", *(_origin(told) if document else _unmeasured(name)), ""]
    if told.get("findings"):
        lines += [*_table(HEADS_OF_FINDINGS, map(_finding, told["findings"])), ""]
    if rows:
        lines += [*_table(HEADS, [_measured(row, before.get(row["what"], "")) for row in rows]), ""]
    if left:
        lines += [*_table(HEADS_OF_FORMER, left), ""]
    return "\n".join(lines)


def _origin(document: dict[str, Any]) -> Iterator[str]:
    yield f"{_sentence(document['title'])} Beside it: {document['floor']}."
    yield (
        f"`{document['command']}`, {document['at']}, commit {document['commit']},"
        f" {document['cores']} cores."
    )
    yield from _arrangement(document.get("rows", []))


def _arrangement(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """How the rows were measured: what the first says, and what others say otherwise."""
    if rows and rows[0]["clock"] == "processor":
        yield "Seconds of the processor."
    for number, row in enumerate(rows):
        for member in ("settings", "warm"):
            if number == 0 and row[member]:
                yield _sentence(row[member])
            elif row[member] != rows[0][member]:
                yield f"*{row['what']}*: {_sentence(row[member])}"


def _unmeasured(name: str) -> Iterator[str]:
    yield f"`python -m benchmarks {name}`, not run since the edition before."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _measured(row: dict[str, Any], before: str) -> tuple[str, ...]:
    facts = "; ".join(f"{name} {value:,.4g}" for name, value in row["facts"].items())
    return (
        f"{row['what']} ({facts})" if facts else row["what"],
        side_text(row, "ours"),
        side_text(row, "floor"),
        ratio_text(row),
        before,
        _target(row),
        _both(row["connections"]),
        _both(row["processes"]),
        load_text(row),
    )


def _target(row: dict[str, Any]) -> str:
    if row["target"] is None:
        return ""
    missed = "" if row["ratio"] >= row["target"] else ", **missed**"
    return f"≥ {row['target']:g}{missed}"


def _former(one: dict[str, Any]) -> tuple[str, ...]:
    return one["what"], one["beside"], one["ratio"], one["target"]


def _finding(one: dict[str, Any]) -> tuple[str, ...]:
    shares = one["shares"]
    told = "; ".join(f"{100 * part:.3g} %" for part in (min(shares), median(shares), max(shares)))
    if one["bar"] is None:
        return one["what"], told, "", one["former"]
    missed = "" if one["worst"] <= one["bar"] else ", **missed**"
    return one["what"], told, f"{100 * one['bar']:g} %{missed}", one["former"]


def _both(sides: Sequence[int] | None) -> str:
    return " : ".join(map(str, sides)) if sides else ""


def _table(heads: Sequence[str], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for row in (heads, ("---",) * len(heads), *rows):
        yield f"| {' | '.join(cell.replace('|', '∣') for cell in row)} |"


if __name__ == "__main__":
    sys.exit(main())
