import math

import pytest

from shanhai.science.ecoservices.assembly import CHECKS, Check
from shanhai.science.ecoservices.catalogue import ECOSERVICES

(ORDER,) = CHECKS["cooling", "ucm"]
(EROSION,) = CHECKS["soil_retention", "rusle"]
BUILT_UP = CHECKS["biodiversity", "habitat_quality"][1]


def test_every_law_is_of_a_method_there_is() -> None:
    methods = {(one.id, method.id) for one in ECOSERVICES for method in one.methods}
    assert CHECKS.keys() <= methods


@pytest.mark.parametrize(
    ("check", "numbers", "kept"),
    [
        (ORDER, {"forest": 0.7, "grassland": 0.5, "built_up": 0.2}, True),
        (ORDER, {"forest": 0.7, "grassland": 0.1, "built_up": 0.2}, False),
        (ORDER, {"forest": 0.7, "grassland": math.nan, "built_up": 0.2}, True),
        (ORDER, {"forest": 0.1, "grassland": math.nan, "built_up": 0.2}, False),
        (EROSION, {"p99": 500.0}, True),
        (EROSION, {"p99": 501.0}, False),
        (BUILT_UP, {"built_up": 0.0}, True),
        (BUILT_UP, {"built_up": math.nan}, True),
        (BUILT_UP, {"built_up": 0.1}, False),
    ],
)
def test_a_law_is_kept_or_broken(check: Check, numbers: dict[str, float], kept: bool) -> None:
    assert check.holds(numbers) is kept


def test_a_wrong_order_of_cooling_stops_a_run() -> None:
    assert ORDER.stops
