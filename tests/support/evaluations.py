"""Evaluations of the synthetic ecosystem, and what their files hold."""

from pathlib import Path
from typing import Any

import numpy as np

from shanhai.data.synthetic_watershed import Watershed
from shanhai.processes.kit.task import Outcome, Task
from tests.support.computed import band, document
from tests.support.evaluation_rasters import evaluation_task


def task_of(watershed: Watershed, themes: list[str], **more: Any) -> Task:
    """The evaluation of some themes."""
    options = {name: more.pop(name) for name in ("processes", "without") if name in more}
    return evaluation_task(watershed, "evaluate-ecosystem", {"themes": themes, **more}, **options)


def codes(workspace: Path, layer: str) -> np.ndarray:
    """The classes of a layer; 0 is none."""
    found: np.ndarray = np.nan_to_num(band(workspace, layer)).astype(int)
    return found


def evaluation(workspace: Path, layer: str) -> dict[str, Any]:
    """What the statistics tell of a layer."""
    found = document(workspace, "statistics.json")["evaluations"]
    return next(one for one in found if one["layer"] == layer)


def offset(outcome: Outcome, watershed: Watershed) -> tuple[int, int]:
    """Rows and columns of the watershed's rasters before the analysis grid."""
    west, north = (outcome.manifest["aoi"]["transform"][place] for place in (2, 5))
    cell = watershed.grid.cell_m
    return round((watershed.grid.north - north) / cell), round((west - watershed.grid.west) / cell)
