"""Gross ecosystem product: physical quantities times prices, item by item, counted once.

Physical quantities follow from totals over the area, so that they can be summed window by window
and told by district: everything here is linear in them but the cap of purification.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shanhai.errors import InvalidInput
from shanhai.science.gep.catalogue import Coefficient, GepCatalogue, GepItem, price_level

CO2_PER_CARBON = 44 / 12
"""Mass of carbon dioxide over that of its carbon."""

OXYGEN_PER_CO2 = 32 / 44
"""Mass of oxygen given off over that of the carbon dioxide taken up."""

KILOJOULES_PER_KWH = 3600.0
SQUARE_METRES_PER_HECTARE = 10_000.0
WATER_KG_PER_M3 = 1000.0


def silt_m3(soil_t: float, *, silt_share: float, soil_density: float) -> float:
    """Volume of silt that soil retention keeps out of rivers and reservoirs, m³/yr.

    Args:
        soil_t: Soil retained, t/yr.
        silt_share: λ, part of it that would settle as silt, 0–1.
        soil_density: ρ, t/m³.
    """
    return silt_share * soil_t / soil_density


def carbon_dioxide_t(carbon_t: float) -> float:
    """Carbon dioxide that holds so much carbon, t."""
    return CO2_PER_CARBON * carbon_t


def oxygen_t(dioxide_t: float) -> float:
    """Oxygen given off while so much carbon dioxide is fixed, t."""
    return OXYGEN_PER_CO2 * dioxide_t


def transpiration_kwh(area_ha: float, *, epp: float, cooling_days: float, eer: float) -> float:
    """Electricity that cooling by vegetation saves, kWh/yr.

    Args:
        area_ha: Area of the vegetation, ha.
        epp: Heat it takes by transpiration, kJ/m²/d.
        cooling_days: Days a year on which cooling is wanted.
        eer: Efficiency of air conditioning.
    """
    heat_kj = area_ha * SQUARE_METRES_PER_HECTARE * epp * cooling_days
    return heat_kj / (KILOJOULES_PER_KWH * eer)


def evaporation_kwh(
    area_ha: float, *, evaporation_mm: float, latent_heat: float, eer: float
) -> float:
    """Electricity that cooling by open water saves, kWh/yr.

    Args:
        area_ha: Area of the water, ha.
        evaporation_mm: Evaporation in the cooling season, mm/yr.
        latent_heat: Heat of evaporation, kJ/kg.
        eer: Efficiency of air conditioning.
    """
    volume_m3 = area_ha * SQUARE_METRES_PER_HECTARE * evaporation_mm / 1000
    return volume_m3 * WATER_KG_PER_M3 * latent_heat / (KILOJOULES_PER_KWH * eer)


def purified_t(
    areas_ha: Mapping[str, float], rates_kg_ha: Mapping[str, float], discharge_t: float | None
) -> float:
    """Pollutant taken up, t/yr, not above what is discharged.

    Args:
        areas_ha: Area by kind of ecosystem, ha.
        rates_kg_ha: Uptake by kind, kg/ha/yr.
        discharge_t: What is emitted or discharged, t/yr; None where it is not known.
    """
    able = sum(areas_ha.get(kind, 0.0) * rate for kind, rate in rates_kg_ha.items()) / 1000
    return able if discharge_t is None else min(able, discharge_t)


@dataclass(frozen=True, slots=True)
class Amount:
    """The physical quantity of an item.

    Attributes:
        item: Its identifier.
        by_place: Quantity by district code; what belongs to no district is under the empty code.
        origin: `computed` from rasters or `entered`.
        prices: Price by good for items that have no price of their own, CNY per unit; with
            `goods`, the quantities they apply to.
        goods: Quantity by good and place.
        used: Coefficients the quantity was computed with.
        capped: Whether a discharge limited it.
    """

    item: str
    by_place: Mapping[str, float]
    origin: str
    prices: Mapping[str, float] | None = None
    goods: Mapping[str, Mapping[str, float]] | None = None
    used: tuple[str, ...] = ()
    capped: bool = False

    @property
    def total(self) -> float:
        """Quantity of the whole area."""
        return sum(self.by_place.values())


@dataclass(frozen=True, slots=True)
class GepEntry:
    """An item of the account.

    Attributes:
        item: The item.
        quantity: Physical quantity, in its unit.
        price: CNY per unit in the money of the account; None where each good has its own.
        value: CNY/yr.
        by_place: Quantity and value by district code.
        origin: `computed` or `entered`.
        defaults: Coefficients of the catalogue it rests on.
        capped: Whether a discharge limited the quantity.
    """

    item: GepItem
    quantity: float
    price: float | None
    value: float
    by_place: Mapping[str, tuple[float, float]]
    origin: str
    defaults: tuple[str, ...]
    capped: bool


@dataclass(frozen=True, slots=True)
class GepAccount:
    """A whole account.

    Attributes:
        entries: In the order of the catalogue.
        price_year: The year whose money values are in.
    """

    entries: tuple[GepEntry, ...]
    price_year: int

    @property
    def total(self) -> float:
        """GEP, CNY/yr."""
        return sum(entry.value for entry in self.entries)

    @property
    def default_share(self) -> float:
        """Part of the value that rests on a default of the catalogue, 0–1; 0 of nothing."""
        resting = sum(entry.value for entry in self.entries if entry.defaults)
        return resting / self.total if self.total else 0.0

    def place_total(self, place: str) -> float:
        """GEP of one district, CNY/yr."""
        return sum(entry.by_place.get(place, (0.0, 0.0))[1] for entry in self.entries)


def price_in(coefficient: Coefficient, year: int) -> float:
    """A price in the money of `year`: consumer prices carry it over from its own year.

    Raises:
        InvalidInput: the price has no value and was not entered, or the year is unknown.
    """
    value = need(coefficient)
    if coefficient.price_year is None:
        return value
    return value * price_level(year) / price_level(coefficient.price_year)


def need(coefficient: Coefficient) -> float:
    """The value of a coefficient.

    Raises:
        InvalidInput: it has none and was not entered.
    """
    if coefficient.value is None:
        raise InvalidInput(
            f"{coefficient.name} ({coefficient.label.en}, {coefficient.unit}) has no default in "
            "this catalogue; enter it, or leave the item out",
            message_zh=f"本目录未提供“{coefficient.label.zh}”（{coefficient.name}，"
            f"{coefficient.unit}）的默认值，请录入，或不核算该项",
            pointer=f"/coefficients/{coefficient.name}",
        )
    return coefficient.value


def make_account(
    amounts: Sequence[Amount], catalogue: GepCatalogue, *, price_year: int
) -> GepAccount:
    """Value every amount once.

    Args:
        amounts: At most one per item.
        catalogue: With the entered coefficients.
        price_year: The year whose money values are in.

    Raises:
        InvalidInput: an item is unknown or counted twice, a quantity negative, a price missing.
    """
    _require_single([amount.item for amount in amounts], catalogue)
    by_item = {amount.item: amount for amount in amounts}
    entries = (
        _entry(item, by_item[item.id], catalogue, price_year)
        for item in catalogue.items.values()
        if item.id in by_item
    )
    return GepAccount(tuple(entries), price_year)


def _require_single(items: Sequence[str], catalogue: GepCatalogue) -> None:
    """Refuse what the catalogue does not hold, and one benefit counted twice."""
    ends: dict[str, str] = {}
    for name in items:
        item = catalogue.items.get(name)
        if item is None:
            raise InvalidInput(
                f"{name!r} is no item of {catalogue.version}; "
                f"those are {', '.join(catalogue.items)}",
                message_zh=f"{catalogue.label.zh} 不含项目 {name!r}",
                pointer=f"/quantities/{name}",
            )
        if item.final in ends:
            raise InvalidInput(
                f"{name} and {ends[item.final]} end in the same benefit ({item.final}) and cannot "
                "both be counted",
                message_zh=f"{name} 与 {ends[item.final]} 属于同一最终效益，不得重复计算",
                pointer=f"/quantities/{name}",
            )
        ends[item.final] = name


def _entry(item: GepItem, amount: Amount, catalogue: GepCatalogue, price_year: int) -> GepEntry:
    _require_not_negative(amount)
    used = tuple(catalogue.coefficients[name] for name in amount.used)
    if item.price is None:
        price, worth = None, _worth_of_goods(amount)
    else:
        own = catalogue.coefficients[item.price]
        used = (*used, own)
        price = price_in(own, price_year)
        worth = {place: quantity * price for place, quantity in amount.by_place.items()}
    return GepEntry(
        item=item,
        quantity=amount.total,
        price=price,
        value=sum(worth.values()),
        by_place={
            place: (quantity, worth.get(place, 0.0)) for place, quantity in amount.by_place.items()
        },
        origin=amount.origin,
        defaults=tuple(one.name for one in used if one.default),
        capped=amount.capped,
    )


def _require_not_negative(amount: Amount) -> None:
    for place, quantity in amount.by_place.items():
        if not quantity >= 0:
            raise InvalidInput(
                f"the quantity of {amount.item} is {quantity:g} in {place or 'the region'}; "
                "it must not be negative",
                message_zh=f"{amount.item} 在 {place or '区域'} 的数量为 {quantity:g}，不得为负",
                pointer=f"/quantities/{amount.item}",
            )


def _worth_of_goods(amount: Amount) -> dict[str, float]:
    """Value by place of goods that each have a price."""
    worth: dict[str, float] = {}
    for good, quantities in (amount.goods or {}).items():
        for place, quantity in quantities.items():
            worth[place] = worth.get(place, 0.0) + quantity * (amount.prices or {})[good]
    return worth
