"""What a run chooses: the method of each service, and what of its numbers and ways is changed."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from shanhai.errors import Fault, InvalidInput
from shanhai.science.ecoservices.method import (
    Ecoservice,
    Method,
    OptionSpec,
    ParameterSpec,
    Profile,
    Quantity,
    TableSpec,
)
from shanhai.science.landcover import LandCover

Values = Mapping[str, Any]

ProfileChoice = Profile | Literal["mixed"]
"""A profile, or for each service the first biophysical method whose layers and numbers there are,
else that of indices."""


@dataclass(frozen=True, slots=True)
class ParameterChanges:
    """What a run changes of a calculation; everything else keeps its default.

    Attributes:
        parameters: Numbers by name.
        options: Ways by name of the option.
        tables: Values by table and code of the land-cover class.
    """

    parameters: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Mapping[int, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MethodChoice:
    """How one service is calculated: the method, or the profile's default, and the changes."""

    method: str | None = None
    changes: ParameterChanges = field(default_factory=ParameterChanges)


def quantities_of(method: Method) -> tuple[Quantity, ...]:
    """Everything a method declares by itself."""
    return (*method.through, method.supply, method.demand, *method.extra)


def method_named(spec: Ecoservice, name: str, pointer: str) -> Method:
    """The method of a service.

    Raises:
        InvalidInput: the service has no such method.
    """
    known = {method.id: method for method in spec.methods}
    if name not in known:
        raise InvalidInput(
            f"{spec.id} has no method {name!r}; it has {', '.join(known)}",
            message_zh=f"{spec.label.zh}没有方法 {name!r}，可选：{'、'.join(known)}",
            pointer=f"{pointer}/method",
        )
    return known[name]


def wanted_methods(
    ecoservice: Ecoservice, choice: MethodChoice, profile: ProfileChoice
) -> tuple[Method, ...]:
    """The methods that are asked for; the first whose layers there are is to be taken.

    Raises:
        InvalidInput: the service has no such method.
    """
    if choice.method is not None:
        return (method_named(ecoservice, choice.method, f"/ecoservices/{ecoservice.id}"),)
    if profile != "mixed":
        return (ecoservice.default(profile),)
    measured = ecoservice.of_profile("biophysical")
    complete = [one for one in measured if not numbers_lacking(one, choice.changes)]
    last = ecoservice.default("index")
    return (*complete, *(() if last in complete else (last,)))


def numbers_lacking(method: Method, changes: ParameterChanges) -> tuple[str, ...]:
    """Parameters of a method that must be given and are not."""
    lacking = (
        one.name
        for quantity in quantities_of(method)
        for one in quantity.parameters
        if one.default is None and one.name not in changes.parameters
    )
    # Supply and demand may ask for the same.
    return tuple(dict.fromkeys(lacking))


def lacks_of_measured(
    ecoservice: Ecoservice, changes: ParameterChanges, layers: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """What each biophysical method of a service lacks to be taken: numbers, or else layers.

    Args:
        ecoservice: The service.
        changes: What is given of its numbers.
        layers: By method that was tried, the layers it lacked.
    """
    return {
        one.id: numbers_lacking(one, changes) or layers[one.id]
        for one in ecoservice.of_profile("biophysical")
    }


def fitting(changes: ParameterChanges, method: Method) -> ParameterChanges:
    """The changes a method knows; one that takes another's place may know fewer."""
    quantities = quantities_of(method)
    numbers = {one.name for quantity in quantities for one in quantity.parameters}
    ways = {one.name for quantity in quantities for one in quantity.options}
    tables = {one.name for quantity in quantities for one in quantity.tables}
    return replace(
        changes,
        parameters={k: v for k, v in changes.parameters.items() if k in numbers},
        options={k: v for k, v in changes.options.items() if k in ways},
        tables={k: v for k, v in changes.tables.items() if k in tables},
    )


def constants_of(quantity: Quantity, changes: ParameterChanges) -> dict[str, Any]:
    """Parameters, options and tables of a quantity as its function takes them.

    A parameter without default that was not given is left out; `faults_of` tells.
    """
    numbers = {
        one.name: changes.parameters.get(one.name, one.default) for one in quantity.parameters
    }
    ways = {one.name: changes.options.get(one.name, one.default) for one in quantity.options}
    tables = {one.name: _table(one, changes) for one in quantity.tables}
    return {name: value for name, value in numbers.items() if value is not None} | ways | tables


def _table(table: TableSpec, changes: ParameterChanges) -> dict[LandCover, float]:
    given = changes.tables.get(table.name, {})
    return dict(table.values) | {LandCover(int(code)): value for code, value in given.items()}


def faults_of(
    quantities: tuple[Quantity, ...], changes: ParameterChanges, where: str, pointer: str
) -> list[Fault]:
    """What is wrong with the changes to some quantities, each fault with its place.

    Args:
        quantities: All that may be changed there.
        changes: What shall be changed.
        where: What the quantities are of, for the messages.
        pointer: JSON pointer of the changes.
    """
    numbers = {one.name: one for quantity in quantities for one in quantity.parameters}
    ways = {one.name: one for quantity in quantities for one in quantity.options}
    tables = {one.name: one for quantity in quantities for one in quantity.tables}
    return [
        *_unknown(changes.parameters, numbers, "parameter", "参数", where, f"{pointer}/parameters"),
        *_unknown(changes.options, ways, "option", "选项", where, f"{pointer}/options"),
        *_unknown(changes.tables, tables, "table", "参数表", where, f"{pointer}/tables"),
        *_numbers(changes, numbers, where, f"{pointer}/parameters"),
        *_ways(changes, ways, where, f"{pointer}/options"),
        *_rows(changes, tables, where, f"{pointer}/tables"),
    ]


def _unknown(
    given: Values, known: Values, kind: str, kind_zh: str, where: str, pointer: str
) -> Iterator[Fault]:
    listing = ", ".join(known) or "none"
    for name in given:
        if name not in known:
            yield Fault(
                f"{pointer}/{name}",
                f"{where} has no {kind} {name!r}; it has {listing}",
                f"{where} 没有{kind_zh} {name!r}，可选：{listing}",
            )


def _numbers(
    changes: ParameterChanges, known: Mapping[str, ParameterSpec], where: str, pointer: str
) -> Iterator[Fault]:
    for name, one in known.items():
        value = changes.parameters.get(name, one.default)
        if value is None:
            yield Fault(
                f"{pointer}/{name}",
                f"{where} needs the parameter {name} ({one.unit}); it has no default: {one.source}",
                f"{where} 须给出参数 {name}（{one.unit}），该参数没有默认值",
            )
        elif not _within(value, one.valid_range):
            yield _outside(f"{where}.{name}", value, one.valid_range, f"{pointer}/{name}")


def _ways(
    changes: ParameterChanges, known: Mapping[str, OptionSpec], where: str, pointer: str
) -> Iterator[Fault]:
    for name, value in changes.options.items():
        if name in known and value not in known[name].choices:
            listing = ", ".join(known[name].choices)
            yield Fault(
                f"{pointer}/{name}",
                f"{where}.{name} is {value!r}; it must be one of {listing}",
                f"{where}.{name} 为 {value!r}，可选：{listing}",
            )


def _rows(
    changes: ParameterChanges, known: Mapping[str, TableSpec], where: str, pointer: str
) -> Iterator[Fault]:
    classes = {int(cover) for cover in LandCover}
    for name in changes.tables.keys() & known.keys():
        for code, value in changes.tables[name].items():
            place = f"{pointer}/{name}/{code}"
            if int(code) not in classes:
                yield Fault(
                    place,
                    f"{where}.{name} has no row {code}; rows are the land-cover classes 1 to 11",
                    f"{where}.{name} 没有行 {code}，行为土地覆盖类别 1 至 11",
                )
            elif not _within(value, known[name].valid_range):
                yield _outside(f"{where}.{name}[{code}]", value, known[name].valid_range, place)


def _within(value: float, limits: tuple[float, float]) -> bool:
    return math.isfinite(value) and limits[0] <= value <= limits[1]


def _outside(name: str, value: float, limits: tuple[float, float], pointer: str) -> Fault:
    low, high = limits
    return Fault(
        pointer,
        f"{name} is {value:g}; it must lie between {low:g} and {high:g}",
        f"{name} 为 {value:g}，须在 {low:g} 与 {high:g} 之间",
    )
