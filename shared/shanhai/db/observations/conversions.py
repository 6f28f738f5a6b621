"""SQL between values of the unit a series tells and of the unit they are kept in.

A conversion is `(v * a + b) / c`, as an array of a, b and c; null where both units are the same.
"""

OFFSET_DECIMALS = 10
"""Decimals of values on scales that begin elsewhere: near their nought no more are certain."""


def as_kept(value: str, conversion: str) -> str:
    """SQL of a value in the unit it is kept in, of one in the unit told."""
    a, b, c = (f"({conversion})[{place}]" for place in (1, 2, 3))
    return f"CASE WHEN {conversion} IS NULL THEN {value} ELSE ({value} * {a} + {b}) / {c} END"


def as_told(value: str, conversion: str) -> str:
    """SQL of a value in the unit told, of one in the unit it is kept in.

    It has the digits that were told: fifteen of them are certain, as a number has them in decimals.
    """
    a, b, c = (f"({conversion})[{place}]" for place in (1, 2, 3))
    plain = f"CAST(({value} * {c} - {b}) / {a} AS numeric)"
    return (
        f"CASE WHEN {conversion} IS NULL THEN {value}"
        f" WHEN {b} = 0 THEN CAST({plain} AS double precision)"
        f" ELSE CAST(round({plain}, {OFFSET_DECIMALS}) AS double precision) END"
    )
