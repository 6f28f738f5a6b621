"""Importance of the services, and sensitivity to erosion and rocky desertification."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from shanhai.processes.evaluate_ecosystem.steps import EvaluationRun, Result
from shanhai.processes.kit.layers import VegetationScale, make_layers, write_supplies
from shanhai.processes.kit.region import LAND, Block, Place
from shanhai.raster.store import ScratchStore
from shanhai.science.evaluation.importance_and_sensitivity import (
    BARE,
    CARBONATE,
    EROSIVITY,
    LOCAL_PROBABILITIES,
    RELIEF,
    SHARES,
    SLOPE,
    Breaks,
    desertification_class,
    desertification_index,
    erosion_index,
    grade,
    grade_cover,
    grade_texture,
    importance_class,
    monitored_desertification_class,
    monitored_erosion_class,
    overall_importance,
    sensitivity_class,
    share_thresholds,
    worst_class,
)
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import ClassArray, FloatArray, Window
from shanhai.science.quantiles import exact_layer_quantiles

OVERALL_IMPORTANCE = "importance"


def evaluate_importance(run: EvaluationRun) -> Result:
    """Write `importance.<service>` of each service ranked, and `importance`."""
    place, services = run.place, run.parameters.services
    needs_cover = "soil_retention" in services and "soil_retention" not in run.inputs.supplies
    origins = write_supplies(place, services, run.scale if needs_cover else None)
    thresholds = share_thresholds(lambda: _supplies(place, services))
    for layer in (OVERALL_IMPORTANCE, *(f"importance.{service}" for service in services)):
        place.store.create_classes(layer)
    place.each(partial(_rank, place.store, services, thresholds))
    return Result(
        classes=(OVERALL_IMPORTANCE, *(f"importance.{service}" for service in services)),
        record={
            "shares": list(SHARES),
            "supply": origins,
            "thresholds": {service: thresholds[service] for service in services},
        },
    )


def _supplies(place: Place, services: Sequence[str]) -> Iterator[dict[str, Block]]:
    layers = [f"supply.{service}" for service in services]
    for window in place.windows():
        land = place.known([], window)
        yield {
            service: place.store.read_stored(layer, window)[land]
            for service, layer in zip(services, layers, strict=True)
        }


def _rank(
    store: ScratchStore,
    services: Sequence[str],
    thresholds: Mapping[str, Sequence[float]],
    window: Window,
) -> None:
    classes = [
        importance_class(store.read(f"supply.{service}", window), thresholds[service])
        for service in services
    ]
    for service, codes in zip(services, classes, strict=True):
        store.write_classes(f"importance.{service}", window, codes)
    store.write_classes(OVERALL_IMPORTANCE, window, overall_importance(classes))


OVERALL_SENSITIVITY = "sensitivity"
EROSION = "sensitivity.soil_erosion"
DESERTIFICATION = "sensitivity.rocky_desertification"

_EROSION_LAYERS = ("erosivity", "texture", "relief", "ndvi")
_ROCK_LAYERS = ("carbonate", "slope", "ndvi")

_NO_CARBONATE = ResultFlag.of(
    "no_carbonate",
    "无碳酸盐岩数据：未评价石漠化敏感性",
    "no carbonate outcrop: sensitivity to rocky desertification was not evaluated",
)


@dataclass(frozen=True, slots=True)
class Grading:
    """Boundaries of the factors.

    Attributes:
        breaks: By layer.
        scale: Of the vegetation cover.
        by_texture: Whether erodibility is graded by texture class rather than by value.
    """

    breaks: Mapping[str, Breaks]
    scale: VegetationScale
    by_texture: bool


def evaluate_sensitivity(run: EvaluationRun) -> Result:
    """Write `sensitivity` and the themes behind it."""
    if run.parameters.sensitivity == "monitored":
        return _from_monitoring(run)
    rock = "carbonate" in run.place.sources
    layers = [*_EROSION_LAYERS, *(_ROCK_LAYERS if rock else ())]
    local = run.parameters.grading == "local"
    make_layers(
        run.place,
        [*layers, *(["erodibility"] if local else [])],
        relief_radius_m=run.parameters.relief_radius_m,
    )
    grading = _local_grading(run, rock=rock) if local else _national_grading(run)
    written = (OVERALL_SENSITIVITY, EROSION, *((DESERTIFICATION,) if rock else ()))
    for layer in written:
        run.place.store.create_classes(layer)
    run.place.each(partial(_grade, run.place.store, grading, rock))
    return Result(
        classes=written,
        record={
            "method": "index",
            "grading": run.parameters.grading,
            "erodibility_by": "texture" if grading.by_texture else "value",
            "breaks": {name: asdict(one) for name, one in grading.breaks.items()},
            "ndvi_soil": grading.scale.soil,
            "ndvi_vegetation": grading.scale.vegetation,
            "relief_radius_m": run.parameters.relief_radius_m,
        },
        flags=() if rock else (_NO_CARBONATE,),
    )


def _national_grading(run: EvaluationRun) -> Grading:
    breaks = {
        "erosivity": EROSIVITY,
        "relief": RELIEF,
        "carbonate": CARBONATE,
        "slope": SLOPE,
        "bare": BARE,
    }
    return Grading(breaks, run.scale, by_texture=True)


def _local_grading(run: EvaluationRun, *, rock: bool) -> Grading:
    """Thirds of the cells of the region; carbonate outcrop keeps its boundaries."""
    layers = ["erosivity", "erodibility", "relief", "ndvi", *(["slope"] if rock else [])]
    found = exact_layer_quantiles(
        lambda: run.place.masked(layers, partial(run.place.known, layers)), LOCAL_PROBABILITIES
    )
    breaks = {name: Breaks(*found[name]) for name in layers if name != "ndvi"}
    low, high = run.scale.cover(np.array(found["ndvi"])).tolist()
    return Grading(
        breaks | {"bare": Breaks(1 - high, 1 - low), "carbonate": CARBONATE},
        run.scale,
        by_texture=False,
    )


def _grade(store: ScratchStore, grading: Grading, rock: bool, window: Window) -> None:
    breaks = grading.breaks
    cover = grade_cover(grading.scale.cover(store.read("ndvi", window)), breaks["bare"])
    if grading.by_texture:
        erodibility = grade_texture(store.read_classes("texture", window))
    else:
        erodibility = grade(store.read("erodibility", window), breaks["erodibility"])
    index = erosion_index(
        erosivity=grade(store.read("erosivity", window), breaks["erosivity"]),
        erodibility=erodibility,
        relief=grade(store.read("relief", window), breaks["relief"]),
        cover=cover,
    )
    erosion = sensitivity_class(index)
    store.write_classes(EROSION, window, erosion)
    if not rock:
        store.write_classes(OVERALL_SENSITIVITY, window, erosion)
        return
    codes, known = _desertification(store, breaks, cover, window)
    store.write_classes(DESERTIFICATION, window, codes)
    both: ClassArray = np.where(known & (erosion > 0), worst_class([erosion, codes]), 0).astype(
        np.uint8
    )
    store.write_classes(OVERALL_SENSITIVITY, window, both)


def _desertification(
    store: ScratchStore, breaks: Mapping[str, Breaks], cover: FloatArray, window: Window
) -> tuple[ClassArray, np.ndarray]:
    """Classes, and where the theme is known; it is also known where it does not apply."""
    carbonate = store.read("carbonate", window)
    index = desertification_index(
        carbonate=grade(carbonate, breaks["carbonate"]),
        slope=grade(store.read("slope", window), breaks["slope"]),
        cover=cover,
    )
    return desertification_class(index, carbonate), ~np.isnan(index) | (carbonate <= 0)


def _from_monitoring(run: EvaluationRun) -> Result:
    place = run.place
    themes = [name for name in _MONITORED if name in place.sources]
    make_layers(place, themes)
    written = (OVERALL_SENSITIVITY, *(_MONITORED[name][0] for name in themes))
    for layer in written:
        place.store.create_classes(layer)
    place.each(partial(_shorten, place.store, themes))
    return Result(classes=written, record={"method": "monitored", "from": themes})


_MONITORED = {
    "erosion_intensity": (EROSION, monitored_erosion_class),
    "rocky_desertification": (DESERTIFICATION, monitored_desertification_class),
}


def _shorten(store: ScratchStore, themes: list[str], window: Window) -> None:
    land = store.read_classes(LAND, window) == 1
    found = []
    for name in themes:
        layer, shortcut = _MONITORED[name]
        codes = np.where(land, shortcut(store.read_classes(name, window)), 0).astype(np.uint8)
        store.write_classes(layer, window, codes)
        found.append(codes)
    store.write_classes(OVERALL_SENSITIVITY, window, worst_class(found))
