import pytest

from shanhai.science.grid import FloatArray
from tests.unit.science.hydrology.grounds import terrain


@pytest.fixture(params=range(6))
def ground(request: pytest.FixtureRequest) -> FloatArray:
    shapes = [(23, 31), (1, 17), (19, 1), (30, 30), (26, 20), (32, 21)]
    levels = [6, 4, 4, 1, 200, 3]
    missing = [0.0, 0.1, 0.1, 0.0, 0.03, 0.08]
    number = request.param
    return terrain(number, shapes[number], levels[number], missing[number])
