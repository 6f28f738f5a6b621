import pytest

from shanhai.data.regions import parse_box, region_box
from shanhai.errors import InvalidInput, NotFound


def test_known_region_brings_its_box_and_a_given_box_wins() -> None:
    assert region_box("xiamen", None) == (117.85, 24.38, 118.50, 24.95)
    assert region_box("xiamen", "1,2,3,4") == (1.0, 2.0, 3.0, 4.0)
    assert region_box("elsewhere", "1,2,3,4") == (1.0, 2.0, 3.0, 4.0)


def test_unknown_region_without_a_box_is_refused() -> None:
    with pytest.raises(NotFound, match="elsewhere"):
        region_box("elsewhere", None)


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,2,3,x", "3,2,1,4", "1,4,3,2", "1,2,181,4", "1,2,3,91", "nan,2,3,4"]
)
def test_box_that_is_none_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(InvalidInput, match=f"bbox is {text}"):
        parse_box(text)
