"""The manifest of a zoning: that of its assessment, and how the zones came about."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.assess_ecoservices.manifest import assessment_manifest
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.delineate_zones.features import ZoneGeometry
from shanhai.processes.delineate_zones.uncertainty import Doubt, Drawn
from shanhai.processes.delineate_zones.zoning import Trust, Zoning
from shanhai.processes.kit.line_kinds import left_out_flags
from shanhai.processes.kit.manifest import areas_record
from shanhai.processes.kit.task import Task
from shanhai.science.uncertainty.draws import (
    CURVE_NUMBER_SD,
    LIGHT_SHARE_RANGE,
    UNCERTAIN,
    WEIGHT_CONCENTRATION,
)
from shanhai.science.uncertainty.sensitivity import PARAMETERS, STEP, Effect
from shanhai.science.uncertainty.variation import VARIED
from shanhai.science.zoning.algorithms import STARTS
from shanhai.science.zoning.postprocess import KEY_PROTECTION, STRICT_PROTECTION
from shanhai.science.zoning.statistics import feature_profiles
from shanhai.science.zoning.zone_names import BALANCE_TOLERANCE, NEAR_TIE


def build_manifest(
    task: Task,
    inputs: DelineateZonesInputs,
    assessment: Assessment,
    zoning: Zoning,
    geometry: ZoneGeometry,
    doubt: Doubt | None = None,
) -> dict[str, Any]:
    """The manifest; only `job_id` and `created_utc` differ between equal runs."""
    manifest = assessment_manifest(task, inputs, assessment)
    zoned = {
        "clustering": _clustering(inputs, zoning),
        "naming": _naming(zoning),
        "postprocess": _postprocess(zoning, geometry),
        **_lines(task, inputs, zoning),
    }
    found = [*zoning.flags, *left_out_flags(task)]
    flags = {"flags": [*manifest["flags"], *(flag.document() for flag in found)]}
    return manifest | zoned | _uncertainty(zoning, doubt) | flags


def _lines(task: Task, inputs: DelineateZonesInputs, zoning: Zoning) -> dict[str, Any]:
    """The control areas of the run and the polygons it was cut into, where there were any."""
    found: dict[str, Any] = {}
    if task.areas or task.areas_left_out:
        found["control_areas"] = areas_record(task)
    override = zoning.cleaned.override_source
    if override is not None:
        found["overlay"] = {
            "overlays": inputs.parameters.overlays,
            "reserve_core_cells": int(np.count_nonzero(override == STRICT_PROTECTION)),
            "red_line_cells": int(np.count_nonzero(override == KEY_PROTECTION)),
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


def _uncertainty(zoning: Zoning, doubt: Doubt | None) -> dict[str, Any]:
    """How far the zones can be trusted, as far as that was asked for."""
    found = {} if zoning.trust is None else _trust(zoning.trust)
    if doubt is not None and doubt.drawn is not None:
        found["monte_carlo"] = _drawn(doubt.drawn)
    if doubt is not None and doubt.effects is not None:
        found["sensitivity"] = _effects(doubt.effects)
    return {"uncertainty": found} if found else {}


def _trust(trust: Trust) -> dict[str, Any]:
    stability = trust.stability
    return {
        "block_m": trust.block_m,
        "ratio_intervals": {
            str(zone): _known(asdict(interval)) for zone, interval in trust.intervals.items()
        },
        "stability": {
            **asdict(stability),
            "jaccard": {str(zone): one for zone, one in stability.jaccard.items()},
            "grade": stability.grade,
            "zone_grades": {str(zone): one for zone, one in stability.zone_grades.items()},
        },
    }


def _drawn(drawn: Drawn) -> dict[str, Any]:
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
        "profiles": {
            str(zone): profile.tolist()
            for zone, profile in feature_profiles(
                zoning.features.matrix, zoning.naming.zones, zoning.units.cells
            ).items()
        },
    }


def _postprocess(zoning: Zoning, geometry: ZoneGeometry) -> Mapping[str, Any]:
    return {
        "changed_cells": zoning.cleaned.changed_cells,
        "periphery_share": zoning.cleaned.periphery_share,
        "detached_patches": zoning.cleaned.detached_patches,
        "simplify_tolerance_m": geometry.coverage.tolerance_m,
        "area_change": {str(k): v for k, v in geometry.coverage.area_change.items()},
    }
