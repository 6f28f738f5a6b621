"""Supply, demand and ratio of the seven services, window by window between exact global limits."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from shanhai.processes.alignment import WINDOW_CELLS
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.arrays import BoolArray, FloatArray, IntArray
from shanhai.science.balance import (
    CAP_PROBABILITY,
    comprehensive_ratio,
    supply_demand_ratio,
)
from shanhai.science.ecoservices import ECOSERVICES
from shanhai.science.grid import Window
from shanhai.science.landcover import NATURALNESS, class_values, is_built_up, is_water
from shanhai.science.normalise import LIMIT_PROBABILITIES, Limits, normalise
from shanhai.science.quantiles import exact_layer_quantiles, exact_quantiles
from shanhai.science.vegetation import (
    SOIL_PROBABILITY,
    VEGETATION_PROBABILITY,
    vegetation_cover,
)
from shanhai.science.zoning.units import Fishnet, aggregate

NORMALISED_LAYERS: Mapping[str, str] = {
    "npp_n": "npp",
    "rainfall_n": "rainfall",
    "temperature_n": "temperature",
    "elevation_n": "elevation",
    "slope_n": "slope",
    "relief_n": "relief",
    "erodibility_n": "erodibility",
    "erosivity_n": "erosivity",
    "night_lights_n": "night_lights_log",
    "evapotranspiration_n": "evapotranspiration",
}
"""Quantities that are a layer between its own limits."""

SERVICES = tuple(spec.id for spec in ECOSERVICES)
UNIT_LAYERS = (*(f"ratio.{service}" for service in SERVICES), "ratio", "supply_mean")
"""What is averaged over the zoning units, in this order."""


@dataclass(frozen=True, slots=True)
class Scales:
    """Global numbers of the input layers: limits of each, bare soil and full cover of NDVI."""

    limits: Mapping[str, Limits]
    ndvi_soil: float
    ndvi_vegetation: float


@dataclass(frozen=True, slots=True)
class Extremes:
    """Global numbers of a service's layer: limits for normalising, cap for the ratio."""

    limits: Limits
    cap: float


@dataclass(frozen=True, slots=True)
class Method:
    """The choices of a run.

    Attributes:
        max_mode: Whether supply and demand are capped at their 99.5th percentile or at the maximum.
        weights: Weight of each service, sum 1.
        light_share: β of the carbon demand.
    """

    max_mode: str
    weights: Mapping[str, float]
    light_share: float


@dataclass(frozen=True, slots=True)
class Services:
    """The finished layers of the services, in the store, and the numbers behind them.

    Attributes:
        scales: Of the input layers.
        raw: Limits of the supplies and demands that were normalised a second time.
        extremes: Of `supply.*` and `demand.*`.
        unit_means: Means of `UNIT_LAYERS` by unit.
        unit_cells: Valid cells by unit.
    """

    scales: Scales
    raw: Mapping[str, Limits]
    extremes: Mapping[str, Extremes]
    unit_means: FloatArray
    unit_cells: IntArray


def compute_services(
    store: ScratchStore,
    fishnet: Fishnet,
    method: Method,
    runner: WindowRunner,
    told: Callable[[float, str], None],
) -> Services:
    """Write `supply.*`, `demand.*`, `ratio.*` and `ratio`; `told` hears share done and stage."""
    told(0.0, "normalise")
    scales = _input_scales(store)
    told(0.3, "supply_demand")
    windows = list(store.grid.windows(fishnet.window_size(WINDOW_CELLS)))
    _create_layers(store)
    _drain(runner.run(partial(_write_services, store, scales, method), windows))
    raw = _renormalise(store, windows, runner)
    told(0.65, "ratio")
    extremes = _service_extremes(store, method)
    parts = runner.run(partial(_write_ratios, store, fishnet, extremes, method), windows)
    means, cells = _assemble(fishnet, windows, parts)
    return Services(scales, raw, extremes, means, cells)


def _drain(results: Iterable[None]) -> None:
    for _ in results:
        pass


def _create_layers(store: ScratchStore) -> None:
    for service in SERVICES:
        for kind in ("supply", "demand", "ratio"):
            store.create(f"{kind}.{service}")
    store.create("ratio")


def valid_cells(store: ScratchStore, window: Window) -> BoolArray:
    """Cells of a window where everything required is known."""
    return np.asarray(store.read_classes("valid", window) == 1)


def _strips(store: ScratchStore) -> Iterable[Window]:
    height, width = store.grid.shape
    for row in range(0, height, WINDOW_CELLS):
        yield Window(row, 0, min(WINDOW_CELLS, height - row), width)


def _masked(store: ScratchStore, layers: Sequence[str]) -> Iterable[dict[str, NDArray[np.float32]]]:
    for window in _strips(store):
        valid = valid_cells(store, window)
        yield {layer: store.read_stored(layer, window)[valid] for layer in layers}


def _input_scales(store: ScratchStore) -> Scales:
    layers = [layer for layer in NORMALISED_LAYERS.values() if store.has(layer)]
    layers += ["population_log"] if store.has("population_log") else []
    found = exact_layer_quantiles(lambda: _masked(store, layers), LIMIT_PROBABILITIES)
    soil, vegetation = exact_quantiles(
        lambda: _ndvi_of_land(store), (SOIL_PROBABILITY, VEGETATION_PROBABILITY)
    )
    return Scales({layer: Limits(*found[layer]) for layer in layers}, soil, vegetation)


def _ndvi_of_land(store: ScratchStore) -> Iterable[NDArray[np.float32]]:
    for window in _strips(store):
        dry = valid_cells(store, window)
        if store.has("land_cover"):
            dry &= ~is_water(store.read_classes("land_cover", window))
        yield store.read_stored("ndvi", window)[dry]


def quantities(
    store: ScratchStore, scales: Scales, window: Window
) -> dict[str, FloatArray | BoolArray]:
    """Everything the services take by keyword, on one window; NaN where a cell is not valid."""
    valid = valid_cells(store, window)

    def layer(name: str) -> FloatArray:
        return np.where(valid, store.read(name, window), np.nan)

    found: dict[str, FloatArray | BoolArray] = {
        name: normalise(layer(source), scales.limits[source])
        for name, source in NORMALISED_LAYERS.items()
    }
    cover = vegetation_cover(layer("ndvi"), scales.ndvi_soil, scales.ndvi_vegetation)
    people = "population_log" if store.has("population_log") else "night_lights_log"
    found |= {
        "exposure": normalise(layer(people), scales.limits[people]),
        "vegetation_cover": cover,
        "infiltration": layer("infiltration"),
        "water_distance_m": layer("water_distance"),
        "access_distance_m": layer("access_distance"),
    }
    if store.has("protected"):
        found["protected"] = np.where(valid, np.nan_to_num(layer("protected")), np.nan)
    return found | _cover_quantities(store, window, valid, cover)


def _cover_quantities(
    store: ScratchStore, window: Window, valid: BoolArray, vegetation: FloatArray
) -> dict[str, FloatArray | BoolArray]:
    """What land cover tells; without it vegetation cover stands for naturalness."""
    if not store.has("land_cover"):
        return {"naturalness": vegetation}
    codes = np.where(valid, store.read_classes("land_cover", window), 0).astype(np.uint8)
    return {
        "naturalness": class_values(codes, NATURALNESS),
        "built_up": np.where(valid, store.read("built_up", window), np.nan),
        "water_or_built_up": np.asarray(is_built_up(codes) | is_water(codes)),
    }


def _write_services(store: ScratchStore, scales: Scales, method: Method, window: Window) -> None:
    known = quantities(store, scales, window)
    for spec in ECOSERVICES:
        given = {"light_share": method.light_share}
        own = {one.name for one in spec.parameters}
        numbers = spec.resolve_parameters({k: v for k, v in given.items() if k in own})
        store.write(f"supply.{spec.id}", window, spec.supply(known, numbers))
        store.write(f"demand.{spec.id}", window, spec.demand(known, numbers))


def _renormalise(
    store: ScratchStore, windows: Sequence[Window], runner: WindowRunner
) -> dict[str, Limits]:
    """Second normalisation of the services that ask for it, now that their range is known."""
    layers = [f"supply.{spec.id}" for spec in ECOSERVICES if spec.renormalise_supply]
    layers += [f"demand.{spec.id}" for spec in ECOSERVICES if spec.renormalise_demand]
    found = exact_layer_quantiles(lambda: _masked(store, layers), LIMIT_PROBABILITIES)
    limits = {layer: Limits(*found[layer]) for layer in layers}
    _drain(runner.run(partial(_normalise_in_place, store, limits), windows))
    return limits


def _normalise_in_place(store: ScratchStore, limits: Mapping[str, Limits], window: Window) -> None:
    for layer, own in limits.items():
        store.write(layer, window, normalise(store.read(layer, window), own))


def _service_extremes(store: ScratchStore, method: Method) -> dict[str, Extremes]:
    layers = [f"{kind}.{service}" for service in SERVICES for kind in ("supply", "demand")]
    cap = 1.0 if method.max_mode == "max" else CAP_PROBABILITY
    found = exact_layer_quantiles(lambda: _masked(store, layers), (*LIMIT_PROBABILITIES, cap))
    return {layer: Extremes(Limits(*found[layer][:2]), found[layer][2]) for layer in layers}


def _write_ratios(
    store: ScratchStore,
    fishnet: Fishnet,
    extremes: Mapping[str, Extremes],
    method: Method,
    window: Window,
) -> tuple[FloatArray, IntArray]:
    """Write the ratios of a window; returns the unit means of `UNIT_LAYERS` and their cells."""
    ratios, supply_sum = {}, np.zeros((window.height, window.width))
    for service in SERVICES:
        supply = store.read(f"supply.{service}", window)
        demand = store.read(f"demand.{service}", window)
        own = extremes[f"supply.{service}"]
        ratios[service] = supply_demand_ratio(
            supply, demand, own.cap, extremes[f"demand.{service}"].cap
        )
        supply_sum += normalise(supply, own.limits)
        store.write(f"ratio.{service}", window, ratios[service])
    total = comprehensive_ratio(ratios, method.weights)
    store.write("ratio", window, total)
    layers = [*ratios.values(), total, supply_sum / len(SERVICES)]
    return aggregate(np.stack(layers), fishnet.unit_cells)


def _assemble(
    fishnet: Fishnet, windows: Sequence[Window], parts: Iterable[tuple[FloatArray, IntArray]]
) -> tuple[FloatArray, IntArray]:
    means = np.full((len(UNIT_LAYERS), *fishnet.shape), np.nan)
    cells = np.zeros(fishnet.shape, dtype=np.int64)
    for window, (part, count) in zip(windows, parts, strict=True):
        rows, cols = fishnet.unit_slices(window)
        means[:, rows, cols] = part
        cells[rows, cols] = count
    return means, cells
