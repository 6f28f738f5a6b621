"""What an account of gross ecosystem product can count, and what is wrong with what was entered."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from shanhai.errors import Fault, InvalidInput
from shanhai.processes.account_gep.contract import AccountGepInputs
from shanhai.processes.kit.contract import SERVICE_NEEDS, Alternatives, EvaluationTheme
from shanhai.processes.kit.task import DatasetTask
from shanhai.science.gep.accounting import need
from shanhai.science.gep.catalogue import GepCatalogue, GepItem, load_catalogue, price_level
from shanhai.vocabulary import Label, label_of

SUPPLY_UNITS: Mapping[str, str] = {
    "water_conservation": "m3/ha/yr",
    "soil_retention": "t/ha/yr",
    "carbon_sink": "tC/ha/yr",
}
"""Unit a given supply must have: an index of 0–1 has no price."""

_COVER: tuple[Alternatives, ...] = (("land_cover",),)

ITEM_SERVICES: Mapping[str, str] = {
    "water_conservation": "water_conservation",
    "soil_silt": "soil_retention",
    "soil_nitrogen": "soil_retention",
    "soil_phosphorus": "soil_retention",
    "carbon_fixation": "carbon_sink",
    "oxygen": "carbon_sink",
}
"""Items that follow from the supply of a service."""

ITEM_LAYERS: Mapping[str, tuple[Alternatives, ...]] = {
    "flood_vegetation": (("land_cover",), ("hydrologic_group",)),
    **dict.fromkeys(("air_so2", "air_nox", "air_dust"), _COVER),
    **dict.fromkeys(("water_cod", "water_nitrogen", "water_phosphorus"), _COVER),
    **dict.fromkeys(("climate_vegetation", "climate_water"), _COVER),
}
"""Layers the other computed items are made of."""


@dataclass(frozen=True, slots=True)
class Countable:
    """The items of an account.

    Attributes:
        items: Those that are counted, in the order of the catalogue.
        left_out: Why each of the others is not.
    """

    items: tuple[GepItem, ...]
    left_out: Mapping[str, Label]


def catalogue_of(inputs: AccountGepInputs) -> GepCatalogue:
    """The catalogue with the entered coefficients.

    Raises:
        InvalidInput: a coefficient is unknown or out of range; points into the inputs.
    """
    try:
        return load_catalogue(inputs.catalogue).with_entered(inputs.coefficients)
    except InvalidInput as error:
        raise _pointing(error, "/inputs/coefficients") from error


def account_themes(inputs: AccountGepInputs) -> tuple[EvaluationTheme, ...]:
    """Every theme an account reads where it exists."""
    found: set[EvaluationTheme] = {"land_cover", "population", "hydrologic_group", "impervious"}
    for service, needs in SERVICE_NEEDS.items():
        if service in ITEM_SERVICES.values() and service not in inputs.supplies:
            found |= {theme for alternatives in needs for theme in alternatives}
    return tuple(sorted(found))


def account_faults(
    inputs: AccountGepInputs, districts: Collection[str], available: Mapping[str, DatasetTask]
) -> list[Fault]:
    """Everything that is wrong with what was entered, and what is asked for and cannot be counted.

    Args:
        inputs: What was asked.
        districts: Codes of the districts of the region.
        available: The datasets there are, by theme.
    """
    try:
        catalogue = catalogue_of(inputs)
        price_level(inputs.price_year)
    except InvalidInput as error:
        return list(_pointing(error, "/inputs").faults)
    faults = [
        *_item_faults(inputs, catalogue),
        *_district_faults(inputs, districts),
        *_unit_faults(inputs, available),
    ]
    if not faults and inputs.items is not None:
        left_out = countable_items(inputs, catalogue, available).left_out
        faults += [
            Fault(f"/inputs/items/{number}", f"{name}: {left_out[name].en}", left_out[name].zh)
            for number, name in enumerate(inputs.items)
            if name in left_out
        ]
    return faults


def _pointing(error: InvalidInput, prefix: str) -> InvalidInput:
    faults = [
        one if one.pointer.startswith("/inputs") else replace(one, pointer=prefix + one.pointer)
        for one in error.faults
    ]
    return InvalidInput(error.message, message_zh=error.message_zh, faults=faults)


def _item_faults(inputs: AccountGepInputs, catalogue: GepCatalogue) -> list[Fault]:
    named = [(f"/inputs/items/{n}", name) for n, name in enumerate(inputs.items or ())]
    named += [(f"/inputs/quantities/{name}", name) for name in inputs.quantities]
    faults = [
        Fault(
            pointer,
            f"{name!r} is no item of {catalogue.version}; those are {', '.join(catalogue.items)}",
            f"目录 {catalogue.version} 不含项目 {name!r}；可用：{'、'.join(catalogue.items)}",
        )
        for pointer, name in named
        if name not in catalogue.items
    ]
    listed = {"provisioning": inputs.goods, "recreation": inputs.sites}
    faults += [
        Fault(
            f"/inputs/quantities/{name}",
            f"{name} is entered one by one, with prices, and not as a sum",
            f"{name} 须逐项录入并给出价格，不能只录合计",
        )
        for name in listed
        if name in inputs.quantities
    ]
    return faults


def _district_faults(inputs: AccountGepInputs, districts: Collection[str]) -> list[Fault]:
    named = [
        (f"/inputs/{member}/{number}/district", one.district)
        for member in ("goods", "sites", "stores")
        for number, one in enumerate(getattr(inputs, member))
        if one.district is not None
    ]
    named += [
        (f"/inputs/quantities/{item}/{code}", code)
        for item, quantity in inputs.quantities.items()
        if isinstance(quantity, dict)
        for code in quantity
    ]
    return [
        Fault(
            pointer,
            f"{code!r} is no district of the region; those are {', '.join(districts) or 'none'}",
            f"{code!r} 不是该区域的区县；可用：{'、'.join(districts) or '无'}",
        )
        for pointer, code in named
        if code not in districts
    ]


def _unit_faults(inputs: AccountGepInputs, available: Mapping[str, DatasetTask]) -> list[Fault]:
    given = {service: available.get(f"supply.{service}") for service in inputs.supplies}
    return [
        Fault(
            f"/inputs/supplies/{service}",
            f"{dataset.code} is in {dataset.unit or 'no unit'}; "
            f"a supply that is valued must be in {SUPPLY_UNITS[service]}",
            f"{dataset.code} 的单位为 {dataset.unit or '无'}；参与核算的供给须以 "
            f"{SUPPLY_UNITS[service]} 计",
        )
        for service, dataset in given.items()
        if dataset is not None and dataset.unit != SUPPLY_UNITS[service]
    ]


def countable_items(
    inputs: AccountGepInputs, catalogue: GepCatalogue, available: Collection[str]
) -> Countable:
    """The items that are wanted and can be counted, and why the others are not."""
    counted, left_out = [], {}
    for item in catalogue.items.values():
        if inputs.items is not None and item.id not in inputs.items:
            left_out[item.id] = Label("未要求核算", "was not asked for")
        elif reason := _obstacle(item, inputs, catalogue, available):
            left_out[item.id] = reason
        else:
            counted.append(item)
    return Countable(tuple(counted), left_out)


def _obstacle(
    item: GepItem, inputs: AccountGepInputs, catalogue: GepCatalogue, available: Collection[str]
) -> Label | None:
    """What keeps an item from being counted."""
    entered = item.id in inputs.quantities
    if not entered and (missing := _missing_source(item, inputs, available)) is not None:
        return missing
    names = [*(() if entered else needed_coefficients(item, inputs)), item.price]
    missing_numbers = [
        name for name in names if name and catalogue.coefficients[name].value is None
    ]
    if not missing_numbers:
        return None
    zh = "、".join(f"{catalogue.coefficients[n].label.zh}（{n}）" for n in missing_numbers)
    return Label(
        f"缺少系数，须录入：{zh}", f"coefficients must be entered: {', '.join(missing_numbers)}"
    )


def needed_coefficients(item: GepItem, inputs: AccountGepInputs) -> tuple[str, ...]:
    """Coefficients the quantity of an item takes with these inputs."""
    if item.id == "flood_reservoirs":
        unknown = [one for one in inputs.stores if one.flood_pool_m3 is None]
        return item.needs if unknown else ()
    return item.needs


def _missing_source(
    item: GepItem, inputs: AccountGepInputs, available: Collection[str]
) -> Label | None:
    if item.entered:
        return None if _listed(item, inputs) else Label("未录入", "nothing was entered")
    service = ITEM_SERVICES.get(item.id)
    if service in inputs.supplies:
        return None
    needs = ITEM_LAYERS[item.id] if service is None else SERVICE_NEEDS[service]
    missing = [one for one in needs if not any(theme in available for theme in one)]
    if not missing:
        return None
    return Label(
        "缺少数据集："
        + "、".join("或".join(label_of(theme).zh for theme in one) for one in missing),
        "datasets are missing: " + ", ".join(" or ".join(one) for one in missing),
    )


def _listed(item: GepItem, inputs: AccountGepInputs) -> Sequence[object]:
    """What was entered one by one for an item."""
    by_item: Mapping[str, Sequence[object]] = {
        "provisioning": inputs.goods,
        "recreation": inputs.sites,
        "flood_lakes": [one for one in inputs.stores if one.kind == "lake"],
        "flood_reservoirs": [one for one in inputs.stores if one.kind == "reservoir"],
    }
    return by_item[item.id]


def value_of(catalogue: GepCatalogue, name: str) -> float:
    """The value of a coefficient that the account needs.

    Raises:
        InvalidInput: it has none and was not entered.
    """
    return need(catalogue.coefficients[name])
