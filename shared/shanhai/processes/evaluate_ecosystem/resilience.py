"""Resilience: kind of ecosystem, productivity, condition and, with a series, memory."""

from collections.abc import Mapping
from functools import partial

from shanhai.processes.evaluate_ecosystem.degradation import (
    MEMORY,
    has_series,
    series_of,
    write_trend,
)
from shanhai.processes.evaluate_ecosystem.quality import INDEX as QUALITY_INDEX
from shanhai.processes.evaluate_ecosystem.quality import evaluate_quality
from shanhai.processes.evaluate_ecosystem.steps import EvaluationRun, Result
from shanhai.processes.kit.layers import make_layers
from shanhai.processes.kit.supplies import layer_limits
from shanhai.raster.store import ScratchStore
from shanhai.science.evaluation.quality import RESILIENCE, resilience_class, resilience_index
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import Window
from shanhai.science.landcover import LandCover, class_values
from shanhai.science.normalisation import NormalisationLimits, normalise
from shanhai.vocabulary import Label

CLASSES, INDEX = "resilience", "resilience_index"
HABITAT = "supply.biodiversity"

_NO_SERIES = ResultFlag(
    "no_series",
    Label(
        "无逐年序列：恢复力不含自相关项",
        "no yearly series: resilience leaves out the memory of disturbances",
    ),
)


def evaluate_resilience(run: EvaluationRun) -> Result:
    """Write `resilience` and `resilience_index`."""
    place, condition = run.place, _write_condition(run)
    remembered = has_series(place)
    if remembered:
        write_trend(run, series_of(run))
    make_layers(place, ["land_cover", "npp"])
    terms = ["npp", condition, *([MEMORY] if remembered else [])]
    limits = layer_limits(place, terms, ["land_cover", *terms])
    table = dict(RESILIENCE) | {
        LandCover(int(code)): value for code, value in run.parameters.resilience.items()
    }
    place.store.create_classes(CLASSES)
    place.store.create(INDEX)
    place.each(partial(_judge, place.store, limits, condition, table))
    return Result(
        classes=(CLASSES,),
        quantities={INDEX: "1"},
        record={
            "condition": "quality_index" if condition == QUALITY_INDEX else "habitat",
            "memory": series_of(run) if remembered else None,
            "coefficients": {cover.name.lower(): value for cover, value in table.items()},
            "limits": {name: [one.low, one.high] for name, one in limits.items()},
        },
        flags=() if remembered else (_NO_SERIES,),
    )


def _write_condition(run: EvaluationRun) -> str:
    """The layer of the condition: quality where it is evaluated, else the habitat, else quality."""
    if "quality" not in run.inputs.themes and HABITAT in run.place.sources:
        make_layers(run.place, [HABITAT])
        return HABITAT
    if not run.place.store.has(QUALITY_INDEX):
        evaluate_quality(run)
    return QUALITY_INDEX


def _judge(
    store: ScratchStore,
    limits: Mapping[str, NormalisationLimits],
    condition: str,
    table: Mapping[LandCover, float],
    window: Window,
) -> None:
    scaled = {name: normalise(store.read(name, window), one) for name, one in limits.items()}
    index = resilience_index(
        coefficient=class_values(store.read_classes("land_cover", window), table),
        npp_n=scaled["npp"],
        condition_n=scaled[condition],
        memory_n=scaled.get(MEMORY),
    )
    store.write(INDEX, window, index)
    store.write_classes(CLASSES, window, resilience_class(index))
