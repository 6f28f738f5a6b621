"""Files that follow each other, and exports that come back, as people send them over HTTP."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from shanhai.client import ApiClient
from shanhai.local.stack import Stack, admin_key
from tests.support.plan_features import feature, names, square

pytestmark = pytest.mark.long

CLOCKWISE = [[100.3, 30.3], [100.2, 30.6], [100.4, 30.8], [100.7, 30.7], [100.6, 30.2]]
"""A ring that runs as shapefiles want it, and begins anywhere."""
COUNTERCLOCKWISE = [[101.3, 30.3], [101.6, 30.2], [101.7, 30.7], [101.4, 30.8], [101.2, 30.6]]
"""One that runs as GeoJSON wants it."""
HOLE = [[100.45, 30.45], [100.55, 30.45], [100.55, 30.55], [100.45, 30.55]]
LONG = "依据" * 200
SINCE = "1950-01-01"
FIELDS: list[dict[str, str | float]] = [
    {},
    {"legal_basis": "批复"},
    {"approved_area_km2": 1.5},
    {"legal_basis": "批复", "approved_area_km2": 1.5},
    {"delimitation": "2022"},
    {"delimitation": "2022", "legal_basis": "批复", "valid_from": "2000-01-01"},
    {"valid_from": "2001-01-01", "valid_to": "2100-01-01"},
    {"approved_area_km2": 1.5, "valid_from": "2001-01-01"},
]
"""What eight files give beside names, none like the one before."""


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[ApiClient]:
    with ApiClient(stack.api_url, admin_key(stack)) as client:
        yield client


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {admin_key(stack)}"}
    with httpx.Client(base_url=stack.api_url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def drawn(http: httpx.Client) -> None:
    """A region and a line of it with rings of both directions, a hole and long words."""
    one, hole, other = ([*ring, ring[0]] for ring in (CLOCKWISE, HOLE, COUNTERCLOCKWISE))
    shape = {"type": "MultiPolygon", "coordinates": [[one, hole], [other]]}
    region = names("back", "回") | {"level": "district", "valid_from": SINCE}
    line = names("back.line", "线") | {
        "kind": "red_line",
        "level": "district",
        "region": "back",
        "legal_basis": LONG,
        "valid_from": SINCE,
    }
    for collection, properties in (("regions", region), ("control_areas", line)):
        path = f"/collections/{collection}/items"
        answer = http.post(path, json=feature(shape, **properties))
        assert answer.status_code == 201, answer.text


def sent(api: ApiClient, path: Path, **inputs: Any) -> str:
    """The job that imports a file."""
    return api.submit("import-features", {"upload": api.upload(path), **inputs}).url


def told(api: ApiClient, job: str) -> Mapping[str, int]:
    """What an import has made of its rows."""
    api.job(job).wait()
    summary = api.job(job).results()["summary"]
    assert summary["verdict"] == "imported", summary["rejections"]
    return {name: summary[name] for name in ("created", "updated", "unchanged", "rejected")}


def written(path: Path, number: int) -> Path:
    """A file of one line, with fields no other file has."""
    line = {"kind": "red_line", "level": "district", "region": "back"}
    given = {**names(f"turn.{number}", "线"), **line, **FIELDS[number]}
    one = feature(square(102 + number / 4, 31, 0.1), **given)
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [one]}), encoding="utf-8")
    return path


@pytest.mark.timeout(400)
def test_different_files_follow_each_other_twice(
    drawn: None, api: ApiClient, tmp_path: Path
) -> None:
    files = [written(tmp_path / f"{number}.geojson", number) for number in range(len(FIELDS))]
    for turn in range(2):
        jobs = [sent(api, path, collection="control_areas") for path in files]
        for job, given in zip(jobs, FIELDS, strict=True):
            made = told(api, job)
            assert (made["created"], made["unchanged"]) == (1 - turn, turn), (turn, given, made)


@pytest.mark.parametrize("collection", ["regions", "control_areas"])
@pytest.mark.parametrize("name", ["gpkg", "shp", "fgb", "parquet", "geojsonseq", "kml", "csv"])
def test_an_unchanged_export_changes_nothing(
    drawn: None, api: ApiClient, http: httpx.Client, tmp_path: Path, collection: str, name: str
) -> None:
    where = f"/collections/{collection}/items"
    code = "back" if collection == "regions" else "back.line"
    before = http.get(f"{where}/{code}").json()
    answer = http.get(where, params={"f": name, "filter": f"code = '{code}'"})
    assert answer.status_code == 200, answer.text
    path = tmp_path / "export"
    path.write_bytes(answer.content)
    crs = {"crs": "EPSG:4490"} if name == "csv" else {}
    made = told(api, sent(api, path, collection=collection, **crs))
    assert made == {"created": 0, "updated": 0, "unchanged": 1, "rejected": 0}
    assert http.get(f"{where}/{code}").json() == before
