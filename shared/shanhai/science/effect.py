"""The effect of a project: before and after, inside and beside it, and signs of false restoration.

What is seen inside a perimeter also changes with the weather and with the times. A control area
beside it changes with them, too, so the effect is the difference of the two differences
(Card and Krueger 1994, American Economic Review 84: 772-793): it is none of the project's where
both change alike. It holds as far as both would have gone the same way without the project.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from shapely import union_all
from shapely.geometry.base import BaseGeometry

from shanhai.vocabulary import Label

REACH = 10.0
"""The ring is at most so many times as wide as a square of the perimeter's area is long."""
_STEPS, _CLOSE_ENOUGH = 60, 1e-4
LEAST_RISE = 0.02
"""Rise of NDVI against the control area below which nothing is said to have grown; status E."""
FALLEN_BACK = 0.5
"""Part of the rise that must be lost again to be told; status E."""
LEAST_SEALING = 0.01
"""Growth of the sealed share, and its lead over the control area's, that is told; status E."""
SEASONS = 2
"""Years after the last one of a project in which vegetation must have grown."""
SILENCE_DAYS = 365
"""Days without any observation after which that is told."""

RING = Label("对照区外缘", "Outer edge of the control area")
SEALED = Label("不透水面占比", "Sealed share")
RING_RULE = Label(
    "对照区为项目范围外围的等距环带，宽度取使其面积与项目面积相等者；其他项目范围不计入；"
    "环带最宽为与项目等面积正方形边长的 10 倍，不足时从实。",
    "The control area is the ring around the perimeter, without other projects, whose width gives"
    " it the perimeter's area; it is at most ten times as wide as a square of that area is long,"
    " and smaller where that does not suffice.",
)


@dataclass(frozen=True, slots=True)
class ControlRing:
    """The control area, and how far it reaches from the perimeter, m."""

    geometry: BaseGeometry
    width_m: float


def control_ring(perimeter: BaseGeometry, others: Sequence[BaseGeometry]) -> ControlRing:
    """The ring around a perimeter of the same area, without other projects (`RING_RULE`).

    Args:
        perimeter: An area in a projected system, m.
        others: Perimeters of other projects in the same system.
    """
    taken = union_all([perimeter, *others])
    wanted = perimeter.area

    def ring(width: float) -> BaseGeometry:
        return perimeter.buffer(width, quad_segs=32).difference(taken)

    low, high = 0.0, REACH * math.sqrt(wanted)
    widest = ring(high)
    if widest.area <= wanted:
        return ControlRing(widest, high)
    found = widest
    for _ in range(_STEPS):
        middle = (low + high) / 2
        found = ring(middle)
        if abs(found.area - wanted) <= _CLOSE_ENOUGH * wanted:
            return ControlRing(found, middle)
        low, high = (low, middle) if found.area > wanted else (middle, high)
    return ControlRing(found, high)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen at one time inside a perimeter and in its control area; None is unknown."""

    on: date
    inside: float | None
    control: float | None

    @property
    def beyond(self) -> float | None:
        """Inside beyond the control area."""
        if self.inside is None or self.control is None:
            return None
        return self.inside - self.control


@dataclass(frozen=True, slots=True)
class EffectChange:
    """Differences from before to after; `effect` is that inside less that of the control area.

    Attributes:
        interim: Whether what counts as after was seen before the project's last year had ended.
    """

    before: date
    after: date
    inside: float | None
    control: float | None
    effect: float | None
    interim: bool


def change_of(
    sightings: Sequence[Sighting], first_year: int, last_year: int
) -> EffectChange | None:
    """From the last sighting before a project's first year to the newest since; None without both.

    The difference of differences: `(inside after - before) - (control after - before)`.
    """
    pair = pair_of(sightings, first_year)
    if pair is None:
        return None
    before, after = pair
    inside = _less(after.inside, before.inside)
    control = _less(after.control, before.control)
    return EffectChange(
        before.on, after.on, inside, control, _less(inside, control), after.on.year <= last_year
    )


def pair_of(sightings: Sequence[Sighting], first_year: int) -> tuple[Sighting, Sighting] | None:
    """The last sighting before a year and the newest since it began; None without both."""
    ordered = sorted(sightings, key=lambda one: one.on)
    before = [one for one in ordered if one.on.year < first_year]
    since = [one for one in ordered if one.on.year >= first_year]
    return (before[-1], since[-1]) if before and since else None


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def vegetation_signs(
    sightings: Sequence[Sighting], first_year: int, last_year: int
) -> Sequence[str]:
    """Signs in NDVI: `ndvi_fell_back` and `ndvi_flat`.

    Both look at NDVI inside beyond the control area, so a dry year is no sign. It fell back when
    `FALLEN_BACK` of a rise of at least `LEAST_RISE` is lost again; it is flat when it has not risen
    by that much `SEASONS` years after the last year of the project.
    """
    pair = pair_of(sightings, first_year)
    if pair is None or pair[0].beyond is None or pair[1].beyond is None:
        return ()
    before, last = pair[0].beyond, pair[1].beyond
    since = [
        one.beyond for one in sightings if one.on.year >= first_year and one.beyond is not None
    ]
    rise = max(since) - before
    if rise >= LEAST_RISE and max(since) - last >= FALLEN_BACK * rise:
        return ("ndvi_fell_back",)
    if pair[1].on.year >= last_year + SEASONS and last - before < LEAST_RISE:
        return ("ndvi_flat",)
    return ()


def sealing_signs(sightings: Sequence[Sighting], first_year: int) -> Sequence[str]:
    """A sign in the sealed share: `sealed_grew`, by `LEAST_SEALING` beyond the control area."""
    found = change_of(sightings, first_year, first_year)
    grew = found is not None and found.inside is not None and found.inside >= LEAST_SEALING
    beyond = found is not None and found.effect is not None and found.effect >= LEAST_SEALING
    return ("sealed_grew",) if grew and beyond else ()


def is_silent(seen_on: Sequence[date], since: date, today: date) -> bool:
    """Whether nothing was observed for `SILENCE_DAYS`, counted from `since` on at the earliest."""
    return (today - max([*seen_on, since])).days > SILENCE_DAYS
