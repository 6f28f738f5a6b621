"""The main job: from seven inputs to five zones, as rasters, polygons, statistics and a report."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.assess_ecoservices.assessment import assess
from shanhai.processes.assess_ecoservices.pictures import RATIO_CLUSTERS
from shanhai.processes.assess_ecoservices.report import rasters_of, titles_of, write_maps_and_report
from shanhai.processes.assess_ecoservices.service_figures import service_figures
from shanhai.processes.delineate_zones.autocorrelation import find_autocorrelation, write_clusters
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.delineate_zones.features import (
    ZoneGeometry,
    draw_zones,
    write_patches,
    write_zones,
)
from shanhai.processes.delineate_zones.legal_lines import write_lines
from shanhai.processes.delineate_zones.manifest import build_manifest
from shanhai.processes.delineate_zones.results import ZONES_FILE, scheme_code
from shanhai.processes.delineate_zones.statistics import zoning_statistics
from shanhai.processes.delineate_zones.uncertainty import DRAWN, MODAL_ZONE, doubt_zones
from shanhai.processes.delineate_zones.zoning import cut_of, delineate, zoner_of
from shanhai.processes.kit.checkpointing import resumed_runner
from shanhai.processes.kit.feature_files import GEOJSON
from shanhai.processes.kit.manifest import finished
from shanhai.processes.kit.outputs import write_document, write_rasters
from shanhai.processes.kit.process import Progress
from shanhai.processes.kit.region import SCRATCH
from shanhai.processes.kit.task import Outcome, OutputFile, Task
from shanhai.raster.store import ScratchStore
from shanhai.raster.vectorise import number_areas
from shanhai.raster.windows import WindowRunner
from shanhai.science.zoning.postprocess import Postprocessed
from shanhai.vocabulary import Label

ZONES = "zones"
BEFORE = "zones_before_overlay"
OVERRIDE = "override_source"


def keep_zones(cleaned: Postprocessed, own: ScratchStore) -> None:
    """Keep the class rasters of a zoning in the scratch store."""
    kept = {ZONES: cleaned.codes}
    if cleaned.override_source is not None:
        kept |= {BEFORE: cleaned.before_overlay, OVERRIDE: cleaned.override_source}
    for name, values in kept.items():
        own.create_classes(name)
        own.write_classes(name, own.whole, values)


def write_zone_rasters(assessment: Assessment, workspace: Path) -> list[OutputFile]:
    """Write every output raster into the workspace."""
    own = assessment.place.store
    named = (ZONES, BEFORE, OVERRIDE, MODAL_ZONE, RATIO_CLUSTERS)
    classes = [name for name in named if own.has(name)]
    quantities = [name for name in DRAWN if own.has(name)]
    layers = [
        *((name, None) for name in classes),
        *rasters_of(assessment),
        *((name, "1") for name in quantities),
    ]
    return write_rasters(assessment.place, layers, workspace, titles_of(assessment))


PATCHES_FILE = "patches.geojson"
DOUBTS = f"{SCRATCH}/draw"

_DOUBTS_AT, _DOUBTS_SHOWN = (0, 60, 68, 100), (0, 15, 85, 100)


@dataclass(frozen=True, slots=True)
class ZoningRun:
    """All that was computed, before it is told to anyone."""

    assessment: Assessment
    geometry: ZoneGeometry
    statistics: dict[str, Any]
    manifest: dict[str, Any]


def compute(task: Task, workspace: Path, progress: Progress) -> Outcome:
    """Compute with files only; the workspace holds every result afterwards."""
    inputs = DelineateZonesInputs.model_validate(task.inputs)
    progress = _paced(progress, inputs)
    with resumed_runner(task, workspace, progress) as (runner, progress):
        run = _compute(task, inputs, workspace, runner, progress)
        files = _write_documents(run, workspace)
        progress(80, "rasters")
        files += write_zone_rasters(run.assessment, workspace)
        progress(88, "maps")
        figures = service_figures(run.assessment)
    files += write_maps_and_report(
        run.assessment, figures, run.manifest, workspace, statistics=run.statistics
    )
    return finished(workspace, files, run.manifest, _values(run), progress)


def _compute(
    task: Task,
    inputs: DelineateZonesInputs,
    workspace: Path,
    runner: WindowRunner,
    progress: Progress,
) -> ZoningRun:
    progress(0, "prepare")
    assessment = assess(task, inputs, workspace / SCRATCH, runner, progress)
    area = assessment.place.area
    progress(60, "cluster")
    write_lines(task, inputs, assessment.place.store)
    cut = cut_of(task, inputs.parameters, area.grid)
    zoner = zoner_of(assessment, inputs, cut, runner)
    zoning = delineate(assessment, zoner)
    told = partial(_tell_doubt, progress)
    doubt = doubt_zones(assessment, inputs, zoner, zoning.codes, workspace / DOUBTS, told)
    progress(68, "zones")
    own = assessment.place.store
    keep_zones(zoning.cleaned, own)
    progress(70, "polygons")
    geometry = draw_zones(zoning.codes, area.grid)
    progress(75, "statistics")
    districts = number_areas(area.districts, area.grid)
    statistics = zoning_statistics(
        own, assessment.extremes, zoning.codes, districts, area.region.districts, runner
    )
    manifest = build_manifest(task, inputs, assessment, zoning, geometry, doubt)
    alike = find_autocorrelation(assessment, zoner, zoning.codes, progress)
    if alike is not None:
        statistics["autocorrelation"] = alike
        manifest["autocorrelation"] = {name: alike[name] for name in alike if name != "clusters"}
    statistics["flags"] = manifest["flags"]
    return ZoningRun(assessment, geometry, statistics, manifest)


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
    scheme = scheme_code(run.assessment.place.area.region.code)
    write_zones(workspace / ZONES_FILE, run.geometry, scheme)
    write_patches(workspace / PATCHES_FILE, run.geometry, scheme)
    alike = run.statistics.get("autocorrelation")
    return [
        *([] if alike is None else [write_clusters(workspace, alike["clusters"])]),
        OutputFile.of("patches", PATCHES_FILE, GEOJSON, Label("图斑", "Patches"), "features"),
        write_document(
            workspace, "statistics", Label("分区统计", "Zone statistics"), run.statistics
        ),
    ]


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
