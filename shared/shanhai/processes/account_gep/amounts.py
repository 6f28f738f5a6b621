"""Physical quantities of the items, from totals of the rasters and from what was entered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from shanhai.processes.account_gep.contract import AccountGepInputs, Pollutant
from shanhai.processes.account_gep.requirements import Countable, needed_coefficients, value_of
from shanhai.processes.account_gep.totals import HELD, OUTSIDE, Totals
from shanhai.science.flags import ResultFlag
from shanhai.science.gep import accounting
from shanhai.science.gep.catalogue import GepCatalogue, GepItem
from shanhai.science.landcover import LandCover
from shanhai.vocabulary import Label

VEGETATION: Mapping[str, tuple[LandCover, ...]] = {
    "forest": (LandCover.FOREST, LandCover.MANGROVE),
    "shrub": (LandCover.SHRUBLAND,),
    "grass": (LandCover.GRASSLAND,),
}
WETLAND = (LandCover.WETLAND, LandCover.MANGROVE, LandCover.WATER)

CARBON_LAYERS = ("carbon", "supply.carbon_sink")
"""Layers of carbon taken up, tC/ha; an account has one of them."""

_POLLUTANTS: Mapping[str, Pollutant] = {
    "air_so2": "so2",
    "air_nox": "nox",
    "air_dust": "dust",
    "water_cod": "cod",
    "water_nitrogen": "nitrogen",
    "water_phosphorus": "phosphorus",
}


@dataclass(slots=True)
class Ledger:
    """What the quantities are made of.

    Attributes:
        inputs: What was asked and entered.
        catalogue: With the entered coefficients.
        totals: Of the rasters.
        flags: What a reader must know; grows while quantities are made.
    """

    inputs: AccountGepInputs
    catalogue: GepCatalogue
    totals: Totals
    flags: list[ResultFlag] = field(default_factory=list)

    def number(self, name: str) -> float:
        """A coefficient."""
        return value_of(self.catalogue, name)

    def sums(self, layer: str) -> dict[str, float]:
        """Sums of a layer by place."""
        return self.totals.by_place(self.totals.sums[layer])

    def areas(self, classes: Sequence[LandCover]) -> dict[str, float]:
        """Area of classes by place, ha."""
        table = self.totals.classes_ha
        if table is None:
            return {}
        return self.totals.by_place(table[:, list(classes)].sum(axis=1))


def make_amounts(ledger: Ledger, countable: Countable) -> list[accounting.Amount]:
    """The quantity of every item that is counted; an entered one takes the place of a computed."""
    return [_amount(ledger, item) for item in countable.items]


def _amount(ledger: Ledger, item: GepItem) -> accounting.Amount:
    entered = ledger.inputs.quantities.get(item.id)
    if entered is not None:
        by_place = entered if isinstance(entered, dict) else {OUTSIDE: entered}
        return accounting.Amount(item.id, by_place, "entered")
    if item.entered:
        return _LISTED[item.id](ledger, item)
    used = needed_coefficients(item, ledger.inputs)
    if item.id in _POLLUTANTS:
        return _purified(ledger, item, used)
    return accounting.Amount(item.id, _COMPUTED[item.id](ledger), "computed", used=used)


def _each(quantities: Mapping[str, float], function: Callable[[float], float]) -> dict[str, float]:
    return {place: function(quantity) for place, quantity in quantities.items()}


def _water(ledger: Ledger) -> dict[str, float]:
    return ledger.sums("supply.water_conservation")


def _silt(ledger: Ledger) -> dict[str, float]:
    share, density = ledger.number("silt_share"), ledger.number("soil_density")
    return _each(
        ledger.sums("supply.soil_retention"),
        lambda soil: accounting.silt_m3(soil, silt_share=share, soil_density=density),
    )


def _nutrient(content: str) -> Callable[[Ledger], dict[str, float]]:
    def quantity(ledger: Ledger) -> dict[str, float]:
        percent = ledger.number(content)
        return _each(ledger.sums("supply.soil_retention"), lambda soil: soil * percent / 100)

    return quantity


def _flood(ledger: Ledger) -> dict[str, float]:
    storms = ledger.number("storms_a_year")
    return _each(ledger.sums(HELD), lambda water: water * storms)


def _carbon(ledger: Ledger) -> dict[str, float]:
    """Carbon dioxide by place; a place that gives off more than it takes up counts as 0."""
    layer = next(name for name in ledger.totals.sums if name in CARBON_LAYERS)
    fixed = _each(ledger.sums(layer), accounting.carbon_dioxide_t)
    sources = [place for place, quantity in fixed.items() if quantity < 0]
    flag = _carbon_source(sources)
    if sources and flag not in ledger.flags:
        ledger.flags.append(flag)
    return _each(fixed, lambda quantity: max(quantity, 0.0))


def _carbon_source(places: Sequence[str]) -> ResultFlag:
    zh = "、".join(place or "未划入区县部分" for place in places)
    en = ", ".join(place or "what lies in no district" for place in places)
    return ResultFlag.of(
        "carbon_source",
        f"{zh} 净排放碳，固碳与释氧计为 0",
        f"{en} gives off more carbon than it takes up: fixation and oxygen count as 0 there",
    )


def _oxygen(ledger: Ledger) -> dict[str, float]:
    return _each(_carbon(ledger), accounting.oxygen_t)


def _cooling_vegetation(ledger: Ledger) -> dict[str, float]:
    days, eer = ledger.number("cooling_days"), ledger.number("eer")
    saved: dict[str, float] = {}
    for kind, classes in VEGETATION.items():
        epp = ledger.number(f"epp_{kind}")
        for place, area in ledger.areas(classes).items():
            kwh = accounting.transpiration_kwh(area, epp=epp, cooling_days=days, eer=eer)
            saved[place] = saved.get(place, 0.0) + kwh
    return saved


def _cooling_water(ledger: Ledger) -> dict[str, float]:
    return _each(
        ledger.areas([LandCover.WATER]),
        lambda area: accounting.evaporation_kwh(
            area,
            evaporation_mm=ledger.number("evaporation_mm"),
            latent_heat=ledger.number("latent_heat"),
            eer=ledger.number("eer"),
        ),
    )


_COMPUTED: Mapping[str, Callable[[Ledger], dict[str, float]]] = {
    "water_conservation": _water,
    "soil_silt": _silt,
    "soil_nitrogen": _nutrient("soil_nitrogen_content"),
    "soil_phosphorus": _nutrient("soil_phosphorus_content"),
    "flood_vegetation": _flood,
    "carbon_fixation": _carbon,
    "oxygen": _oxygen,
    "climate_vegetation": _cooling_vegetation,
    "climate_water": _cooling_water,
}


def _purified(ledger: Ledger, item: GepItem, used: tuple[str, ...]) -> accounting.Amount:
    """What is taken up; where that is more than is discharged, every place counts its share."""
    pollutant = _POLLUTANTS[item.id]
    areas = {kind: ledger.areas(classes) for kind, classes in _takers(item).items()}
    rates = {kind: ledger.number(f"{pollutant}_{kind}") for kind in areas}
    able = {
        place: accounting.purified_t(
            {kind: held[place] for kind, held in areas.items()}, rates, None
        )
        for place in next(iter(areas.values()))
    }
    whole = sum(able.values())
    limit = ledger.inputs.discharges_t.get(pollutant)
    capped = limit is not None and limit < whole
    factor = limit / whole if limit is not None and capped else 1.0
    if limit is None:
        ledger.flags.append(_no_discharge(item))
    return accounting.Amount(
        item.id, _each(able, lambda t: t * factor), "computed", used=used, capped=capped
    )


def _takers(item: GepItem) -> Mapping[str, Sequence[LandCover]]:
    return VEGETATION if item.id.startswith("air_") else {"wetland": WETLAND}


def _no_discharge(item: GepItem) -> ResultFlag:
    return ResultFlag.of(
        "no_discharge",
        f"{item.label.zh}：未录入排放量，净化量可能超过实际排放",
        f"{item.label.en}: no discharge was entered; the uptake may exceed what is given off",
    )


def _goods(ledger: Ledger, item: GepItem) -> accounting.Amount:
    named = [(one.name, one.unit_price, one.quantity, one.district) for one in ledger.inputs.goods]
    return _priced(item, named)


def _visits(ledger: Ledger, item: GepItem) -> accounting.Amount:
    named = [(one.name, one.travel_cost, one.visits, one.district) for one in ledger.inputs.sites]
    return _priced(item, named)


def _priced(
    item: GepItem, named: Sequence[tuple[str, float, float, str | None]]
) -> accounting.Amount:
    """Goods or sites with a price each; two of one name are told apart by their order."""
    prices: dict[str, float] = {}
    goods: dict[str, dict[str, float]] = {}
    by_place: dict[str, float] = {}
    for number, (name, price, quantity, district) in enumerate(named, start=1):
        key, place = f"{number}. {name}", district or OUTSIDE
        prices[key] = price
        goods[key] = {place: quantity}
        by_place[place] = by_place.get(place, 0.0) + quantity
    return accounting.Amount(item.id, by_place, "entered", prices=prices, goods=goods)


def _stores(ledger: Ledger, item: GepItem) -> accounting.Amount:
    """Storage of reservoirs or lakes; a share of the capacity where the flood pool is unknown."""
    kind = "reservoir" if item.id == "flood_reservoirs" else "lake"
    used = needed_coefficients(item, ledger.inputs)
    by_place: dict[str, float] = {}
    for one in ledger.inputs.stores:
        if one.kind != kind:
            continue
        pool = one.flood_pool_m3
        if pool is None:
            pool = ledger.number("flood_pool_share") * (one.capacity_m3 or 0.0)
        place = one.district or OUTSIDE
        by_place[place] = by_place.get(place, 0.0) + pool
    return accounting.Amount(item.id, by_place, "entered", used=used)


_LISTED: Mapping[str, Callable[[Ledger, GepItem], accounting.Amount]] = {
    "provisioning": _goods,
    "recreation": _visits,
    "flood_lakes": _stores,
    "flood_reservoirs": _stores,
}


def low_coverage(totals: Totals) -> list[ResultFlag]:
    """A flag for every layer that is unknown in a notable part of the land."""
    land = float(totals.land_ha.sum())
    found = []
    for layer, known in totals.known_ha.items():
        missing = 1 - float(np.sum(known)) / land
        if missing > 0.01:
            text = Label(
                f"{layer} 在 {100 * missing:.1f} % 的陆地缺测，未计入",
                f"{layer} is unknown in {100 * missing:.1f} % of the land, which is left out",
            )
            found.append(ResultFlag("missing_cells", text))
    return found
