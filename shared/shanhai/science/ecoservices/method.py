"""How a calculation is declared: quantities that rest on one another, and the methods they make.

A quantity is a pure function of other quantities, each an array named like the keyword it is passed
by. What no window of a raster can know by itself is declared beside it: the numbers of the whole
area it takes (`Statistic`) and how far it looks beyond a cell (`reach_m`). From these declarations
follow the order of the computation, what can be done window by window, the description of the
process, the validation of its inputs and the reference pages.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from shanhai.science.landcover import LandCover
from shanhai.vocabulary import Label, label_of


class ConfirmationStatus(StrEnum):
    """How far a number or formula is confirmed."""

    VERIFIED = "V"
    LITERATURE = "L"
    ENGINEERING = "E"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """A dataset theme the services read.

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
    status: ConfirmationStatus = ConfirmationStatus.ENGINEERING


Function = Callable[..., Any]
"""A pure function of keyword-only arguments: arrays in, one array of the same shape out."""

Numbers = Mapping[str, float]
"""Resolved parameters by name."""

Profile = Literal["index", "biophysical"]

Kind = Literal["sum", "mean", "max", "min", "sd", "count", "quantile"]
"""How a number of the whole area is taken; `sd` is the population's."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """One number of the whole area, passed to a function by keyword.

    Attributes:
        name: Keyword it is passed by.
        of: Quantity it is taken of, over the valid cells of the area.
        kind: How.
        probability: Of a `quantile`, 0–1, with NumPy's linear interpolation.
        where: Boolean quantity that narrows the cells down; all valid cells without it.
    """

    name: str
    of: str
    kind: Kind
    probability: float | None = None
    where: str | None = None


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """A choice between named ways, passed to a function by keyword as text.

    Attributes:
        name: Keyword of the calculation.
        default: The way taken unless the run says otherwise.
        choices: Every way and what it is called.
        source: Where the default comes from.
        status: How far it is confirmed.
        needs: By way, the quantities it alone takes: required under it, not passed under another.
    """

    name: str
    default: str
    choices: Mapping[str, Label]
    source: str
    status: ConfirmationStatus = ConfirmationStatus.ENGINEERING
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A parameter by land-cover class, passed by keyword as a mapping; a run may change rows.

    Attributes:
        name: Keyword of the calculation.
        values: Default by class; a class without a row is refused where it occurs.
        unit: Unit of the values, `1` for none.
        valid_range: Lowest and highest value accepted.
        source: Where the defaults come from.
        status: How far they are confirmed.
    """

    name: str
    values: Mapping[LandCover, float]
    unit: str
    valid_range: tuple[float, float]
    source: str
    status: ConfirmationStatus = ConfirmationStatus.ENGINEERING


@dataclass(frozen=True, slots=True)
class Tiled:
    """How a quantity that rests on the whole raster is calculated without holding it.

    Attributes:
        function: Takes `layers` (`shanhai.science.hydrology.tiles.LayerStore`), the `shape` of the
            raster, the side of a tile in cells as `tile`, `run` that maps a picklable function
            over a sequence, results in order, and by keyword the parameters, options and `cell_m`
            of the quantity. Reads what the quantity needs and writes the layer of its name.
        scratch: Further layers it writes and reads again.
    """

    function: Function
    scratch: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quantity:
    """One layer: what it rests on and the function that makes it.

    Attributes:
        name: Name of the layer, and the keyword by which others take it.
        unit: Unit of its values; `1` for an index, `bool` for a mask, `class` for codes.
        label: Name in Chinese and English.
        function: Takes everything below by keyword.
        needs: Quantities or aligned inputs it cannot do without.
        optional: Quantities or aligned inputs it takes where they exist.
        parameters: Numbers a run may change.
        options: Choices a run may change.
        tables: Class tables a run may change.
        statistics: Numbers of the whole area.
        reach_m: Metres it looks beyond a cell, or what makes them of the resolved parameters.
        takes_cell: Whether it takes the side of a cell as `cell_m`.
        takes_frame: Whether it takes as `frame` where its arrays lie and what is asked for
            (`shanhai.science.focal.WindowFrame`); it may leave the rest NaN.
        tiled: For a quantity whose every cell may rest on every other; `function` is then given
            whole arrays, and a raster too large for them is worked through as this says.
        expected: Range in which the mean over the area is expected; outside it a run warns.
        source: Author, year and equation.
        status: How far the formula is confirmed.
    """

    name: str
    unit: str
    label: Label
    function: Function
    needs: tuple[str, ...]
    optional: tuple[str, ...] = ()
    parameters: tuple[ParameterSpec, ...] = ()
    options: tuple[OptionSpec, ...] = ()
    tables: tuple[TableSpec, ...] = ()
    statistics: tuple[Statistic, ...] = ()
    reach_m: float | Callable[[Numbers], float] = 0.0
    takes_cell: bool = False
    takes_frame: bool = False
    tiled: Tiled | None = None
    expected: tuple[float, float] | None = None
    source: str = ""
    status: ConfirmationStatus = ConfirmationStatus.ENGINEERING


@dataclass(frozen=True, slots=True)
class Method:
    """One way to calculate a service.

    Attributes:
        id: Identifier within the service.
        label: Name in Chinese and English.
        profile: Profile it belongs to; `any` for one that serves in each.
        supply: Quantity named `supply`; its unit is the demand's, or the declaration is refused.
        demand: Quantity named `demand`.
        extra: Further quantities worth keeping, such as the signed balance of carbon.
        through: Quantities of this service that supply and demand rest on; what several services
            share is declared once in `shanhai.science.ecoservices.layers`.
    """

    id: str
    label: Label
    profile: Profile | Literal["any"]
    supply: Quantity
    demand: Quantity
    extra: tuple[Quantity, ...] = ()
    through: tuple[Quantity, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a supply that cannot be set against the demand."""
        if self.supply.unit != self.demand.unit:
            raise ValueError(
                f"method {self.id}: supply is in {self.supply.unit}, demand in {self.demand.unit}"
            )

    @property
    def unit(self) -> str:
        """Unit of supply and demand."""
        return self.supply.unit

    @property
    def is_physical(self) -> bool:
        """Whether supply and demand are measured in a unit; else they are indices, 0–1."""
        return self.unit != "1"


@dataclass(frozen=True, slots=True)
class Ecoservice:
    """One ecosystem service and the ways to calculate it.

    Attributes:
        id: Identifier of the service.
        methods: Its methods, within each profile the default first.
    """

    id: str
    methods: tuple[Method, ...]

    @property
    def label(self) -> Label:
        """Name in Chinese and English."""
        return label_of(self.id)

    def of_profile(self, profile: Profile) -> tuple[Method, ...]:
        """The methods of a profile, its default first."""
        return tuple(method for method in self.methods if method.profile in (profile, "any"))

    def default(self, profile: Profile) -> Method:
        """The method a run of the profile takes unless it says otherwise."""
        return self.of_profile(profile)[0]
