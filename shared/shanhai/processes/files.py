"""Run a process on local files: a region as GeoJSON, rasters by theme; no server in sight."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shapely.geometry import shape

from shanhai.data.description import DatasetDescription, read_description
from shanhai.errors import InvalidInput
from shanhai.jobs.contracts import (
    DatasetTask,
    DistrictTask,
    ImportDatasetInputs,
    Outcome,
    RegionTask,
    Task,
)
from shanhai.processes.base import Progress
from shanhai.processes.import_dataset import import_raster
from shanhai.processes.registry import PROCESSES
from shanhai.storage.artifacts import sha256_of
from shanhai.vocabulary import label_of

_FIRST_GAUSS_KRUEGER_EPSG = 4534
_FIRST_CENTRAL_MERIDIAN = 75


def run_on_files(
    process_id: str,
    *,
    region: Path,
    rasters: Mapping[str, Path],
    inputs: Mapping[str, Any],
    workspace: Path,
    progress: Progress,
    processes: int = 1,
) -> Outcome:
    """Import the rasters and compute; results lie in `workspace` afterwards.

    Args:
        process_id: Id of the process.
        region: GeoJSON with the region and, if any, its districts.
        rasters: GeoTIFF per theme; a description `<name>.json` beside it is honoured.
        inputs: Inputs of the process; `region` may be left out.
        workspace: Folder for the results; made when missing.
        progress: Hears how far it is.
        processes: Processes that share the windows.
    """
    place = read_region(region)
    workspace.mkdir(parents=True, exist_ok=True)
    datasets, files = {}, {}
    for theme, path in sorted(rasters.items()):
        cleaned = workspace / "inputs" / f"{theme}.tif"
        cleaned.parent.mkdir(exist_ok=True)
        datasets[theme] = _import(theme, path, cleaned, place)
        files[datasets[theme].uri] = str(cleaned)
    task = Task(
        process=process_id,
        inputs={"region": place.code, **inputs},
        region=place,
        datasets=datasets,
        files=files,
        processes=processes,
    )
    return PROCESSES[process_id].compute(task, workspace, progress)


def read_region(path: Path) -> RegionTask:
    """The region of a GeoJSON file: a geometry, a feature, or a collection with districts.

    In a collection the feature without `parent` is the region; the others are its districts.

    Raises:
        InvalidInput: it is no GeoJSON, or has no polygon to be the region.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInput(
            f"{path.name} is not GeoJSON", message_zh=f"{path.name} 不是 GeoJSON", pointer="/region"
        ) from error
    features = _features(document)
    whole = next((one for one in features if not one["properties"].get("parent")), None)
    if whole is None or whole["geometry"]["type"] not in {"Polygon", "MultiPolygon"}:
        raise InvalidInput(
            f"{path.name} has no polygon without a parent to be the region",
            message_zh=f"{path.name} 中没有可作为区域的面要素",
            pointer="/region",
        )
    return RegionTask(
        **_names(whole, path.stem),
        epsg=whole["properties"].get("metric_epsg") or gauss_krueger_epsg(whole["geometry"]),
        geometry=whole["geometry"],
        districts=[
            DistrictTask(**_names(one, f"{path.stem}.{number}"), geometry=one["geometry"])
            for number, one in enumerate(features)
            if one is not whole
        ],
    )


def gauss_krueger_epsg(geometry: dict[str, Any]) -> int:
    """Code of the CGCS2000 3-degree zone (without zone prefix) a geometry lies in."""
    longitude = shape(geometry).centroid.x
    return _FIRST_GAUSS_KRUEGER_EPSG + round((longitude - _FIRST_CENTRAL_MERIDIAN) / 3)


def _features(document: dict[str, Any]) -> list[dict[str, Any]]:
    kind = document.get("type")
    if kind == "FeatureCollection":
        return [one | {"properties": one.get("properties") or {}} for one in document["features"]]
    if kind == "Feature":
        return [document | {"properties": document.get("properties") or {}}]
    return [{"geometry": document, "properties": {}}]


def _names(feature: dict[str, Any], fallback: str) -> dict[str, str]:
    properties = feature["properties"]
    code = str(properties.get("code") or fallback)
    return {
        "code": code,
        "name_zh": str(properties.get("name_zh") or code),
        "name_en": str(properties.get("name_en") or code),
    }


def _import(theme: str, path: Path, cleaned: Path, place: RegionTask) -> DatasetTask:
    sidecar = path.with_suffix(".json")
    described = read_description(sidecar) if sidecar.exists() else None
    inputs = ImportDatasetInputs.model_validate(
        {
            "upload": "00000000-0000-0000-0000-000000000000",
            "region": place.code,
            "theme": theme,
            "unit": described.unit if described else None,
        }
    )
    imported = import_raster(
        path, inputs, shape(place.geometry), cleaned, progress=lambda _percent, _stage: None
    )
    return DatasetTask(
        id=0,
        code=described.code if described else path.stem,
        theme=theme,
        uri=f"file/{theme}",
        checksum=sha256_of(cleaned),
        unit=described.unit if described else imported.rule.unit,
        **_description(theme, described),
    )


def _description(theme: str, described: DatasetDescription | None) -> dict[str, Any]:
    if described is None:
        return {"name_zh": label_of(theme).zh, "name_en": label_of(theme).en}
    members = {
        "name_zh",
        "name_en",
        "native_resolution_m",
        "stand_in",
        "stand_in_note_zh",
        "stand_in_note_en",
        "source",
        "licence",
        "observed_from",
        "observed_to",
    }
    return described.model_dump(include=members)
