"""Which parameter moves the zones most when each is changed alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shanhai.science.uncertainty.draws import UNCERTAIN

STEP = 0.2
PARAMETERS = tuple(one.name for one in UNCERTAIN)

ZoneAreas = Mapping[int, float]
"""Area by zone, in any one unit."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change of one parameter does.

    Attributes:
        parameter: Its name.
        lower: Change of each zone's area when it is a fifth smaller.
        higher: Change of each zone's area when it is a fifth larger.
        moved: Area that changes its zone on balance, in the worse of the two cases.
    """

    parameter: str
    lower: dict[int, float]
    higher: dict[int, float]
    moved: float


def one_at_a_time(
    zone_areas: Callable[[Mapping[str, float]], ZoneAreas],
    parameters: Sequence[str] = PARAMETERS,
    step: float = STEP,
) -> list[Effect]:
    """Effects of ±20 % of each parameter, the largest first; equal ones keep their order.

    Args:
        zone_areas: From factors by parameter name, none for the baseline, to the zones' areas.
        parameters: Names of the parameters.
        step: Change of each, as a part of it.
    """
    baseline = zone_areas({})
    effects = [
        _effect(name, baseline, zone_areas({name: 1 - step}), zone_areas({name: 1 + step}))
        for name in parameters
    ]
    return sorted(effects, key=lambda effect: -effect.moved)


def _effect(name: str, baseline: ZoneAreas, low: ZoneAreas, high: ZoneAreas) -> Effect:
    lower, higher = _difference(low, baseline), _difference(high, baseline)
    moved = max(sum(map(abs, change.values())) / 2 for change in (lower, higher))
    return Effect(name, lower, higher, moved)


def _difference(areas: ZoneAreas, baseline: ZoneAreas) -> dict[int, float]:
    zones = sorted({*areas, *baseline})
    return {zone: areas.get(zone, 0.0) - baseline.get(zone, 0.0) for zone in zones}
