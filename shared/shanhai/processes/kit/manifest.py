"""The manifest of an evaluation or account: enough to compute it again."""

from pathlib import Path
from typing import Any

import orjson

from shanhai.processes.kit.region import Place
from shanhai.processes.kit.run_record import run_record
from shanhai.processes.kit.task import DatasetTask, OutputFile, Task
from shanhai.raster.warp import RasterSource
from shanhai.science.flags import ResultFlag
from shanhai.storage.artifacts import sha256_of

MANIFEST_FILE = "manifest.json"
SCHEMA_VERSION = 1


def build_manifest(task: Task, place: Place, **parts: Any) -> dict[str, Any]:
    """The manifest; only `job_id` and `created_utc` differ between equal runs."""
    return {
        "schema_version": SCHEMA_VERSION,
        **run_record(task),
        "request": task.inputs,
        "aoi": {
            "region": place.area.region.code,
            "crs": f"EPSG:{place.grid.epsg}",
            "transform": list(place.grid.transform),
            "width": place.grid.width,
            "height": place.grid.height,
            "cell_m": place.grid.cell_m,
        },
        "inputs": [
            _input(task.datasets[theme], source, place.grid.cell_m)
            for theme, source in place.sources.items()
        ],
        **parts,
    }


def _input(dataset: DatasetTask, source: RasterSource, cell_m: float) -> dict[str, Any]:
    return {
        **dataset.model_dump(
            mode="json",
            include={
                *("theme", "uri", "unit", "native_resolution_m", "source", "licence"),
                *("name_zh", "name_en", "stand_in", "stand_in_note_zh", "stand_in_note_en"),
                *("observed_from", "observed_to"),
            },
        ),
        "id": dataset.code,
        "sha256": dataset.checksum,
        "crs": source.crs,
        "bands": source.facts.bands,
        "resampling": source.method(cell_m),
    }


def finish_manifest(
    manifest: dict[str, Any], files: list[OutputFile], flags: list[ResultFlag], workspace: Path
) -> None:
    """Add warnings and checksums of the outputs, and write it beside them."""
    manifest["warnings"] = [flag.document() for flag in flags]
    manifest["outputs"] = [
        {
            "name": file.name,
            "sha256": sha256_of(workspace / file.path),
            "unit": file.meta.get("unit"),
            "nodata": file.meta.get("nodata"),
        }
        for file in files
    ]
    (workspace / MANIFEST_FILE).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
