"""Units of areas, volumes, masses, shares, money and counts, and what one is in another."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

from shanhai.errors import InvalidInput
from shanhai.vocabulary import Label, Lang

DIGITS = 20
"""Significant digits of a result that no decimal number is exactly."""
MU_M2 = Fraction(10_000, 15)
"""Square metres of a mu; fifteen make a hectare."""
CO2_PER_C = Fraction(44, 12)
"""Mass of carbon dioxide that holds a mass of carbon, by whole atomic masses."""
_ROUNDING = Context(prec=DIGITS)


@dataclass(frozen=True, slots=True)
class MeasureUnit:
    """A unit: what it measures, its size in that quantity's base unit, how people write it."""

    code: str
    quantity: str
    factor: Fraction
    label: Label
    also: tuple[str, ...] = ()


def _measure(
    code: str, quantity: str, factor: Fraction | int, zh: str, en: str, *also: str
) -> MeasureUnit:
    return MeasureUnit(code, quantity, Fraction(factor), Label(zh, en), also)


MEASURES: tuple[MeasureUnit, ...] = (
    _measure("m2", "area", 1, "平方米", "m²", "m²", "㎡"),
    _measure("ha", "area", 10_000, "公顷", "ha", "hm2"),
    _measure("km2", "area", 1_000_000, "平方公里", "km²", "km²", "平方千米"),
    _measure("mu", "area", MU_M2, "亩", "mu"),
    _measure("10^4 mu", "area", 10_000 * MU_M2, "万亩", "10⁴ mu"),
    _measure("m", "length", 1, "米", "m"),
    _measure("km", "length", 1_000, "公里", "km", "千米"),
    _measure("m3", "volume", 1, "立方米", "m³", "m³"),
    _measure("10^4 m3", "volume", 10**4, "万立方米", "10⁴ m³", "万m3"),
    _measure("10^8 m3", "volume", 10**8, "亿立方米", "10⁸ m³", "亿m3"),
    _measure("kg", "mass", Fraction(1, 1000), "千克", "kg"),
    _measure("t", "mass", 1, "吨", "t"),
    _measure("10^4 t", "mass", 10**4, "万吨", "10⁴ t"),
    # Tonnes of nobody knows what are no tonnes of carbon: another quantity.
    _measure("tC", "carbon", 1, "吨碳", "t C", "t C"),
    _measure("tCO2", "carbon", 1 / CO2_PER_C, "吨二氧化碳", "t CO₂", "t CO2"),
    _measure("10^4 tC", "carbon", 10**4, "万吨碳", "10⁴ t C"),
    _measure("10^4 tCO2", "carbon", 10**4 / CO2_PER_C, "万吨二氧化碳", "10⁴ t CO₂"),
    _measure("1", "share", 1, "比值", "ratio"),
    _measure("%", "share", Fraction(1, 100), "%", "%", "百分比"),
    _measure("permille", "share", Fraction(1, 1000), "‰", "‰"),
    _measure("CNY", "money", 1, "元", "CNY"),
    _measure("10^4 CNY", "money", 10**4, "万元", "10⁴ CNY"),
    _measure("10^8 CNY", "money", 10**8, "亿元", "10⁸ CNY"),
    _measure("t/ha", "mass of an area", 1, "吨/公顷", "t/ha"),
    _measure("tC/ha/yr", "carbon of an area a year", 1, "吨碳/(公顷·年)", "t C/(ha·a)", "tC/ha/a"),
    _measure("t/year", "mass of a year", 1, "吨/年", "t/a"),
    _measure("10^4 t/year", "mass of a year", 10**4, "万吨/年", "10⁴ t/a"),
    _measure("Cel", "temperature", 1, "℃", "°C", "°C"),
    _measure("days", "days", 1, "天", "days", "d"),
    _measure("jobs", "jobs", 1, "个岗位", "jobs"),
    _measure("firms", "firms", 1, "家企业", "firms"),
    _measure("plots", "plots", 1, "个地块", "plots"),
    _measure("projects", "projects", 1, "个项目", "projects"),
    _measure("towns", "towns", 1, "个镇街", "towns"),
    _measure("villages", "villages", 1, "个村", "villages"),
    _measure("provinces", "provinces", 1, "个省份", "provinces"),
)
_BY_NAME: Mapping[str, MeasureUnit] = {
    name: measure
    for measure in MEASURES
    for name in (measure.code, measure.label.zh, *measure.also)
}


def unit_code(name: str) -> str:
    """The code of a unit by its code or Chinese name; any other text is taken for a code."""
    known = _BY_NAME.get(name.strip())
    return name.strip() if known is None else known.code


def unit_label(code: str) -> Label:
    """How people write a unit."""
    known = _BY_NAME.get(code)
    return Label(code, code) if known is None else known.label


SPELT = (
    *(("ug/", "µg/"), ("m3", "m³"), ("m2", "m²"), ("Cel", "°C"), ("permille", "‰")),
    *(("[degF]", "°F"), ("deg", "°")),
)
"""How codes of units are written for people."""


def unit_name(code: str, lang: Lang = "en") -> str:
    """A unit as people write it; a dash for numbers without one."""
    if lang == "zh" and code != "1" and (known := unit_label(code).in_(lang)) != code:
        return known
    if lang == "en" and code.startswith("10^"):
        return unit_label(code).in_(lang)
    for plain, nice in SPELT:
        code = code.replace(plain, nice)
    return "–" if code == "1" else code


def convert(value: Decimal, unit: str, to: str) -> Decimal:
    """A value in another unit of the same quantity.

    Args:
        value: A finite number in `unit`.
        unit: Code or Chinese name of its unit; one that is not of `MEASURES` is only itself.
        to: The same of the unit wanted.

    Returns:
        The exact decimal where there is one, else `DIGITS` significant digits.

    Raises:
        InvalidInput: the units are not of one quantity.
    """
    source, target = unit_code(unit), unit_code(to)
    if source == target:
        return value
    here, there = _BY_NAME.get(source), _BY_NAME.get(target)
    if here is None or there is None or here.quantity != there.quantity:
        raise InvalidInput(
            f"{source!r} cannot be converted to {target!r}",
            message_zh=f"{source!r} 不能换算为 {target!r}",
            pointer="/unit",
        )
    return as_decimal(Fraction(value) * here.factor / there.factor)


def as_decimal(number: Fraction) -> Decimal:
    """A fraction as a decimal number, without trailing zeros."""
    quotient = _ROUNDING.divide(Decimal(number.numerator), Decimal(number.denominator))
    return Decimal(f"{quotient.normalize():f}")


def without_zeros(amount: Decimal) -> str:
    """An amount in digits, without zeros at its end that say nothing."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain(number: Decimal | None) -> int | float | None:
    """A decimal as JSON has it: whole numbers without a point."""
    if number is None:
        return None
    return int(number) if number == number.to_integral_value() else float(number)
