"""The services of an area whose layers are arrays in memory, by the graph the processes use."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.ecoservices.assembly import (
    Assembled,
    AssessmentRequest,
    assemble,
    check_request,
)
from shanhai.science.ecoservices.catalogue import ECOSERVICES
from shanhai.science.ecoservices.choice import MethodChoice, ParameterChanges
from shanhai.science.ecoservices.computation import VALID, Array, PlanComputation
from shanhai.science.ecoservices.graph import AreaFigure
from shanhai.science.ecoservices.inputs import LEAVES
from shanhai.science.ecoservices.matching_layers import Kind
from shanhai.science.ecoservices.method import Profile
from shanhai.science.ecoservices.plan import ComputationPlan, plan_of
from shanhai.science.grid import BoolArray, Window
from shanhai.science.landcover import NODATA
from shanhai.science.matching import SERVICE_COUNT, weight_shares


@dataclass(frozen=True, slots=True)
class AssessmentResult:
    """What an assessment gives.

    Attributes:
        layers: Results by key, such as `supply.cooling`, `ratio` and the mask `valid`.
        figures: The numbers of the whole area behind them.
        assembled: The methods that were taken and the layers they are made of.
    """

    layers: Mapping[str, Array]
    figures: Mapping[AreaFigure, float]
    assembled: Assembled


@dataclass(frozen=True, slots=True)
class ArrayLayers:
    """Layers of one area in memory."""

    given: Mapping[str, Array]
    kept: dict[str, Array] = field(default_factory=dict)

    def leaf(self, name: str, window: Window) -> Array:
        """A window of what was given."""
        values = self.given[name][(..., *window.slices)]
        if LEAVES[name].unit == "class":
            return np.nan_to_num(values, nan=NODATA).astype(np.uint8)
        return values.astype(bool if LEAVES[name].unit == "bool" else np.float64)

    def read(self, key: str, window: Window) -> Array:
        """A window of what was kept."""
        values = self.kept[key][(..., *window.slices)]
        return values if values.dtype == np.uint8 else values.astype(np.float64)

    def write(self, key: str, window: Window, values: Array) -> None:
        """Keep a window; quantities are rounded to float32."""
        if key not in self.kept:
            kind = np.uint8 if values.dtype == np.uint8 else np.float32
            self.kept[key] = np.zeros((*values.shape[:-2], *self.shape), dtype=kind)
        self.kept[key][(..., *window.slices)] = values

    def land(self, window: Window) -> BoolArray:
        """Cells that are not sea; all where there is no land cover."""
        cover = self.given.get("land_cover")
        if cover is None:
            return np.ones((window.height, window.width), dtype=bool)
        return np.asarray(np.nan_to_num(cover[window.slices], nan=NODATA) != NODATA)

    def unknown(self, window: Window) -> Mapping[str, BoolArray]:
        """By leaf, the cells of a window where it is NaN."""
        given = {name: values[(..., *window.slices)] for name, values in self.given.items()}
        masks = {name: np.isnan(one) for name, one in given.items() if one.dtype.kind == "f"}
        return {
            name: np.asarray(mask.any(axis=tuple(range(mask.ndim - 2))))
            for name, mask in masks.items()
        }

    def notes(self, window: Window) -> None:
        """Nothing: who gives arrays can look at them."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        first = next(iter(self.given.values()))
        return (first.shape[-2], first.shape[-1])


class InOrder:
    """Runs windows one after the other."""

    def run(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterable[Any]:
        """Results in the order of the windows."""
        return map(function, items)


def assess(
    layers: Mapping[str, Array],
    cell_m: float,
    *,
    profile: Profile = "index",
    methods: Mapping[str, str] | None = None,
    parameters: Mapping[str, Mapping[str, float]] | None = None,
    options: Mapping[str, Mapping[str, str]] | None = None,
    tables: Mapping[str, Mapping[str, Mapping[int, float]]] | None = None,
    kinds: tuple[Kind, ...] = ("supply", "demand", "ratio"),
    min_services: int = SERVICE_COUNT,
    window_cells: int | None = None,
) -> AssessmentResult:
    """Supply, demand and ratio of the ecosystem services.

    Args:
        layers: Arrays of one shape by the name of a leaf (`shanhai.science.ecoservices.inputs`),
            monthly ones with the months as first axis; NaN, and 0 in classes, is nodata.
        cell_m: Side of a cell, m.
        profile: `index` or `biophysical`; decides the method of a service that is not named.
        methods: Method by service.
        parameters: Numbers by service and name.
        options: Ways by service and name.
        tables: Values by service, table and land-cover class.
        kinds: What is wanted of each service.
        min_services: Services that must be known in a cell.
        window_cells: Side of the windows it is worked in; one window when not given. The result is
            the same.

    Raises:
        InvalidInput: something is asked for that there is not, layers are missing or hold what is
            no number or class, or no cell is valid.
    """
    request = AssessmentRequest(
        profile=profile,
        weights=weight_shares(None),
        choices=_choices(methods or {}, parameters or {}, options or {}, tables or {}),
        kinds=kinds,
        min_services=min_services,
    )
    check_request(ECOSERVICES, request)
    given = _with_sea(layers)
    assembled = assemble(ECOSERVICES, request, given.keys() & LEAVES.keys())
    plan = plan_of(assembled.graph, cell_m, results=assembled.results, decisive=assembled.decisive)
    return _computed(plan, assembled, ArrayLayers(given), window_cells)


def _computed(
    plan: ComputationPlan, assembled: Assembled, layers: ArrayLayers, window_cells: int | None
) -> AssessmentResult:
    height, width = layers.shape
    size = window_cells or max(height, width)
    windows = [
        Window(row, col, min(size, height - row), min(size, width - col))
        for row in range(0, height, size)
        for col in range(0, width, size)
    ]
    whole = Window(0, 0, height, width)
    for key in plan.tiled:
        _work_out(plan, layers, key, whole)
    figures: dict[AreaFigure, float] = {}
    computation = PlanComputation(plan, layers, InOrder(), whole, windows)
    for _ in computation.passes(figures, lambda _share: None):
        pass
    if not layers.kept[VALID].any():
        void = [name for name in plan.leaves if np.isnan(layers.given[name]).all()]
        raise InvalidInput(
            f"no cell is valid; without any value: {', '.join(void) or 'no layer by itself'}",
            message_zh=f"没有有效像元；全部无值的图层：{'、'.join(void) or '无'}",
            pointer="/".join(["/layers", *void[:1]]),
        )
    results = {key: layers.kept[key] for key in (*assembled.results, VALID)}
    return AssessmentResult(results, figures, assembled)


def _work_out(plan: ComputationPlan, layers: ArrayLayers, key: str, whole: Window) -> None:
    """A layer that rests on the whole raster, here held at once."""
    node = plan.nodes[key]
    given: dict[str, Any] = {
        keyword: layers.kept[name] if name in layers.kept else layers.leaf(name, whole)
        for keyword, name in node.inputs.items()
    }
    if node.takes_cell:
        given["cell_m"] = plan.cell_m
    layers.write(key, whole, node.function(**given, **node.constants))


def _with_sea(layers: Mapping[str, Array]) -> dict[str, Array]:
    """The layers, and the sea where land cover is 0."""
    shapes = {name: layer.shape[-2:] for name, layer in layers.items()}
    if len(set(shapes.values())) != 1:
        listing = ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "none"
        raise InvalidInput(
            f"the layers must be of one shape; they are: {listing}",
            message_zh=f"各图层的行列数须一致：{listing}",
            pointer="/layers",
        )
    for name in [one for one in layers if one in LEAVES]:
        _check(name, layers[name])
    given = dict(layers)
    if "land_cover" in given and "sea" not in given:
        given["sea"] = given["land_cover"] == NODATA
    return given


def _check(name: str, layer: Array) -> None:
    """Refuse what is no number, and classes a byte cannot hold."""
    is_class, is_number = LEAVES[name].unit == "class", layer.dtype.kind in "biuf"
    known = layer[~np.isnan(layer)] if is_number else layer
    if not is_number or (is_class and not np.isin(known, np.arange(256)).all()):
        raise InvalidInput(
            f"{name} must hold {'whole numbers from 0 to 255, or NaN' if is_class else 'numbers'}",
            message_zh=f"{name} 须为{' 0–255 的整数或 NaN' if is_class else '数值'}",
            pointer=f"/layers/{name}",
        )


def _choices(
    methods: Mapping[str, str],
    parameters: Mapping[str, Mapping[str, float]],
    options: Mapping[str, Mapping[str, str]],
    tables: Mapping[str, Mapping[str, Mapping[int, float]]],
) -> dict[str, MethodChoice]:
    named = dict.fromkeys((*methods, *parameters, *options, *tables))
    return {
        service: MethodChoice(
            methods.get(service),
            ParameterChanges(
                parameters.get(service, {}), options.get(service, {}), tables.get(service, {})
            ),
        )
        for service in named
    }
