"""Cells of tables that spreadsheets open: text must stay text."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a cell for a formula, full-width forms included."""
QUOTE = "'"


def neutralised(text: str) -> str:
    """Text no spreadsheet takes for a formula; an apostrophe before it says that it is text."""
    return QUOTE + text if text.startswith((QUOTE, *FORMULA_STARTS)) else text


def restored(text: str) -> str:
    """What `neutralised` was given."""
    marked = text[:1] == QUOTE and text[1:].startswith((QUOTE, *FORMULA_STARTS))
    return text[1:] if marked else text
