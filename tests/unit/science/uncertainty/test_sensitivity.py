from collections.abc import Mapping

import pytest

from shanhai.science.uncertainty.variation import PARAMETERS, one_at_a_time


def areas(factors: Mapping[str, float]) -> dict[int, float]:
    """Two zones: cover management moves area between them, emissions a little."""
    moved = (
        100 * (factors.get("c_factor", 1) - 1) + 10 * (factors.get("emissions_total", 1) - 1) ** 2
    )
    found = {1: 60 + moved, 4: 40 - moved}
    return found | ({5: 3.0, 1: found[1] - 3} if factors.get("shade", 1) > 1 else {})


def test_largest_effect_comes_first() -> None:
    effects = one_at_a_time(areas)
    assert [effect.parameter for effect in effects[:3]] == [
        "c_factor",
        "shade",
        "emissions_total",
    ]
    assert effects[0].moved == pytest.approx(20)
    assert effects[0].lower == pytest.approx({1: -20, 4: 20})
    assert effects[0].higher == pytest.approx({1: 20, 4: -20})


def test_zone_that_appears_is_counted() -> None:
    (_, shade, *_) = one_at_a_time(areas)
    assert shade.higher == {1: -3, 4: 0, 5: 3}
    assert shade.moved == 3


def test_every_parameter_is_told_and_idle_ones_keep_their_order() -> None:
    effects = one_at_a_time(areas)
    assert len(effects) == 12
    idle = [effect.parameter for effect in effects if effect.moved == 0]
    assert idle == [name for name in PARAMETERS if name in idle]
