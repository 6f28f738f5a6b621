"""The main job: from seven inputs to five zones, as rasters, polygons, statistics and a report."""

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.assess_ecoservices.assessment import assess
from shanhai.processes.assess_ecoservices.report import write_maps_and_report
from shanhai.processes.assess_ecoservices.service_figures import service_figures
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.delineate_zones.features import (
    ZoneGeometry,
    draw_zones,
    write_patches,
    write_zones,
)
from shanhai.processes.delineate_zones.legal_lines import write_lines
from shanhai.processes.delineate_zones.manifest import build_manifest
from shanhai.processes.delineate_zones.rasters import keep_zones, write_zone_rasters
from shanhai.processes.delineate_zones.results import STATISTICS_FILE, ZONES_FILE, scheme_code
from shanhai.processes.delineate_zones.statistics import zoning_statistics
from shanhai.processes.delineate_zones.uncertainty import doubt_zones
from shanhai.processes.delineate_zones.zoning import Zoning, cut_of, delineate, zoner_of
from shanhai.processes.kit.checkpointing import resumed_runner
from shanhai.processes.kit.process import Progress
from shanhai.processes.kit.study_area import StudyArea
from shanhai.processes.kit.task import Outcome, OutputFile, Task
from shanhai.raster.vectorise import number_areas
from shanhai.raster.windows import WindowRunner
from shanhai.storage.artifacts import sha256_of

PATCHES_FILE = "patches.geojson"
MANIFEST_FILE = "manifest.json"
SCRATCH = "scratch"
DOUBTS = f"{SCRATCH}/draw"

_DOUBTS_AT, _DOUBTS_SHOWN = (0, 60, 68, 100), (0, 15, 85, 100)


@dataclass(frozen=True, slots=True)
class ZoningRun:
    """All that was computed, before it is told to anyone."""

    task: Task
    inputs: DelineateZonesInputs
    area: StudyArea
    assessment: Assessment
    zoning: Zoning
    geometry: ZoneGeometry
    statistics: dict[str, Any]
    manifest: dict[str, Any]
    districts: NDArray[np.uint16]


def compute(task: Task, workspace: Path, progress: Progress) -> Outcome:
    """Compute with files only; the workspace holds every result afterwards."""
    inputs = DelineateZonesInputs.model_validate(task.inputs)
    progress = _paced(progress, inputs)
    with resumed_runner(task, workspace, progress) as (runner, progress):
        run = _compute(task, inputs, workspace, runner, progress)
        files = _write_documents(run, workspace)
        progress(80, "rasters")
        files += write_zone_rasters(run.assessment, workspace, runner)
        progress(88, "maps")
        figures = service_figures(run.assessment, runner)
    files += write_maps_and_report(run.assessment, figures, run.statistics, run.manifest, workspace)
    _finish_manifest(run, files, workspace)
    shutil.rmtree(workspace / SCRATCH)
    progress(100, "done")
    return Outcome(
        files=files,
        values=_values(run),
        manifest=run.manifest,
        warnings=run.manifest["warnings"],
    )


def _compute(
    task: Task,
    inputs: DelineateZonesInputs,
    workspace: Path,
    runner: WindowRunner,
    progress: Progress,
) -> ZoningRun:
    progress(0, "prepare")
    assessment = assess(task, inputs, workspace / SCRATCH, runner, progress)
    area = assessment.area
    progress(60, "cluster")
    write_lines(task, inputs, assessment.stores.own)
    cut = cut_of(task, inputs.parameters, area.grid)
    zoner = zoner_of(assessment, inputs, cut, runner)
    zoning = delineate(assessment, zoner)
    told = partial(_tell_doubt, progress)
    doubt = doubt_zones(assessment, inputs, zoner, zoning.codes, workspace / DOUBTS, told)
    progress(68, "zones")
    own = assessment.stores.own
    keep_zones(zoning.cleaned, own)
    progress(70, "polygons")
    geometry = draw_zones(zoning.codes, area.grid)
    progress(75, "statistics")
    districts = number_areas(area.districts, area.grid)
    statistics = zoning_statistics(
        own, assessment.extremes, zoning.codes, districts, area.district_tasks, runner
    )
    manifest = build_manifest(task, inputs, assessment, zoning, geometry, doubt)
    statistics["flags"] = manifest["flags"]
    return ZoningRun(
        task, inputs, area, assessment, zoning, geometry, statistics, manifest, districts
    )


def _paced(progress: Progress, inputs: DelineateZonesInputs) -> Progress:
    """The progress of the run by the time it takes: draws take more than all the rest."""
    asked = inputs.uncertainty
    if not (asked.draws or asked.sensitivity):
        return progress

    def tell(percent: float, stage: str) -> None:
        progress(float(np.interp(percent, _DOUBTS_AT, _DOUBTS_SHOWN)), stage)

    return tell


def _tell_doubt(progress: Progress, share: float, stage: str) -> None:
    progress(60 + 8 * share, stage)


def _write_documents(run: ZoningRun, workspace: Path) -> list[OutputFile]:
    scheme = scheme_code(run.area.region.code)
    write_zones(workspace / ZONES_FILE, run.geometry, scheme)
    write_patches(workspace / PATCHES_FILE, run.geometry, scheme)
    (workspace / STATISTICS_FILE).write_bytes(
        orjson.dumps(run.statistics, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    )
    return [
        OutputFile(
            name="patches",
            path=PATCHES_FILE,
            kind="features",
            media_type="application/geo+json",
            title_zh="图斑",
            title_en="Patches",
        ),
        OutputFile(
            name="statistics",
            path=STATISTICS_FILE,
            kind="document",
            media_type="application/json",
            title_zh="分区统计",
            title_en="Zone statistics",
        ),
    ]


def _finish_manifest(run: ZoningRun, files: list[OutputFile], workspace: Path) -> None:
    run.manifest["outputs"] = [
        {
            "name": file.name,
            "sha256": sha256_of(workspace / file.path),
            "unit": file.meta.get("unit"),
            "nodata": file.meta.get("nodata"),
        }
        for file in files
    ]
    (workspace / MANIFEST_FILE).write_bytes(
        orjson.dumps(run.manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    )


def _values(run: ZoningRun) -> dict[str, Any]:
    return {
        "zones": [
            {
                name: zone[name]
                for name in (
                    "code",
                    "class_value",
                    "name_zh",
                    "name_en",
                    "color",
                    "cells",
                    "area_raster_km2",
                    "share_percent",
                )
            }
            for zone in run.statistics["zones"]
        ],
        "valid_area_km2": run.statistics["valid_area_km2"],
        "flags": run.statistics["flags"],
    }
