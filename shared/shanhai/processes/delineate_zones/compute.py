"""The main job: from seven inputs to five zones, as rasters, polygons, figures; its manifest."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.processes.assess_ecoservices.assessed import Assessment, service_figures
from shanhai.processes.assess_ecoservices.assessment import assess
from shanhai.processes.assess_ecoservices.manifest import assessment_manifest
from shanhai.processes.assess_ecoservices.pictures import AGREEMENT, CONSENSUS, RATIO_CLUSTERS
from shanhai.processes.assess_ecoservices.report import (
    MapsBegun,
    begin_doubt_maps,
    begin_services,
    begin_zone_maps,
    write_maps_and_report,
)
from shanhai.processes.assess_ecoservices.request import decisive
from shanhai.processes.delineate_zones import uncertainty
from shanhai.processes.delineate_zones.contract import (
    DELINEATE_ZONES,
    ZONES_FILE,
    DelineateZonesInputs,
    scheme_code,
)
from shanhai.processes.delineate_zones.features import (
    draw_zones,
    write_lines,
    write_patches,
    write_zones,
)
from shanhai.processes.delineate_zones.robustness import Ensembled, find_robustness
from shanhai.processes.delineate_zones.statistics import (
    find_autocorrelation,
    write_clusters,
    zoning_statistics,
)
from shanhai.processes.delineate_zones.zone_model import model_document
from shanhai.processes.delineate_zones.zoning import (
    Found,
    Trust,
    Zoning,
    cut_of,
    delineate,
    zoner_of,
)
from shanhai.processes.kit.manifest import areas_record, finished, kept_step, resumed_runner
from shanhai.processes.kit.outputs import begin_rasters, write_document
from shanhai.processes.kit.region import SCRATCH, build_study_area
from shanhai.processes.kit.task import Outcome, OutputFile, Progress, Task, left_out_flags
from shanhai.raster.cells import number_areas
from shanhai.raster.windows import WindowRunner
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import SQUARE_METRES_PER_HECTARE
from shanhai.science.uncertainty.draws import (
    CURVE_NUMBER_SD,
    LIGHT_SHARE_RANGE,
    UNCERTAIN,
    WEIGHT_CONCENTRATION,
)
from shanhai.science.uncertainty.resampling import Stability
from shanhai.science.uncertainty.variation import PARAMETERS, STEP, VARIED, Effect
from shanhai.science.zoning.clustering import STARTS
from shanhai.science.zoning.frozen_zones import model_of
from shanhai.science.zoning.polygons import ZoneCoverage
from shanhai.science.zoning.postprocess import BEFORE, OVERRIDE, STRICT_PROTECTION, ZONES
from shanhai.science.zoning.statistics import feature_profiles
from shanhai.science.zoning.zone_names import BALANCE_TOLERANCE, KEY_PROTECTION, NEAR_TIE
from shanhai.vocabulary import ZONE_CLASSES, Label


def build_manifest(
    task: Task,
    inputs: DelineateZonesInputs,
    assessment: Assessment,
    zoning: Zoning,
    coverage: ZoneCoverage,
    doubt: uncertainty.Doubt | None = None,
    ensembled: Ensembled | None = None,
) -> dict[str, Any]:
    """The manifest; only `job_id` and `created_utc` differ between equal runs."""
    manifest = assessment_manifest(task, inputs, assessment)
    zoned = {
        "clustering": _clustering(inputs, zoning),
        "naming": _naming(zoning),
        "postprocess": _postprocess(zoning, coverage),
        **_lines(task, inputs, zoning),
        **_model(inputs, assessment, zoning),
    }
    verdict = () if ensembled is None else ensembled.robustness.flags
    found = [*zoning.flags, *_zones_left(zoning, coverage), *left_out_flags(task)]
    first, then = ([flag.document() for flag in some] for some in (verdict, found))
    flags = {"flags": [*first, *manifest["flags"], *then]}
    return manifest | zoned | _uncertainty(zoning, doubt, ensembled) | flags


def _zones_left(zoning: Zoning, coverage: ZoneCoverage) -> Iterator[ResultFlag]:
    """`fewer_than_five_zones` where the clean-up, or a frozen model, leaves no cell of some."""
    left, before = set(coverage.zones), set(np.unique(zoning.by_unit.zones).tolist())
    told = any(flag.code == "fewer_than_five_zones" for flag in zoning.naming.flags)
    if len(left) == len(ZONE_CLASSES) or (told and left == before):
        return
    names = [zone.label for zone in ZONE_CLASSES if zone.value in left]
    text = Label(
        f"最终分区不足五个，仅有：{'、'.join(name.zh for name in names)}。",
        f"Fewer than five zones are left in the end, only: {'; '.join(name.en for name in names)}.",
    )
    yield ResultFlag("fewer_than_five_zones", text)


def _model(inputs: DelineateZonesInputs, assessment: Assessment, zoning: Zoning) -> dict[str, Any]:
    """The zones as other runs may take them over; those that rest on place they cannot."""
    if inputs.parameters.features == "esdr7+coords":
        return {}
    services = tuple(assessment.assembled.methods)
    thresholds = None if zoning.audit is None else zoning.audit.thresholds
    model = model_of(zoning.by_unit, services, zoning.settings)
    return {"zone_model": model_document(inputs, model, thresholds)}


def _lines(task: Task, inputs: DelineateZonesInputs, zoning: Zoning) -> dict[str, Any]:
    """The control areas of the run and the polygons it was cut into, where there were any."""
    found: dict[str, Any] = {}
    if task.areas or task.areas_left_out:
        found["control_areas"] = areas_record(task)
    override = zoning.cleaned.override_cells
    if override is not None:
        found["overlay"] = {
            "overlays": inputs.parameters.overlays,
            "reserve_core_cells": override[STRICT_PROTECTION],
            "red_line_cells": override[KEY_PROTECTION],
        }
    if task.units:
        found["unit_polygons"] = [one.model_dump(mode="json") for one in task.units]
    return found


def _clustering(inputs: DelineateZonesInputs, zoning: Zoning) -> dict[str, Any]:
    features = zoning.features
    return {
        "algorithm": inputs.parameters.algorithm,
        "unit_m": zoning.unit_m,
        "units": len(zoning.units.cells),
        "features": list(features.names),
        "dropped": list(features.dropped),
        "k": inputs.parameters.k,
        "seed": inputs.seed,
        "n_init": STARTS.get(zoning.settings.algorithm, 1),
        "inertia": zoning.clustering.inertia,
        "centroids": zoning.clustering.centroids.tolist(),
        "correlation": features.correlation.tolist(),
        "elbow": zoning.diagnostics.elbow,
        "silhouette_sample": zoning.diagnostics.sample,
        "by_k": [asdict(one) for one in zoning.diagnostics.by_k],
        **_chosen(zoning),
    }


def _chosen(zoning: Zoning) -> dict[str, Any]:
    """What only some of the settings bring about."""
    found: dict[str, Any] = {}
    if zoning.clustering.bic is not None:
        found["bic"] = zoning.clustering.bic
    if zoning.features.components is not None:
        components = zoning.features.components
        found["components"] = {
            "of": list(components.names),
            "loadings": components.loadings.tolist(),
            "explained": components.explained.tolist(),
        }
    if zoning.by_unit.contiguity is not None:
        found["joined_units"] = zoning.by_unit.contiguity.joined.tolist()
    if zoning.audit is not None:
        found["thresholds"] = asdict(zoning.audit.thresholds)
        found["cross_table"] = zoning.audit.cross_table.tolist()
    return found


def _uncertainty(
    zoning: Zoning, doubt: uncertainty.Doubt | None, ensembled: Ensembled | None
) -> dict[str, Any]:
    """How far the zones can be trusted, as far as that was asked for."""
    found = _trust(zoning.trust)
    if ensembled is not None:
        found["robustness"] = ensembled.document()
    if doubt is not None and doubt.drawn is not None:
        found["monte_carlo"] = _drawn(doubt.drawn)
    if doubt is not None and doubt.effects is not None:
        found["sensitivity"] = _effects(doubt.effects)
    return {"uncertainty": found}


def _trust(trust: Trust) -> dict[str, Any]:
    told = {
        "block_m": trust.block_m,
        "ratio_intervals": {
            str(zone): _known(asdict(interval)) for zone, interval in trust.intervals.items()
        },
    }
    return told if trust.stability is None else told | {"stability": _stability(trust.stability)}


def _stability(stability: Stability) -> dict[str, Any]:
    return {
        **asdict(stability),
        "jaccard": {str(zone): one for zone, one in stability.jaccard.items()},
        "grade": stability.grade,
        "zone_grades": {str(zone): one for zone, one in stability.zone_grades.items()},
    }


def _drawn(drawn: uncertainty.Drawn) -> dict[str, Any]:
    """What was drawn and how; what no method of the run has is told apart."""
    return {
        "draws": drawn.draws,
        "applied": list(drawn.applied),
        "not_applied": [name for name in VARIED if name not in drawn.applied],
        "variation": {one.name: one.variation for one in UNCERTAIN if one.name in drawn.applied},
        "curve_number_sd": CURVE_NUMBER_SD,
        "light_share_range": list(LIGHT_SHARE_RANGE),
        "weight_concentration": WEIGHT_CONCENTRATION,
        "modal_share": drawn.modal_share,
        "parameters_moved": {"moved": len(drawn.applied), "of": len(VARIED)},
    }


def _effects(effects: list[Effect]) -> dict[str, Any]:
    """Changes of the zones' areas in ha, the parameter that moves most first."""
    told = {one.parameter for one in effects}
    return {
        "step": STEP,
        "not_applied": [name for name in PARAMETERS if name not in told],
        "effects": [
            {
                "parameter": one.parameter,
                "lower_ha": {str(zone): area for zone, area in one.lower.items()},
                "higher_ha": {str(zone): area for zone, area in one.higher.items()},
                "moved_ha": one.moved,
            }
            for one in effects
        ],
    }


def _known(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """The numbers; null for those that could not be told."""
    return {name: None if math.isnan(value) else value for name, value in numbers.items()}


def _naming(zoning: Zoning) -> dict[str, Any]:
    return {
        "near_tie": NEAR_TIE,
        "balance_tolerance": BALANCE_TOLERANCE,
        "order": [asdict(profile) for profile in zoning.naming.order],
        "swaps": [list(pair) for pair in zoning.naming.swaps],
        "moved_by_k": zoning.by_unit.moved_by_k,
        "high_land": _high_land(zoning),
        "profiles": {
            str(zone): profile.tolist()
            for zone, profile in feature_profiles(
                zoning.features.matrix, zoning.naming.zones, zoning.units.cells
            ).items()
        },
    }


def _high_land(zoning: Zoning) -> dict[str, Any] | None:
    """From where on land is protected for its supply and demand, and what that changed."""
    high, before = zoning.by_unit.high_land, zoning.naming.zones
    if high is None:
        return None
    raised = zoning.by_unit.zones != before
    cells = np.bincount(before[raised], zoning.units.cells[raised], minlength=6).astype(int)
    return asdict(high) | {"cells_by_zone": {str(zone): int(cells[zone]) for zone in (3, 4, 5)}}


def _postprocess(zoning: Zoning, coverage: ZoneCoverage) -> Mapping[str, Any]:
    return {
        "changed_cells": zoning.cleaned.changed_cells,
        "periphery_share": zoning.cleaned.periphery_share,
        "detached_patches": zoning.cleaned.detached_patches,
        "simplify_tolerance_m": coverage.tolerance_m,
        "area_change": {str(k): v for k, v in coverage.area_change.items()},
    }


def begin_zone_rasters(
    assessment: Assessment, workspace: Path
) -> Callable[[Sequence[OutputFile]], list[OutputFile]]:
    """Begin the rasters of the zones; the call waits, and gives those of the services their place.

    Classes come first, then what the services are, then quantities.
    """
    own = assessment.place.store
    named = (ZONES, BEFORE, OVERRIDE, CONSENSUS, uncertainty.MODAL_ZONE, RATIO_CLUSTERS)
    classes = [(name, None) for name in named if own.has(name)]
    quantities = [(name, "1") for name in (AGREEMENT, *uncertainty.DRAWN) if own.has(name)]
    count, begun = len(classes), begin_rasters(assessment.place, [*classes, *quantities], workspace)

    def collect(services: Sequence[OutputFile]) -> list[OutputFile]:
        written = begun()
        return [*written[:count], *services, *written[count:]]

    return collect


PATCHES_FILE = "patches.geojson"
DOUBTS = f"{SCRATCH}/draw"

_DOUBTS_AT, _DOUBTS_SHOWN = (0, 62, 66, 100), (0, 15, 85, 100)


@dataclass(frozen=True, slots=True)
class ZoningRun:
    """All that was computed, before it is told to anyone."""

    assessment: Assessment
    coverage: ZoneCoverage
    statistics: dict[str, Any]
    manifest: dict[str, Any]
    maps: MapsBegun


def compute(task: Task, workspace: Path, progress: Progress) -> Outcome:
    """Compute with files only; the workspace holds every result afterwards."""
    inputs = DelineateZonesInputs.model_validate(task.inputs)
    progress = _paced(progress, inputs)
    with resumed_runner(task, workspace, progress) as (runner, progress):
        progress(0, "prepare")
        _require_patches(task, inputs)
        assessment = assess(task, inputs, workspace / SCRATCH, runner, progress)
        figures = kept_step(
            task,
            {**decisive(inputs), "kept": "service_figures"},
            (),
            workspace,
            partial(service_figures, assessment),
        )
        collect = begin_services(task, inputs, assessment, figures, workspace)
        run = _zone(task, inputs, assessment, workspace, runner, progress)
        files = _write_documents(run, workspace)
        progress(80, "rasters")
        rasters = begin_zone_rasters(assessment, workspace)
        ready = collect()
        ready = replace(ready, drawn={**ready.drawn, **run.maps()})
        progress(88, "maps")
        # Here, while the other processes write the rasters.
        report = write_maps_and_report(
            assessment, figures, run.manifest, workspace, ready=ready, statistics=run.statistics
        )
        files += [*rasters(ready.rasters), *report]
    return finished(workspace, files, run.manifest, _values(run), progress)


def _zone(
    task: Task,
    inputs: DelineateZonesInputs,
    assessment: Assessment,
    workspace: Path,
    runner: WindowRunner,
    progress: Progress,
) -> ZoningRun:
    area = assessment.place.area
    progress(60, "cluster")
    write_lines(task, inputs, assessment.place.store)
    cut = cut_of(task, inputs.parameters, area.grid)
    zoner = zoner_of(
        assessment, inputs, cut, runner, task.reference, partial(_once, task, workspace)
    )
    own = assessment.place.store
    zoning = delineate(assessment, zoner)
    told = partial(_tell_doubt, progress)
    doubt = uncertainty.doubt_zones(assessment, inputs, zoner, workspace / DOUBTS, told)
    progress(66, "zones")
    progress(67, "polygons")
    coverage = draw_zones(own, runner)
    progress(71, "statistics")
    codes = own.read_classes(ZONES, own.whole)
    districts = number_areas(area.districts, area.grid)
    statistics = zoning_statistics(
        own, assessment.extremes, codes, districts, area.region.districts, runner
    )
    # Drawn while this process looks at other choices, most of which are kept of another job.
    zones = begin_zone_maps(task, inputs, assessment, statistics, workspace)
    tell = partial(_tell_robustness, progress)
    ensembled = find_robustness(task, inputs, assessment, zoner, zoning, tell)
    alike = find_autocorrelation(assessment, zoner, progress)
    doubts = begin_doubt_maps(task, inputs, assessment, workspace)
    manifest = build_manifest(task, inputs, assessment, zoning, coverage, doubt, ensembled)
    if alike is not None:
        statistics["autocorrelation"] = alike
        manifest["autocorrelation"] = {name: alike[name] for name in alike if name != "clusters"}
    if ensembled is not None:
        statistics["robustness"] = ensembled.document()
        for zone in statistics["zones"]:
            zone |= ensembled.held(zone["class_value"])
    statistics["flags"] = manifest["flags"]
    return ZoningRun(
        assessment, coverage, statistics, manifest, maps=lambda: {**zones(), **doubts()}
    )


def _once(
    task: Task, workspace: Path, rests_on: Mapping[str, Any], work: Callable[[], Found], /
) -> Found:
    return kept_step(task, rests_on, (), workspace, work)


def _require_patches(task: Task, inputs: DelineateZonesInputs) -> None:
    """Refuse a least patch that no zone of the region could reach.

    Raises:
        InvalidInput: it is larger than the region.
    """
    least_ha = inputs.parameters.mmu_ha
    region_ha = build_study_area(task, inputs).outline.area / SQUARE_METRES_PER_HECTARE
    if least_ha > region_ha:
        raise InvalidInput(
            f"mmu_ha is {least_ha:g} ha, and the whole region has {region_ha:.4g} ha; no patch "
            "could be so large",
            message_zh=f"mmu_ha 为 {least_ha:g} ha，而整个区域仅 {region_ha:.4g} ha，"
            "没有图斑能达到该面积",
            pointer="/inputs/parameters/mmu_ha",
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
    progress(62 + 4 * share, stage)


def _tell_robustness(progress: Progress, share: float) -> None:
    progress(73 + 4 * share, "robustness")


def _write_documents(run: ZoningRun, workspace: Path) -> list[OutputFile]:
    area = run.assessment.place.area
    scheme = scheme_code(area.region.code)
    write_zones(workspace / ZONES_FILE, run.coverage, area.grid, scheme)
    write_patches(workspace / PATCHES_FILE, run.coverage, area.grid, scheme)
    alike = run.statistics.get("autocorrelation")
    return [
        *([] if alike is None else [write_clusters(workspace, alike["clusters"])]),
        DELINEATE_ZONES.output("patches").file(PATCHES_FILE),
        write_document(workspace, DELINEATE_ZONES.output("statistics"), run.statistics),
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
