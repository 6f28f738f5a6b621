"""Bring a city in: regions, rasters, zones drafted by an analyst, put in force, on a map."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from shapely.geometry import shape

from shanhai.client import ApiClient
from shanhai.data.synthetic_watershed import build_watershed
from shanhai.local.stack import Stack
from shanhai.vocabulary import Role
from tests.e2e.journeys.conftest import Caller, feature

CITY = "own-city"


@pytest.mark.long
def test_from_nothing_to_zones_on_a_map(
    stack: Stack,
    admin: Caller,
    public: Caller,
    callers: Callable[[str | None], Caller],
    tmp_path: Path,
) -> None:
    watershed = build_watershed(tmp_path, cells=64, cell_m=150.0)
    for one in json.loads(watershed.region_file.read_text())["features"]:
        given = one["properties"]
        whole = given["parent"] is None
        given["code"] = given["code"].replace("watershed", CITY)
        given |= {"level": "city"} if whole else {"level": "district", "parent": CITY}
        properties = {name: value for name, value in given.items() if value is not None}
        admin.post("/collections/regions/items", feature(one["geometry"], **properties))
    keys = {
        role: admin.post("/keys", {"name": role, "roles": [{"role": role, "region": CITY}]})["key"]
        for role in (Role.ANALYST, Role.APPROVER)
    }
    analyst, approver = callers(keys[Role.ANALYST]), callers(keys[Role.APPROVER])
    with ApiClient(stack.api_url, keys[Role.ANALYST]) as api:
        jobs = [
            api.submit(
                "import-dataset",
                {
                    "upload": api.upload(path),
                    "region": CITY,
                    "theme": theme,
                    "code": f"{CITY}.{theme}",
                    "source": "made in code",
                    "licence": "CC0-1.0",
                },
            )
            for theme, path in sorted(watershed.rasters.items())
        ]
        for job in jobs:
            job.wait()
    public.get(f"/collections/datasets/items/{CITY}.dem", status=404)
    for theme in watershed.rasters:
        analyst.change("datasets", f"{CITY}.{theme}", {"visibility": "public"}, status=403)
        approver.change("datasets", f"{CITY}.{theme}", {"visibility": "public"})
    wish = {"region": CITY, "cell_m": 150, "seed": 7}
    asked = {"inputs": wish | {"publish": True}}
    analyst.post("/processes/delineate-zones/execution", asked, status=403)
    results = analyst.run("delineate-zones", wish)
    scheme = results["scheme"]
    item = f"/collections/zone_schemes/items/{scheme}"
    assert analyst.get(item)["properties"]["status"] == "draft"
    public.get(item, status=404)
    margin = {"gap_reason": "cells at the border are not counted", "status": "review"}
    analyst.change("zone_schemes", scheme, margin)
    analyst.change("zone_schemes", scheme, {"status": "approved"}, status=403)
    approver.change("zone_schemes", scheme, {"status": "approved"})
    approver.change("zone_schemes", scheme, {"status": "published"})
    zones = public.get("/collections/zones/items", region=CITY, limit=100)["features"]
    assert {zone["properties"]["scheme"] for zone in zones} == {scheme}
    # What they were computed from is public, so the raster of the zones is as well.
    picture = httpx.get(f"{stack.tiles_url}/layers/zones.{CITY}/preview.png")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    longitude, latitude = shape(zones[0]["geometry"]).representative_point().coords[0]
    column, row = tile_at(longitude, latitude, 12)
    tile = httpx.get(f"{stack.tiles_url}/layers/zones/tiles/WebMercatorQuad/12/{column}/{row}.mvt")
    assert tile.status_code == 200
    assert scheme.encode() in tile.content


def tile_at(longitude: float, latitude: float, zoom: int) -> tuple[int, int]:
    """Column and row of the tile of web mercator that holds a place."""
    north = math.asinh(math.tan(math.radians(latitude))) / math.pi
    count = 2**zoom
    return int((longitude + 180) / 360 * count), int((1 - north) / 2 * count)
