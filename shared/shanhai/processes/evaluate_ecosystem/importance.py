"""Importance: the classes of each service, and the highest of any."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from shanhai.processes.evaluate_ecosystem.steps import EvaluationRun, Result
from shanhai.processes.kit.region import Block, Place
from shanhai.processes.kit.supplies import write_supplies
from shanhai.raster.store import ScratchStore
from shanhai.science.evaluation.importance import (
    SHARES,
    importance_class,
    overall_importance,
    share_thresholds,
)
from shanhai.science.grid import Window

OVERALL = "importance"


def evaluate_importance(run: EvaluationRun) -> Result:
    """Write `importance.<service>` of each service ranked, and `importance`."""
    place, services = run.place, run.parameters.services
    needs_cover = "soil_retention" in services and "soil_retention" not in run.inputs.supplies
    origins = write_supplies(place, services, run.scale if needs_cover else None)
    thresholds = share_thresholds(lambda: _supplies(place, services))
    for layer in (OVERALL, *(f"importance.{service}" for service in services)):
        place.store.create_classes(layer)
    place.each(partial(_rank, place.store, services, thresholds))
    return Result(
        classes=(OVERALL, *(f"importance.{service}" for service in services)),
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
    store.write_classes(OVERALL, window, overall_importance(classes))
