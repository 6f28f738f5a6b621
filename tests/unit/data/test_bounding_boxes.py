import pytest

from shanhai.data.regions import parse_box
from shanhai.errors import InvalidInput


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,2,3,x", "3,2,1,4", "1,4,3,2", "1,2,181,4", "1,2,3,91", "nan,2,3,4"]
)
def test_box_that_is_none_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(InvalidInput, match=f"bbox is {text}; it must be four") as caught:
        parse_box(text)
    assert [fault.pointer for fault in caught.value.faults] == ["--bbox"]
