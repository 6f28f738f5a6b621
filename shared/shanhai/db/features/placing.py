"""Where positions from outside lie, and whether somebody has swapped their coordinates."""

import numpy as np

from shanhai.db.features.crs import Crs, Numbers, to_storage
from shanhai.vocabulary import Label

CHINA = (73.0, 3.0, 136.0, 54.0)
"""West, south, east, north; only to tell whether swapped coordinates would make more sense."""


def positions_in_storage(given: Numbers, crs: Crs) -> Numbers:
    """Positions as clients write them in a system, as longitude and latitude."""
    return to_storage(crs, given)


def misplacement(given: Numbers, crs: Crs) -> Label | None:
    """Why the positions cannot be meant; None when they lie in a plausible place.

    Positions that would lie in China if they were swapped, and do not as they are, are swapped.
    """
    stored = _stored(given, crs)
    if stored is not None and _on_earth(stored) and (_in_china(stored) or not _swaps(given, crs)):
        return None
    first, order = _first_outside(given, stored), _order_of(crs)
    where = f"({first[0]:.10g}, {first[1]:.10g})"
    hint = _swaps(given, crs)
    en = f"{where} is not a place when read {order.en}, as {crs.uri} has it"
    zh = f"{where} 按 {crs.uri} 的坐标顺序（{order.zh}）不是合理的位置"
    if hint:
        return Label(f"{zh}；坐标顺序似乎颠倒", f"{en}; the coordinates seem to be swapped")
    return Label(zh, en)


def _stored(given: Numbers, crs: Crs) -> Numbers | None:
    """The positions in degrees; None where the system does not reach."""
    try:
        return to_storage(crs, given)
    except ValueError:
        return None


def _swaps(given: Numbers, crs: Crs) -> bool:
    swapped = _stored(given[:, ::-1], crs)
    return swapped is not None and _in_china(swapped)


def _on_earth(stored: Numbers) -> bool:
    return not _outside(stored).any()


def _outside(stored: Numbers) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    outside: np.ndarray[tuple[int], np.dtype[np.bool_]] = (np.abs(stored[:, 0]) > 180) | (
        np.abs(stored[:, 1]) > 90
    )
    return outside


def _in_china(stored: Numbers) -> bool:
    west, south, east, north = CHINA
    low, high = stored.min(axis=0), stored.max(axis=0)
    return bool(west <= low[0] and south <= low[1] and high[0] <= east and high[1] <= north)


def _first_outside(given: Numbers, stored: Numbers | None) -> tuple[float, float]:
    number = 0 if stored is None else int(np.argmax(_outside(stored)))
    return float(given[number, 0]), float(given[number, 1])


def _order_of(crs: Crs) -> Label:
    if crs.flipped:
        return Label("先北后东", "north first")
    return Label("先东后北", "east first")
