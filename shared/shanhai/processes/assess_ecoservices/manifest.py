"""The manifest of an assessment: enough to compute it again, bit for bit."""

import hashlib
from datetime import date
from typing import Any

from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.assess_ecoservices.contract import AssessmentInputs
from shanhai.processes.assess_ecoservices.method_record import (
    derived_forms,
    figures_of,
    normalization_of,
    parameters_of,
)
from shanhai.processes.kit.run_record import run_record
from shanhai.processes.kit.study_area import StudyArea
from shanhai.processes.kit.task import DatasetTask, Task
from shanhai.raster.warp import RasterSource
from shanhai.science.balance import weight_shares

SCHEMA_VERSION = 2


def assessment_manifest(
    task: Task, inputs: AssessmentInputs, assessment: Assessment
) -> dict[str, Any]:
    """The manifest; only `job_id` and `created_utc` differ between equal runs."""
    area, assembled = assessment.area, assessment.assembled
    return {
        "schema_version": SCHEMA_VERSION,
        **run_record(task),
        "aoi": _aoi(area, assessment),
        "inputs": [
            _input(task.datasets[theme], source, area.grid.cell_m)
            | assessment.tallies[theme].document()
            for theme, source in assessment.sources.items()
        ],
        "request": inputs.model_dump(mode="json"),
        "profile": inputs.profile,
        "methods": {service: method.id for service, method in assembled.methods.items()},
        "fallbacks": {
            service: {"wanted": wanted, "missing": list(names)}
            for service, (wanted, names) in assembled.fallbacks.items()
        },
        "left_out": {service: list(names) for service, names in assembled.left_out.items()},
        "derived": derived_forms(assessment),
        "parameters": parameters_of(inputs, assessment),
        "normalization": normalization_of(inputs, assessment),
        "figures": figures_of(assessment),
        "ratio": _ratio(inputs, assessment),
        "flags": [flag.document() for flag in assessment.flags],
        "warnings": [warning.document() for warning in assessment.warnings],
    }


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
        "missing_cells": dict(coverage.missing),
        "sha256_mask": hashlib.sha256(mask.tobytes()).hexdigest(),
        "edge_effect": assessment.edge_effect,
    }


def _input(dataset: DatasetTask, source: RasterSource, cell_m: float) -> dict[str, Any]:
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


def _ratio(inputs: AssessmentInputs, assessment: Assessment) -> dict[str, Any]:
    extremes = assessment.extremes
    return {
        "max_mode": inputs.parameters.max_mode,
        "weights": weight_shares(inputs.parameters.weights),
        "min_services": inputs.min_services,
        "maxima": {
            service: {
                "supply": extremes[f"supply.{service}"].cap,
                "demand": extremes[f"demand.{service}"].cap,
                "unit": method.unit,
            }
            for service, method in assessment.assembled.methods.items()
        },
    }
