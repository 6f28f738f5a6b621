"""The manifest of a zoning: enough to compute it again, bit for bit."""

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import numpy
import scipy
import sklearn

from shanhai import __version__
from shanhai.jobs.contracts import DatasetTask, DelineateZonesInputs, Task
from shanhai.processes.assessment import Assessment
from shanhai.processes.checkout import git_commit
from shanhai.processes.method_record import derived_forms, parameters_of
from shanhai.processes.study_area import StudyArea
from shanhai.processes.supply_demand import SERVICES
from shanhai.processes.zone_features import ZoneGeometry
from shanhai.processes.zoning import Zoning
from shanhai.raster.versions import library_versions
from shanhai.raster.warp import Source
from shanhai.science.zoning.naming import BALANCE_TOLERANCE, NEAR_TIE

SCHEMA_VERSION = 1


def build_manifest(
    task: Task,
    inputs: DelineateZonesInputs,
    area: StudyArea,
    assessment: Assessment,
    zoning: Zoning,
    geometry: ZoneGeometry,
) -> dict[str, Any]:
    """The manifest; only `job_id` and `created_utc` differ between equal runs."""
    return {
        "schema_version": SCHEMA_VERSION,
        "job_id": task.job_id,
        "created_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "code_version": __version__,
        "git_commit": git_commit(),
        "library_versions": _versions(),
        "platform": platform.platform(),
        "threads": 1,
        "aoi": _aoi(area, assessment),
        "inputs": [
            _input(task.datasets[theme], source, area.grid.cell_m)
            | assessment.tallies[theme].document()
            for theme, source in assessment.sources.items()
        ],
        "profile": inputs.profile,
        "methods": dict.fromkeys(SERVICES, inputs.profile),
        "derived": derived_forms(assessment.sources),
        "parameters": parameters_of(inputs),
        "normalization": _normalization(assessment),
        "ratio": _ratio(inputs, assessment),
        "clustering": _clustering(inputs, zoning, assessment),
        "naming": _naming(zoning),
        "postprocess": _postprocess(zoning, geometry),
        "flags": [flag.document() for flag in (*assessment.flags, *zoning.flags)],
        "warnings": [warning.document() for warning in assessment.warnings],
    }


def _versions() -> dict[str, str]:
    own = {
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": str(sklearn.__version__),
    }
    return own | library_versions()


def _aoi(area: StudyArea, assessment: Assessment) -> dict[str, Any]:
    own, coverage = assessment.stores.own, assessment.coverage
    mask = own.read_classes("valid", own.whole)
    return {
        "region": area.region.code,
        "crs": f"EPSG:{area.grid.epsg}",
        "transform": list(area.grid.transform),
        "width": area.grid.width,
        "height": area.grid.height,
        "cell_m": area.grid.cell_m,
        "region_cells": coverage.inside,
        "sea_cells": coverage.sea,
        "valid_cells": coverage.valid,
        "missing_cells": coverage.missing,
        "sha256_mask": hashlib.sha256(mask.tobytes()).hexdigest(),
        "edge_effect": assessment.edge_effect,
    }


def _input(dataset: DatasetTask, source: Source, cell_m: float) -> dict[str, Any]:
    return {
        "theme": dataset.theme,
        "id": dataset.code,
        "uri": dataset.uri,
        "sha256": dataset.checksum,
        "name_zh": dataset.name_zh,
        "name_en": dataset.name_en,
        "unit": dataset.unit,
        "crs": source.crs,
        "bands": source.facts.bands,
        "native_resolution_m": dataset.native_resolution_m,
        "resampling": source.method(cell_m),
        "year": _year(dataset),
        "observed_from": _iso(dataset.observed_from),
        "observed_to": _iso(dataset.observed_to),
        "source": dataset.source,
        "licence": dataset.licence,
        "stand_in": dataset.stand_in,
        "stand_in_note_zh": dataset.stand_in_note_zh,
        "stand_in_note_en": dataset.stand_in_note_en,
    }


def _year(dataset: DatasetTask) -> int | None:
    """The year of an input that was observed within one."""
    first, last = dataset.observed_from, dataset.observed_to
    return first.year if first and last and first.year == last.year else None


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _normalization(assessment: Assessment) -> list[dict[str, Any]]:
    services = assessment.services
    layers = {
        **services.scales.limits,
        **{f"{layer}.raw": limits for layer, limits in services.raw.items()},
        **{layer: extremes.limits for layer, extremes in services.extremes.items()},
    }
    return [
        {"layer": layer, "lo": limits.low, "hi": limits.high, "frozen_from": None}
        for layer, limits in layers.items()
    ] + [
        {
            "layer": "ndvi",
            "lo": services.scales.ndvi_soil,
            "hi": services.scales.ndvi_vegetation,
            "frozen_from": None,
        }
    ]


def _ratio(inputs: DelineateZonesInputs, assessment: Assessment) -> dict[str, Any]:
    extremes = assessment.services.extremes
    return {
        "max_mode": inputs.parameters.max_mode,
        "weights": inputs.parameters.weights or dict.fromkeys(SERVICES, 1 / len(SERVICES)),
        "maxima": {
            service: {
                "supply": extremes[f"supply.{service}"].cap,
                "demand": extremes[f"demand.{service}"].cap,
            }
            for service in SERVICES
        },
    }


def _clustering(
    inputs: DelineateZonesInputs, zoning: Zoning, assessment: Assessment
) -> dict[str, Any]:
    features = zoning.features
    return {
        "algorithm": "kmeans",
        "unit_m": assessment.fishnet.unit_cells * inputs.cell_m,
        "units": len(zoning.units.cells),
        "features": list(features.names),
        "dropped": list(features.dropped),
        "k": inputs.parameters.k,
        "seed": inputs.seed,
        "n_init": 20,
        "inertia": zoning.clustering.inertia,
        "centroids": zoning.clustering.centroids.tolist(),
        "correlation": features.correlation.tolist(),
        "elbow": zoning.diagnostics.elbow,
        "silhouette_sample": zoning.diagnostics.sample,
        "by_k": [asdict(one) for one in zoning.diagnostics.by_k],
    }


def _naming(zoning: Zoning) -> dict[str, Any]:
    return {
        "near_tie": NEAR_TIE,
        "balance_tolerance": BALANCE_TOLERANCE,
        "order": [asdict(profile) for profile in zoning.naming.order],
        "swaps": [list(pair) for pair in zoning.naming.swaps],
    }


def _postprocess(zoning: Zoning, geometry: ZoneGeometry) -> Mapping[str, Any]:
    return {
        "changed_cells": zoning.cleaned.changed_cells,
        "periphery_share": zoning.cleaned.periphery_share,
        "detached_patches": zoning.cleaned.detached_patches,
        "simplify_tolerance_m": geometry.coverage.tolerance_m,
        "area_change": {str(k): v for k, v in geometry.coverage.area_change.items()},
    }
