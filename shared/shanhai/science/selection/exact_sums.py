"""Sums of decimal numbers without rounding, so that a limit holds or does not."""

import math
from collections.abc import Iterable
from decimal import Context, Decimal

_EXACT = Context(prec=800, Emax=999_999, Emin=-999_999)
"""Digits enough for the sum of any two doubles, whatever their size."""


def exact_sum(values: Iterable[float]) -> Decimal:
    """Sum of finite numbers as they are written: 0.1 and 0.2 are 0.3."""
    total = Decimal(0)
    for value in values:
        total = _EXACT.add(total, exactly(value))
    return total


def exactly(value: float) -> Decimal:
    """A number as it is written in decimals."""
    return Decimal(repr(float(value)))


def not_below(total: Decimal) -> float:
    """The double nearest to a sum, or the next one above it when that lies below."""
    nearest = float(total)
    return nearest if exactly(nearest) >= total else math.nextafter(nearest, math.inf)
