"""A small city in the form that `shanhai data fetch` leaves: outlines, rasters, descriptions."""

import json
from pathlib import Path

from shanhai.data.synthetic_watershed import build_watershed
from shanhai.processes.kit.dataset_description import DatasetDescription, Origin, write_description
from shanhai.storage.artifacts import sha256_of

LICENCE, CITATION = "CC0-1.0", "Nobody (2026), layers made in code"


def describe(data: Path, region: str, *, theme: str | None = None) -> Path:
    """Write the description of a file beside it."""
    named = theme or data.stem
    description = DatasetDescription(
        theme=named,
        region=region,
        code=f"{region}.{named}",
        name_zh=f"图层 {named}",
        name_en=f"Layer {named}",
        kind="vector" if data.suffix == ".geojson" else "raster",
        file=data.name,
        unit=None,
        native_resolution_m=None,
        stand_in=False,
        source=f"made in code for {named}",
        licence=LICENCE,
        processing="none",
        sha256=sha256_of(data),
        origin=Origin(source="made", settings="", box=(0, 0, 1, 1), citation=CITATION, files=()),
    )
    return write_description(description, data.parent)


def described_city(folder: Path, city: str, *, cells: int = 64, cell_m: float = 150.0) -> Path:
    """Write a synthetic watershed as a described city into `folder`."""
    watershed = build_watershed(folder, cells=cells, cell_m=cell_m)
    outlines = json.loads(watershed.region_file.read_text(encoding="utf-8"))
    watershed.region_file.unlink()
    for one in outlines["features"]:
        given = one["properties"]
        whole = given["parent"] is None
        given["code"] = given["code"].replace("watershed", city)
        given |= {"level": "city"} if whole else {"level": "district", "parent": city}
    (folder / "regions.geojson").write_text(json.dumps(outlines), encoding="utf-8")
    for path in watershed.rasters.values():
        describe(path, city)
    return folder
