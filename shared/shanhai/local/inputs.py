"""The demo's input: build or fetch it, seed the regions, import what is not yet registered."""

from collections.abc import Callable, Iterable
from pathlib import Path

from rich.console import Console

from shanhai.client import ApiClient
from shanhai.data.demo import build_demo, default_output
from shanhai.data.description import DatasetDescription, read_description
from shanhai.data.download import default_cache
from shanhai.data.progress import Reporter
from shanhai.errors import NotFound

REGIONS_FILE = "regions.geojson"
PASSED_ON = (
    "region",
    "theme",
    "code",
    "name_zh",
    "name_en",
    "unit",
    "native_resolution_m",
    "stand_in",
    "stand_in_note_zh",
    "stand_in_note_en",
    "source",
    "licence",
    "observed_from",
    "observed_to",
)
"""Members of a description that the import process takes as they are."""

Told = Callable[[int, int, str], None]


def gather(console: Console) -> list[Path]:
    """One folder per city with its regions, rasters and their descriptions."""
    cache = default_cache()
    root = build_demo(cache, default_output(cache), Reporter(console))
    return sorted(path.parent for path in root.glob(f"*/{REGIONS_FILE}"))


def import_missing(api: ApiClient, folders: Iterable[Path], told: Told) -> None:
    """Register every raster whose very bytes are not registered under its code yet."""
    found = [(folder, item) for folder in folders for item in _rasters(folder)]
    missing = [(folder, item) for folder, item in found if not _is_registered(api, item)]
    total = max(1, len(missing))
    jobs = [(item, _ask_for_import(api, folder, item)) for folder, item in missing]
    for done, (item, job) in enumerate(jobs):
        told(done, total, item.code)
        api.follow(job)
    told(total, total, f"{len(found)} datasets registered")


def _rasters(folder: Path) -> list[DatasetDescription]:
    descriptions = (read_description(path) for path in sorted(folder.glob("*.json")))
    return [item for item in descriptions if item.kind == "raster"]


def _is_registered(api: ApiClient, item: DatasetDescription) -> bool:
    try:
        feature = api.get(f"/collections/datasets/items/{item.code}")
    except NotFound:
        return False
    return bool(feature["properties"]["source_sha256"] == item.sha256)


def _ask_for_import(api: ApiClient, folder: Path, item: DatasetDescription) -> str:
    upload = api.upload(folder / item.file)
    described = item.model_dump(mode="json", include=set(PASSED_ON), exclude_none=True)
    return api.execute("import-dataset", {"upload": upload, **described})
