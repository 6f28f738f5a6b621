"""How an ecosystem service declares its inputs, parameters and calculation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from shanhai.errors import InvalidInput
from shanhai.science.arrays import BoolArray, FloatArray
from shanhai.vocabulary import Label

IndexFunction = Callable[..., FloatArray]
"""Supply or demand of the index profile: keyword-only arrays named after their quantities."""

Quantities = Mapping[str, FloatArray | BoolArray]
"""Aligned arrays by the name of a quantity."""


class Status(StrEnum):
    """How far a number or formula is confirmed."""

    VERIFIED = "V"
    LITERATURE = "L"
    ENGINEERING = "E"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """A dataset theme the index profile reads.

    Attributes:
        theme: Code of the theme.
        unit: Unit of the stored values.
        valid_range: Hard limits; values outside become nodata.
        label: Name in Chinese and English.
        required: Whether the index profile refuses to run without it.
        bands: Number of bands the theme must have.
    """

    theme: str
    unit: str
    valid_range: tuple[float, float]
    label: Label
    required: bool = True
    bands: int = 1


@dataclass(frozen=True, slots=True)
class QuantitySpec:
    """A derived layer that supply or demand takes as a keyword argument.

    Attributes:
        name: Name of the keyword argument.
        unit: `1` for an index of 0–1, else the unit.
        meaning: What it is, one line.
        themes: Themes it is derived from; each inner tuple lists alternatives, best first.
    """

    name: str
    unit: str
    meaning: str
    themes: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """A number of the method that a run may change; written to the manifest.

    Attributes:
        name: Keyword of the calculation.
        default: Value used unless the run says otherwise; None where the run must give it.
        unit: Unit of the value, `1` for none.
        valid_range: Lowest and highest value accepted.
        source: Where the default comes from.
        status: How far it is confirmed.
    """

    name: str
    default: float | None
    unit: str
    valid_range: tuple[float, float]
    source: str
    status: Status


@dataclass(frozen=True, slots=True)
class EcoserviceSpec:
    """One ecosystem service: what it takes, what it gives, how it is calculated.

    Attributes:
        id: Identifier of the service.
        supply_quantities: Keyword arguments `index_supply` must be given.
        demand_quantities: Keyword arguments `index_demand` must be given.
        optional_quantities: Keyword arguments that are passed where the layer exists.
        parameters: Numbers a run may change.
        index_supply: Supply of the index profile.
        index_demand: Demand of the index profile.
        renormalise_supply: Whether the caller must normalise the returned supply between its own
            percentile limits, which no window can know by itself.
        renormalise_demand: The same for demand.
        unit: Unit of supply and demand in the index profile.
    """

    id: str
    supply_quantities: tuple[str, ...]
    demand_quantities: tuple[str, ...]
    index_supply: IndexFunction
    index_demand: IndexFunction
    optional_quantities: tuple[str, ...] = ()
    parameters: tuple[ParameterSpec, ...] = ()
    renormalise_supply: bool = False
    renormalise_demand: bool = False
    unit: str = "1"

    def supply(self, quantities: Quantities, parameters: Mapping[str, float]) -> FloatArray:
        """Index supply from a mapping that may hold more than this service needs."""
        return self._call(self.index_supply, self.supply_quantities, quantities, parameters)

    def demand(self, quantities: Quantities, parameters: Mapping[str, float]) -> FloatArray:
        """Index demand from a mapping that may hold more than this service needs."""
        return self._call(self.index_demand, self.demand_quantities, quantities, parameters)

    def resolve_parameters(self, given: Mapping[str, float]) -> dict[str, float]:
        """Defaults overlaid with `given`.

        Raises:
            InvalidInput: a name is unknown, a value lies outside its range, or a parameter without
                default is not given.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name, value in given.items():
            _check_parameter(self.id, name, value, known)
        values = {name: given.get(name, parameter.default) for name, parameter in known.items()}
        for name, number in values.items():
            if number is None:
                raise _not_given(self.id, name)
        return {name: number for name, number in values.items() if number is not None}

    def _call(
        self,
        function: IndexFunction,
        required: tuple[str, ...],
        quantities: Quantities,
        parameters: Mapping[str, float],
    ) -> FloatArray:
        missing = [name for name in required if name not in quantities]
        if missing:
            raise InvalidInput(
                f"{self.id} lacks the quantities {', '.join(missing)}; they are required",
                message_zh=f"{self.id} 缺少必需的量：{'、'.join(missing)}",
            )
        # Supply and demand share one declaration; each takes the options it has a default for.
        accepted = set(function.__kwdefaults__ or ())
        optional = [name for name in self.optional_quantities if name in accepted]
        arrays = {name: quantities[name] for name in (*required, *optional) if name in quantities}
        numbers = {name: value for name, value in parameters.items() if name in accepted}
        return function(**arrays, **numbers)


def _check_parameter(
    service: str, name: str, value: float, known: Mapping[str, ParameterSpec]
) -> None:
    pointer = f"/parameters/{service}/{name}"
    if name not in known:
        raise InvalidInput(
            f"{service} has no parameter {name!r}; it has {', '.join(known) or 'none'}",
            message_zh=f"{service} 没有参数 {name!r}",
            pointer=pointer,
        )
    low, high = known[name].valid_range
    if not low <= value <= high:
        raise InvalidInput(
            f"{service}.{name} is {value}; it must lie between {low} and {high}",
            message_zh=f"{service}.{name} 为 {value}，须在 {low} 与 {high} 之间",
            pointer=pointer,
        )


def _not_given(service: str, name: str) -> InvalidInput:
    return InvalidInput(
        f"{service}.{name} is missing; it has no default and must be given",
        message_zh=f"缺少 {service}.{name}：它没有默认值，必须给出",
        pointer=f"/parameters/{service}/{name}",
    )
