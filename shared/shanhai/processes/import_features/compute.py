"""Import a file of features: judge it row by row, then create and change objects by their codes."""

import shutil
from pathlib import Path
from typing import Any

from shapely.geometry import shape

from shanhai.db.collections.catalogue import entity_named
from shanhai.db.features.columns import OWN_FIELDS
from shanhai.db.features.entity import Entity
from shanhai.db.features.property_values import MOST_SHOWN
from shanhai.errors import InvalidInput
from shanhai.processes.import_features import reader
from shanhai.processes.import_features.contract import ImportFeaturesInputs, ImportFeaturesTask
from shanhai.processes.import_features.findings import (
    ACCEPTED,
    FINDINGS,
    Finding,
    Findings,
    write_reports,
)
from shanhai.processes.import_features.neighbour_checks import find_gaps, find_overlaps
from shanhai.processes.import_features.rows import plan_fields
from shanhai.processes.kit.task import Outcome, Progress
from shanhai.storage.artifacts import sha256_of
from shanhai.vector.open_source import open_source
from shanhai.vector.source_crs import DatumShift, find_system
from shanhai.vector.sources import NO_TEXT, FeatureSource, Wishes, refuse
from shanhai.vocabulary import Label

SOURCE = "source"
MOST_PREVIEWED = 5
"""Rows that a check shows, for people to match the fields."""


def compute(task: ImportFeaturesTask, workspace: Path, progress: Progress) -> Outcome:
    """Judge every row; nothing is written before `publish`."""
    inputs = ImportFeaturesInputs.model_validate(task.inputs)
    entity = entity_named(inputs.collection)
    folder, upload = workspace / SOURCE, Path(task.files[task.upload_uri or ""])
    folder.mkdir()
    progress(1, "inspect")
    source = open_source(upload, folder, Wishes(inputs.crs, inputs.encoding, inputs.layer))
    for name in filter(NO_TEXT.search, source.info.fields):
        raise refuse(f"the field name {name!a} is no text", f"字段名 {name!a} 不是文字")
    with Findings(workspace / FINDINGS) as findings:
        try:
            reading = _reading(source, entity, inputs, task)
        except InvalidInput as error:
            if inputs.mode != "check":
                raise
            return _unread(source, findings, workspace, upload, error)
        read = reader.read_rows(source, reading, findings, workspace / ACCEPTED, progress)
        progress(80, "check")
        _check_neighbours(inputs, task, read, findings, workspace / ACCEPTED)
        progress(95, "report")
        summary = _summary(source, reading, read, findings, inputs)
        if inputs.mode == "check":
            summary |= _preview(source)
        files = write_reports(workspace, summary, findings.read)
    shutil.rmtree(folder)
    return Outcome(
        files=files,
        values={
            "summary": summary,
            "rejected_rows": sorted(findings.rejected),
            "fields": sorted(reading.plan.written),
            # A column `fields` has all that is to be there.
            "own": [] if OWN_FIELDS in reading.plan.fields else list(reading.plan.own),
            "shaped": reading.system is not None,
            "general_errors": findings.general_errors,
        },
        manifest={"source": {"sha256": sha256_of(upload), **_described(source)}},
    )


def _unread(
    source: FeatureSource, findings: Findings, workspace: Path, upload: Path, error: InvalidInput
) -> Outcome:
    """What a check tells of a file of which it is not known how to read the rows."""
    label = Label(error.localised("zh"), error.localised("en"))
    findings.add(Finding(0, None, "unreadable", label))
    rows = sum(len(block) for block in source.blocks())
    summary = {
        "rows": rows,
        **dict.fromkeys(("passed", "created", "updated", "unchanged"), 0),
        "kept": {},
        "rejected": rows,
        "by_rule": dict(findings.rules),
        **_described(source),
        "mapping": {},
        "code_from": None,
        **_preview(source),
    }
    files = write_reports(workspace, summary, findings.read)
    shutil.rmtree(workspace / SOURCE)
    return Outcome(
        files=files,
        values={"summary": summary},
        manifest={"source": {"sha256": sha256_of(upload), **_described(source)}},
    )


def _preview(source: FeatureSource) -> dict[str, Any]:
    """The fields of the file, and its first rows as texts in their order."""
    fields = source.info.fields
    first = next(iter(source.blocks()), None)
    rows = range(0 if first is None else min(len(first), MOST_PREVIEWED))
    return {
        "columns": list(fields),
        "preview": [[_text(first.columns[name][n]) for name in fields] for n in rows]
        if first is not None
        else [],
    }


def _text(value: Any) -> str:
    # No JSON in the database holds NUL.
    return "" if value is None else str(value)[:MOST_SHOWN].replace("\x00", "\\x00")


def _reading(
    source: FeatureSource, entity: Entity, inputs: ImportFeaturesInputs, task: ImportFeaturesTask
) -> reader.ReadOptions:
    plan = plan_fields(entity, source.info.fields, inputs.mapping)
    system = None
    if entity.geometry_column is not None:
        bounds = reader.first_bounds(source)
        if bounds is not None or source.info.crs is not None or reader.has_geometry(source):
            shift = None if inputs.datum_shift is None else DatumShift.parse(inputs.datum_shift)
            system = find_system(source.info.crs, inputs.crs, bounds, shift)
    known = {name: frozenset(codes) for name, codes in task.references.items()}
    return reader.ReadOptions(entity, plan, system, inputs.repair, known)


def _check_neighbours(
    inputs: ImportFeaturesInputs,
    task: ImportFeaturesTask,
    read: reader.RowsRead,
    findings: Findings,
    path: Path,
) -> None:
    around = read.around(path)
    if "overlap" in inputs.checks:
        for finding in find_overlaps(around, frozenset(findings.rejected)):
            findings.add(finding)
    if "gap" in inputs.checks and task.region is not None:
        for finding in find_gaps(around, findings.rejected, shape(task.region.geometry)):
            findings.add(finding)


def _summary(
    source: FeatureSource,
    reading: reader.ReadOptions,
    read: reader.RowsRead,
    findings: Findings,
    inputs: ImportFeaturesInputs,
) -> dict[str, Any]:
    system = reading.system
    return {
        "rows": read.total,
        "passed": read.total - len(findings.rejected),
        "rejected": len(findings.rejected),
        "by_rule": dict(sorted(findings.rules.items())),
        **_described(source),
        "crs": None if system is None else system.name,
        "crs_from": None if system is None else system.told_by,
        "datum_shift": inputs.datum_shift,
        "zone_in_eastings": None if system is None or system.zone == 0 else system.zone,
        "mapping": {field: name for name, field in sorted(reading.plan.fields.items())},
        "code_from": reading.plan.code,
        "own_fields": list(reading.plan.own),
        "ignored": list(reading.plan.ignored),
    }


def _described(source: FeatureSource) -> dict[str, Any]:
    info = source.info
    return {
        "format": info.format,
        "layer": info.layer,
        "encoding": info.encoding,
        "encoding_from": info.encoding_from,
        "samples": list(info.samples),
    }
