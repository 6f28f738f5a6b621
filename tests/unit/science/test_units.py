from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.units import MEASURES, MeasureUnit, convert, unit_code, unit_label, unit_name

AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=4)


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        ("129.8", "km2", "10^4 mu", "19.47"),
        ("19.47", "10^4 mu", "km2", "129.8"),
        ("1", "ha", "mu", "15"),
        ("1", "km2", "mu", "1500"),
        ("386", "ha", "km2", "3.86"),
        ("318", "10^4 m3", "m3", "3180000"),
        ("2", "10^8 m3", "10^4 m3", "20000"),
        ("0.7062", "1", "%", "70.62"),
        ("0.9", "permille", "%", "0.09"),
        ("12", "tC", "tCO2", "44"),
        ("4.4", "10^4 tCO2", "tC", "12000"),
        ("1.5", "10^4 CNY", "CNY", "15000"),
        ("3", "km", "m", "3000"),
    ],
)
def test_hand_computed(value: str, unit: str, to: str, expected: str) -> None:
    assert convert(Decimal(value), unit, to) == Decimal(expected)


def test_what_is_no_decimal_number_keeps_twenty_digits() -> None:
    assert convert(Decimal(1), "mu", "m2") == Decimal("666.66666666666666667")


def test_chinese_names_are_units_too() -> None:
    assert convert(Decimal("129.8"), "平方公里", "万亩") == Decimal("19.47")
    assert unit_code(" 公顷 ") == "ha"
    assert unit_label("10^4 mu").zh == "万亩"


def test_other_units_are_only_themselves() -> None:
    assert convert(Decimal("7.1"), "mg/L", "mg/L") == Decimal("7.1")
    assert unit_label("mg/L").en == "mg/L"


@pytest.mark.parametrize(
    ("unit", "to"), [("km2", "km"), ("t", "tC"), ("mg/L", "ug/m3"), ("x", "%")]
)
def test_other_quantities_are_refused(unit: str, to: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        convert(Decimal(1), unit, to)
    assert refused.value.faults[0].pointer == "/unit"


@given(AMOUNTS, st.sampled_from(MEASURES), st.sampled_from(MEASURES))
def test_there_and_back(value: Decimal, one: MeasureUnit, other: MeasureUnit) -> None:
    if one.quantity == other.quantity:
        back = convert(convert(value, one.code, other.code), other.code, one.code)
        assert abs(back - value) <= abs(value) * Decimal("1e-15")


def test_no_two_units_share_a_name() -> None:
    names = [name for unit in MEASURES for name in {unit.code, unit.label.zh, *unit.also}]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("code", "zh", "en"),
    [
        ("ug/m3", "µg/m³", "µg/m³"),
        ("m2", "平方米", "m²"),
        ("Cel", "℃", "°C"),
        ("permille", "‰", "‰"),
        ("d", "天", "d"),
        ("1", "–", "–"),
    ],
)
def test_units_are_spelt_as_people_write_them(code: str, zh: str, en: str) -> None:
    assert (unit_name(code, "zh"), unit_name(code, "en")) == (zh, en)
