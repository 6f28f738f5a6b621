"""Pieces of Markdown."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; bars and line breaks inside a cell are made harmless."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def code(text: str) -> str:
    """Text in the type of code, or nothing for nothing."""
    return f"`{text}`" if text else ""


def number(value: float) -> str:
    """A number without exponent or idle decimals."""
    return str(int(value)) if value == int(value) else repr(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
