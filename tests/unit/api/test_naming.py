"""What members, codes and numbers of any document are called on pages."""

import pytest

from shanhai_api.kit.pages import reading
from shanhai_api.words.naming import (
    code_name,
    codes_apart,
    columns_of_rows,
    heading_of,
    is_code,
    layer_name,
    member_name,
    name_without,
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
    assert code_name("credential", "zh", "table") == "登录凭据"
    assert code_name("account", "zh", "table") == "账户"
    assert code_name("submit", "zh", "action") == "提交"
    assert code_name("submit", "zh") is None
    assert code_name("control_rule", "zh", "table") == "管控规则"
    assert member_name("valid_from", "zh") == "生效日期"
    assert member_name("signed_in", "zh") == "最近登录"
    assert member_name("issuer", "zh") == "发布机构"
    assert member_name("issuer", "zh", "/accounts/7") == "签发方"
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


@pytest.mark.parametrize(
    ("number", "told"),
    [
        *((3.407e-14, "3.41 × 10⁻¹⁴"), (-2.2e-7, "-2.2 × 10⁻⁷"), (2.24e-05, "0.0000224")),
        *((5e-05, "0.00005"), (1e-6, "0.000001"), (9.999e-5, "0.0001"), (1e21, "1" + ",000" * 7)),
    ],
)
def test_numbers_near_nothing_have_no_computers_exponent(number: float, told: str) -> None:
    assert number_words(number) == told


@pytest.mark.parametrize(
    ("number", "told"),
    [
        *((12.5, "12.5"), (1234567.0, "1,234,570"), (12345.678, "12,346"), (0.1234567, "0.123457")),
        *((0.0000123456, "0.0000123456"), (3.407e-14, "3.407 × 10⁻¹⁴"), (0.0, "0")),
    ],
)
def test_measured_numbers_have_six_digits(number: float, told: str) -> None:
    assert reading(number) == told


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *(("banan.PRG1", True), ("red_line", True), ("928c676e-3614-425c-968f-2107e36ef3ca", True)),
        *(("Self-regulation", False), ("厦门市", False), ("GB 3838-2002", False), ("2026", False)),
    ],
)
def test_what_can_only_be_a_code(text: str, code: bool) -> None:
    assert is_code(text) is code


def test_codes_in_a_sentence_are_set_as_such() -> None:
    assert codes_apart("<b> 未载明截止日（comment_until）") == (
        "&lt;b&gt; 未载明截止日（<code>comment_until</code>）"
    )


def test_what_has_no_name_is_called_by_its_kind() -> None:
    assert name_without("生态源地", "xiamen.network-1.s001") == "生态源地 s001"
