"""Import a user's raster: check it, clean it, convert it to a COG and register it."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput
from shanhai.processes.import_dataset.contract import ImportDatasetInputs
from shanhai.processes.kit.output_files import raster_output
from shanhai.processes.kit.task import Outcome, Progress, Task
from shanhai.raster import checks, clean, themes
from shanhai.raster.cog import BandStatistics, CogFrame, write_cog
from shanhai.raster.crs import parse_crs
from shanhai.raster.inspect import RasterFacts, inspect_raster, refuse, resolution_m
from shanhai.raster.themes import THEME_RULES, ThemeRule
from shanhai.science.flags import ResultFlag
from shanhai.science.landcover import SEA_AS_WATER
from shanhai.storage.artifacts import sha256_of
from shanhai.vector.source_crs import older_datum
from shanhai.vocabulary import Label

FILE = "dataset.tif"
INLAND = "inland"
SCALING = {"scale", "offset"}


def compute(task: Task, workspace: Path, progress: Progress) -> Outcome:
    """Check and convert the upload; nothing is registered before all checks have passed."""
    inputs = ImportDatasetInputs.model_validate(task.inputs)
    if task.region is None:
        raise InvalidInput("an import needs a region", pointer="/inputs/region")
    region = shape(task.region.geometry)
    source = Path(task.files[task.upload_uri or ""])
    progress(2, "inspect")
    imported = import_raster(source, inputs, region, workspace / FILE, progress)
    label = imported.rule.label
    output = raster_output(
        "raster",
        FILE,
        Label(inputs.name_zh or label.zh, inputs.name_en or label.en),
        imported.frame,
        imported.statistics,
        stored_unit(inputs, imported.rule),
        native_resolution_m=inputs.native_resolution_m or resolution_m(imported.facts),
    )
    progress(100, "done")
    return Outcome(
        # What a check wrote goes with its workspace.
        files=[] if inputs.mode == "check" else [output],
        values={"theme": inputs.theme, "summary": _summary(imported, inputs)},
        manifest=_manifest(imported, inputs, source),
        warnings=[warning.document() for warning in imported.warnings],
    )


@dataclass(slots=True)
class Imported:
    """A raster that passed: its frame, numbers and what was remarkable."""

    rule: ThemeRule
    facts: RasterFacts
    frame: CogFrame
    report: clean.CleaningReport
    statistics: list[BandStatistics] = field(default_factory=list)
    warnings: list[ResultFlag] = field(default_factory=list)
    codes: tuple[clean.FillCode, ...] = ()


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
    checks.check_bands(facts, rule)
    checks.check_overlap(facts, region)
    if not inputs.accept_datum:
        _check_older_datum(facts)
    progress(10, "convert")
    frame = CogFrame(
        crs=facts.crs or "",
        transform=facts.transform,
        width=facts.width,
        height=facts.height,
        bands=facts.bands,
        categorical=rule.categorical,
    )
    imported = Imported(rule, facts, frame, clean.CleaningReport())
    sea = _sea(source, facts, inputs, region)
    conversion, imported.warnings = _conversion(inputs, facts, rule)
    cleaning = _cleaning(inputs, facts, conversion, _codes(inputs, facts, rule), sea)
    imported.codes = cleaning.codes
    blocks = clean.clean_blocks(source, facts, rule, cleaning, imported.report)
    imported.statistics = write_cog(target, imported.frame, blocks)
    progress(80, "check")
    imported.warnings += checks.check_codes(cleaning.codes, imported.report, rule)
    imported.warnings += _tell_sea(imported.report)
    imported.warnings += checks.check_report(imported.report, facts, rule)
    imported.warnings += checks.check_plausible(rule, [one.mean for one in imported.statistics])
    if not inputs.accept_datum:
        checks.check_datum(target, inspect_raster(target, crs=facts.crs), facts.tags, region)
    return imported


def _check_older_datum(facts: RasterFacts) -> None:
    label = older_datum(parse_crs(facts.crs or ""))
    if label is not None:
        raise refuse(
            f"the raster is in {label.en}, whose shift to CGCS2000 is local and not assumed;"
            " convert it, import its folder with datum_shift, or set accept_datum",
            f"栅格采用{label.zh}坐标系，其到 CGCS2000 的转换参数因地而异，不作假定；请先转换，"
            "或以文件夹导入并给出 datum_shift，或设置 accept_datum",
            "/inputs/crs",
        )


def _sea(
    source: Path, facts: RasterFacts, inputs: ImportDatasetInputs, region: BaseGeometry
) -> clean.EdgeWater | None:
    """The water of a land-cover product that is the sea.

    Raises:
        InvalidInput: some may be, and nobody has said whether it is.
    """
    has_sea = inputs.theme == "land_cover" and inputs.legend in SEA_AS_WATER
    if not has_sea or inputs.edge_water == INLAND:
        return None
    water = clean.find_edge_water(source, facts, inputs.legend, inputs.nodata)
    if inputs.edge_water is None:
        checks.check_edge_water(water, facts, region)
        return None
    return water


def _tell_sea(report: clean.CleaningReport) -> list[ResultFlag]:
    if report.sea_cells == 0:
        return []
    text = Label(
        f"土地覆盖：与栅格边缘相连的 {report.sea_cells} 个水体像元按海域处理",
        f"land_cover: {report.sea_cells} cells of water that join the edge are taken as the sea",
    )
    return [ResultFlag("sea", text)]


def _codes(
    inputs: ImportDatasetInputs, facts: RasterFacts, rule: ThemeRule
) -> tuple[clean.FillCode, ...]:
    """What numbers of the file stand for that are no values.

    Raises:
        InvalidInput: codes or a scale are given for classes, or codes stand for impossible values.
    """
    scaled = _scaling(inputs, facts) != (1.0, 0.0)
    if rule.categorical and (inputs.codes or scaled):
        raise InvalidInput(
            "codes, scale and offset are for measured values; the classes of land_cover have a "
            f"legend, and scale=1 reads {inputs.theme} as it is where the file states a scale",
            message_zh="codes、scale、offset 仅用于数值型专题；土地覆盖请用 legend，"
            "文件自带比例系数的分类栅格可设 scale=1 按原值读取",
            pointer="/inputs/scale" if scaled else "/inputs/codes",
        )
    codes = clean.codes_of(inputs.theme, inputs.codes)
    low, high = rule.ranges[facts.bands]
    for code in codes:
        if code.value is not None and not low <= code.value <= high and code.means_value:
            raise InvalidInput(
                f"codes.{code.raw:.10g} is {code.value:g}; it must be a value of {inputs.theme}, "
                f"{low:g}…{high:g} {rule.unit}",
                message_zh=f"codes.{code.raw:.10g} 为 {code.value:g}，须为{rule.label.zh}的值："
                f"{low:g}…{high:g} {rule.unit}",
                pointer=f"/inputs/codes/{code.raw:.10g}",
            )
    return codes


def _scaling(inputs: ImportDatasetInputs, facts: RasterFacts) -> tuple[float, float]:
    """Scale and offset of the user, else those that the file states."""
    told = SCALING & inputs.model_fields_set
    return (inputs.scale, inputs.offset) if told else facts.scaling


def _cleaning(
    inputs: ImportDatasetInputs,
    facts: RasterFacts,
    conversion: themes.Conversion,
    codes: tuple[clean.FillCode, ...],
    sea: clean.EdgeWater | None,
) -> clean.Cleaning:
    """How raw values become the theme's, also from the unit they are in."""
    scale, offset = _scaling(inputs, facts)
    for name, value in (("scale", scale), ("offset", offset)):
        if not math.isfinite(value) or (name == "scale" and value == 0):
            raise InvalidInput(
                f"{name} is {value}; it must be finite, and a scale not 0",
                message_zh=f"{name} 为 {value}，须为有限数，比例系数不得为 0",
                pointer=f"/inputs/{name}",
            )
    factor, shift = conversion
    return clean.Cleaning(
        nodata=inputs.nodata,
        scale=scale * factor,
        offset=offset * factor + shift,
        legend=inputs.legend,
        codes=codes,
        sea=sea,
    )


def _conversion(
    inputs: ImportDatasetInputs, facts: RasterFacts, rule: ThemeRule
) -> tuple[themes.Conversion, list[ResultFlag]]:
    """How scaled values become the theme's: by the unit the user states, else by the file's.

    Raises:
        UnsupportedFile: the user's is neither the theme's nor one that can be converted.
    """
    unit = inputs.unit or ("" if SCALING & inputs.model_fields_set else facts.unit)
    known = themes.conversion(rule.theme, unit) if unit and not rule.categorical else themes.PLAIN
    if known is None and inputs.unit:
        units = ", ".join([rule.unit, *(one for of, one in themes.CONVERSIONS if of == rule.theme)])
        raise refuse(
            f"the unit {unit!r} is not known for {rule.theme}; known are: {units}",
            f"{rule.label.zh}不支持单位 {unit!r}；可用：{units}",
            "/inputs/unit",
        )
    if inputs.unit or known == themes.PLAIN:
        return known or themes.PLAIN, []
    zh, en = (
        ("已换算为", "converted to") if known else ("无法识别，视为", "not known, but taken for")
    )
    text = Label(
        f"{rule.label.zh}：文件注明的单位 {unit!r} {zh} {rule.unit}",
        f"{rule.theme}: the unit the file states, {unit!r}, is {en} {rule.unit}",
    )
    return known or themes.PLAIN, [ResultFlag("file_unit" if known else "unknown_unit", text)]


def stored_unit(inputs: ImportDatasetInputs, rule: ThemeRule) -> str | None:
    """The unit of the values as stored: the theme's, as the user spells it where he states it."""
    own = inputs.unit and themes.conversion(rule.theme, inputs.unit) == themes.PLAIN
    return None if rule.categorical else inputs.unit if own else rule.unit


def _summary(imported: Imported, inputs: ImportDatasetInputs) -> dict[str, Any]:
    """What the file holds, over all bands and in the unit it is stored in, and what is remarkable
    about it in the form of a finding in a file of features."""
    facts, report = imported.facts, imported.report
    lows = [band.min for band in imported.statistics if band.min is not None]
    highs = [band.max for band in imported.statistics if band.max is not None]
    return {
        "crs": facts.crs,
        "bands": facts.bands,
        "columns": facts.width,
        "rows": facts.height,
        "resolution_m": resolution_m(facts),
        "unit": stored_unit(inputs, imported.rule),
        "lowest": min(lows, default=None),
        "highest": max(highs, default=None),
        "empty_percent": 100 * report.nodata_cells / report.cells if report.cells else 100.0,
        "findings": [
            {
                "row": 0,
                "code": None,
                "severity": "note",
                "rule": warning.code,
                "member": None,
                "detail": warning.text.en,
                "detail_zh": warning.text.zh,
            }
            for warning in imported.warnings
        ],
    }


def _manifest(imported: Imported, inputs: ImportDatasetInputs, source: Path) -> dict[str, Any]:
    facts, report = imported.facts, imported.report
    scale, offset = _scaling(inputs, facts)
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
        "scale": scale,
        "offset": offset,
        "legend": inputs.legend if inputs.theme == "land_cover" else None,
        "edge_water": inputs.edge_water,
        "codes": {
            f"{code.raw:.10g}": {
                "cells": report.codes[code.raw],
                "value": code.value if code.means_value else None,
            }
            for code in imported.codes
            if code.raw in report.codes
        },
        "cells": report.cells,
        "nodata_cells": report.nodata_cells,
        "out_of_range_cells": report.out_of_range_cells,
    }
