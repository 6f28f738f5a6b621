"""What members, codes and numbers of any document are called on pages."""

import pytest

from shanhai_api.words.naming import (
    code_name,
    columns_of_rows,
    heading_of,
    layer_name,
    member_name,
    number_words,
    shown_members,
)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        *((2035, "2035"), (604800, "604,800"), (1771.450275, "1,771.4503")),
        *((0.5, "0.5"), (0.0, "0"), (0.00012345, "0.000123"), (-3.0, "-3")),
    ],
)
def test_numbers_are_readable(number: float, told: str) -> None:
    assert number_words(number) == told


def test_codes_are_called_by_their_words_unless_they_are_codes_on_purpose() -> None:
    assert code_name("red_line", "zh") == "生态保护红线"
    assert code_name("red_line", "zh", "code") is None
    assert code_name("viewer", "zh", "name") is None
    assert code_name("nobody-knows", "zh") is None
    assert member_name("valid_from", "zh") == "生效日期"
    assert member_name("nobody_knows", "zh") is None


def test_addresses_and_layers_have_headings() -> None:
    assert heading_of("/control-rules/national.red-line.mining/versions", "zh") == "历史版本"
    assert heading_of("/nowhere", "zh") == "/nowhere"
    assert layer_name("supply.cooling", "zh") == "降温效益供给"
    assert layer_name("supply.cooling", "en") == "Supply: Cooling"


def test_of_two_languages_the_one_that_is_read_is_shown() -> None:
    row = {"kind": "a", "kind_name": "A", "text_zh": "文", "text_en": "text", "links": []}
    assert list(shown_members(row, "zh")) == ["kind", "text_zh"]
    assert columns_of_rows([{"a": None, "b": 1}, {"b": 2, "c": []}], "en") == ["b"]
