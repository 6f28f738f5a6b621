"""Import a user's raster: check it, clean it, convert it to a COG and register it."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput
from shanhai.jobs.contracts import (
    IMPORT_DATASET,
    ImportDatasetInputs,
    Outcome,
    OutputFile,
    Task,
)
from shanhai.processes.base import Progress
from shanhai.processes.rasters import raster_output
from shanhai.raster.checks import (
    check_bands,
    check_datum,
    check_overlap,
    check_plausible,
    check_report,
)
from shanhai.raster.clean import Cleaning, CleaningReport, clean_blocks
from shanhai.raster.cog import Frame, write_cog
from shanhai.raster.conversions import conversion
from shanhai.raster.inspect import RasterFacts, inspect_raster, resolution_m
from shanhai.raster.statistics import BandStatistics
from shanhai.raster.themes import THEME_RULES, ThemeRule
from shanhai.science.zoning.flag import Flag
from shanhai.storage.artifacts import sha256_of
from shanhai.vocabulary import Label

FILE = "dataset.tif"


class ImportDataset:
    """Takes one GeoTIFF in any system and makes it a dataset of one theme."""

    contract = IMPORT_DATASET

    def compute(self, task: Task, workspace: Path, progress: Progress) -> Outcome:
        """Check and convert the upload; nothing is registered before all checks have passed."""
        inputs = ImportDatasetInputs.model_validate(task.inputs)
        region = _region_geometry(task)
        source = Path(task.files[task.upload_uri or ""])
        progress(2, "inspect")
        imported = import_raster(source, inputs, region, workspace / FILE, progress)
        progress(100, "done")
        return Outcome(
            files=[_output(imported, inputs)],
            values={"theme": inputs.theme},
            manifest=_manifest(imported, inputs, source),
            warnings=[warning.document() for warning in imported.warnings],
        )


@dataclass(slots=True)
class Imported:
    """A raster that passed: its frame, numbers and what was remarkable."""

    rule: ThemeRule
    facts: RasterFacts
    frame: Frame
    report: CleaningReport
    statistics: list[BandStatistics] = field(default_factory=list)
    warnings: list[Flag] = field(default_factory=list)


def import_raster(
    source: Path,
    inputs: ImportDatasetInputs,
    region: BaseGeometry,
    target: Path,
    progress: Progress,
) -> Imported:
    """Check `source` against its theme and region, and write the cleaned COG to `target`.

    Raises:
        UnsupportedFile: the file is not what the theme needs.
        InvalidInput: a parameter does not fit it.
    """
    rule = THEME_RULES[inputs.theme]
    facts = inspect_raster(source, crs=inputs.crs)
    check_bands(facts, rule)
    check_overlap(facts, region)
    progress(10, "convert")
    imported = Imported(rule, facts, _frame(facts, rule), CleaningReport())
    blocks = clean_blocks(source, facts, rule, _cleaning(inputs), imported.report)
    imported.statistics = write_cog(target, imported.frame, blocks)
    progress(80, "check")
    imported.warnings += check_report(imported.report, facts, rule)
    imported.warnings += check_plausible(rule, imported.statistics)
    if not inputs.accept_datum:
        check_datum(target, inspect_raster(target, crs=facts.crs), facts.tags, region)
    return imported


def _region_geometry(task: Task) -> BaseGeometry:
    if task.region is None:
        raise InvalidInput("an import needs a region", pointer="/inputs/region")
    return shape(task.region.geometry)


def _frame(facts: RasterFacts, rule: ThemeRule) -> Frame:
    return Frame(
        crs=facts.crs or "",
        transform=facts.transform,
        width=facts.width,
        height=facts.height,
        bands=facts.bands,
        categorical=rule.categorical,
    )


def _cleaning(inputs: ImportDatasetInputs) -> Cleaning:
    """The user's scale and offset, or those the named unit asks for."""
    for name, value in (("scale", inputs.scale), ("offset", inputs.offset)):
        if not math.isfinite(value) or (name == "scale" and value == 0):
            raise InvalidInput(
                f"{name} is {value}; it must be finite, and a scale not 0",
                message_zh=f"{name} 为 {value}，须为有限数，比例系数不得为 0",
                pointer=f"/inputs/{name}",
            )
    factor, shift = conversion(inputs.theme, inputs.unit) or (1.0, 0.0)
    return Cleaning(
        nodata=inputs.nodata,
        scale=inputs.scale * factor,
        offset=inputs.offset * factor + shift,
        legend=inputs.legend,
    )


def _stored_unit(inputs: ImportDatasetInputs, rule: ThemeRule) -> str | None:
    """The unit of the values as stored; a unit we cannot convert is kept as the user names it."""
    if rule.categorical:
        return None
    known = conversion(inputs.theme, inputs.unit) is not None
    return rule.unit if known or inputs.unit is None else inputs.unit


def _output(imported: Imported, inputs: ImportDatasetInputs) -> OutputFile:
    label = imported.rule.label
    return raster_output(
        "dataset",
        FILE,
        Label(inputs.name_zh or label.zh, inputs.name_en or label.en),
        imported.frame,
        imported.statistics,
        _stored_unit(inputs, imported.rule),
        native_resolution_m=inputs.native_resolution_m or resolution_m(imported.facts),
    )


def _manifest(imported: Imported, inputs: ImportDatasetInputs, source: Path) -> dict[str, Any]:
    facts, report = imported.facts, imported.report
    return {
        "source": {
            "sha256": sha256_of(source),
            "crs": facts.crs,
            "bands": facts.bands,
            "dtype": facts.dtype,
            "width": facts.width,
            "height": facts.height,
            "nodata": facts.nodata,
        },
        "scale": inputs.scale,
        "offset": inputs.offset,
        "legend": inputs.legend if inputs.theme == "land_cover" else None,
        "cells": report.cells,
        "nodata_cells": report.nodata_cells,
        "out_of_range_cells": report.out_of_range_cells,
    }
