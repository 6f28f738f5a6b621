"""The main job from the outside: rasters in, zones out, through API, worker and tiles."""

import io
import json
import os
import signal
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile
import numpy as np
import pytest
from PIL import Image
from shapely import coverage_is_valid, force_2d, get_parts, union_all
from shapely.geometry import shape
from typer.testing import CliRunner

from shanhai.cli.app import app
from shanhai.data.synthetic_watershed import CODE
from shanhai.local.background import processes_in
from shanhai.local.demo.results import tile_at
from shanhai.vocabulary import ZONE_CLASSES, Lang
from shanhai_tiles.pages import DRAWABLE
from tests.e2e.conftest import wait_until
from tests.support.browser import open_page
from tests.support.pictures import keep_picture
from tests.support.watershed_platform import CELL_M, Platform

SCHEME = f"{CODE}.supply_demand"


@pytest.fixture(scope="module")
def job(platform: Platform) -> str:
    address = platform.delineate()
    seen: list[tuple[int, str]] = []
    platform.api.job(address).wait(lambda percent, stage: seen.append((percent, stage)))
    percents = [percent for percent, _ in seen]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert len({stage for _, stage in seen}) > 2
    return address


@pytest.fixture(scope="module")
def results(platform: Platform, job: str) -> dict[str, Any]:
    document: dict[str, Any] = platform.api.get(f"{job}/results")
    return document


def test_a_published_scheme_with_its_zones(platform: Platform, results: dict[str, Any]) -> None:
    assert results["scheme"] == SCHEME
    scheme = platform.api.get(f"/collections/zone_schemes/items/{SCHEME}")
    assert scheme["properties"]["status"] == "published"
    zones = platform.api.get("/collections/zones/items", scheme=SCHEME, limit=10)["features"]
    codes = {zone["id"] for zone in zones}
    assert codes == {zone["code"] for zone in results["zones"]}
    assert codes <= {f"{SCHEME}.{zone.code}" for zone in ZONE_CLASSES}


def test_zone_areas_add_up_to_the_land_in_cells(results: dict[str, Any]) -> None:
    assert sum(zone["cells"] for zone in results["zones"]) == results["valid_cells"]
    assert sum(zone["share_percent"] for zone in results["zones"]) == pytest.approx(100, abs=0.2)


def test_polygons_form_a_valid_coverage(platform: Platform, job: str) -> None:
    zones = platform.api.get("/collections/zones/items", scheme=SCHEME, limit=10)["features"]
    patches = get_parts([force_2d(shape(zone["geometry"])) for zone in zones])
    total = sum(patch.area for patch in patches)
    assert union_all(patches).area == pytest.approx(total, rel=1e-6)
    files = platform.api.get(f"{job}/results/patches")["features"]
    assert coverage_is_valid([shape(feature["geometry"]) for feature in files], gap_width=0.0)


def test_statistics_by_district_cover_the_zones(platform: Platform, job: str) -> None:
    statistics = platform.api.get(f"{job}/results/statistics")
    assert sum(zone["cells"] for zone in statistics["zones"]) == statistics["valid_cells"]
    assert {one["name_en"] for one in statistics["districts"]} == {
        "Upper",
        "Left bank",
        "Right bank",
    }
    for district in statistics["districts"]:
        assert sum(zone["cells"] for zone in district["zones"]) == district["cells"]
    inside = sum(district["cells"] for district in statistics["districts"])
    assert 0.98 * statistics["valid_cells"] <= inside <= statistics["valid_cells"]


def test_report_and_maps_can_be_fetched_and_name_the_stand_in(platform: Platform, job: str) -> None:
    with platform.http() as http:
        report = http.get(f"{job}/results/report")
        assert report.headers["content-type"].startswith("text/html")
        assert "替代数据" in report.text
        assert "script" not in report.headers["content-security-policy"].replace("script-src", "")
        for name in ("map_zh", "map_en"):
            assert http.get(f"{job}/results/{name}").content.startswith(b"\x89PNG")


def test_the_manifest_is_enough_to_repeat_the_run(platform: Platform, job: str) -> None:
    manifest = platform.api.get(f"{job}/manifest")
    assert {one["id"] for one in manifest["inputs"]} >= {f"{CODE}.dem", f"{CODE}.npp"}
    assert all(len(one["sha256"]) == 64 for one in manifest["inputs"])
    assert manifest["clustering"]["seed"] == 7
    assert manifest["outputs"]


def test_the_run_is_reproduced_from_its_manifest_and_the_api_alone(
    platform: Platform, job: str, tmp_path: Path
) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(platform.api.get(f"{job}/manifest")), encoding="utf-8")
    asked = ["--from", platform.stack.api_url, "--key", platform.key, "--out", str(tmp_path / "o")]
    told = CliRunner().invoke(app, ["reproduce", str(path), *asked])
    assert told.exit_code == 0, told.output
    assert "逐字节一致" in told.output
    assert {file.stem for file in (tmp_path / "o" / "inputs").iterdir()} >= {"dem", "npp"}


def test_how_far_the_zones_hold_is_told_first(
    platform: Platform, job: str, results: dict[str, Any]
) -> None:
    statistics = platform.api.get(f"{job}/results/statistics")
    verdict = statistics["robustness"]
    codes = [flag["code"] for flag in results["flags"]]
    assert codes[0] == "robustness"
    assert ("alike_zones" in codes) == bool(verdict["alike_zones"])
    first = results["flags"][0]
    assert first["detail"] == verdict["headline_en"]
    assert first["detail_zh"] == verdict["headline_zh"]
    # As many as `quick` is said to be.
    assert verdict["members"] + verdict["without_zones"] == 24
    held = sum(
        zone["cells"] * verdict["held_percent_by_zone"][str(zone["class_value"])]
        for zone in statistics["zones"]
    )
    assert held / statistics["valid_cells"] == pytest.approx(verdict["held_percent"], abs=1e-4)
    manifest = platform.api.get(f"{job}/manifest")
    assert manifest["uncertainty"]["robustness"] == verdict


def test_agreement_and_consensus_are_layers(platform: Platform, results: dict[str, Any]) -> None:
    """Where nearly all ways of zoning agree with the map, the usual zone is that of the map."""
    with httpx.Client(base_url=platform.tiles, timeout=30) as http:

        def said(layer: str, lon: float, lat: float) -> Any:
            address = f"/layers/{results['layers'][layer]}/point"
            return http.get(address, params={"lon": lon, "lat": lat}).json()

        tilejson = http.get(f"/layers/{results['layers']['zones']}/tilejson.json").json()
        west, south, east, north = tilejson["bounds"]
        seen = 0
        for along in np.linspace(0.1, 0.9, 9):
            lon, lat = west + along * (east - west), south + along * (north - south)
            share = said("zone_agreement", lon, lat)["value"]
            if share is None:
                continue
            assert 0 <= share <= 1
            if share > 0.5:
                seen += 1
                usual = said("zone_consensus", lon, lat)
                assert usual["value"] == said("zones", lon, lat)["value"]
        assert seen
        for layer in ("zone_agreement", "zone_consensus"):
            column, row = tile_at((west + east) / 2, (south + north) / 2, 12)
            path = f"tiles/WebMercatorQuad/12/{column}/{row}.png"
            tile = http.get(f"/layers/{results['layers'][layer]}/{path}")
            assert np.asarray(Image.open(io.BytesIO(tile.content)).convert("RGBA"))[..., 3].any()


def test_tiles_draw_the_zones_in_their_colours(platform: Platform, results: dict[str, Any]) -> None:
    layer = results["layers"]["zones"]
    with httpx.Client(base_url=platform.tiles, timeout=30) as http:
        tilejson = http.get(f"/layers/{layer}/tilejson.json").json()
        west, south, east, north = tilejson["bounds"]
        lon, lat = (west + east) / 2, (south + north) / 2
        column, row = tile_at(lon, lat, 12)
        tile = http.get(f"/layers/{layer}/tiles/WebMercatorQuad/12/{column}/{row}.png")
        assert tile.status_code == 200
        pixels = np.asarray(Image.open(io.BytesIO(tile.content)).convert("RGBA")).reshape(-1, 4)
        colours = {zone.color for zone in ZONE_CLASSES}
        opaque = np.unique(pixels[pixels[:, 3] > 0], axis=0)
        drawn = {f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue, _ in opaque}
        assert drawn
        assert drawn <= colours
        again = http.get(str(tile.url), headers={"If-None-Match": tile.headers["etag"]})
        assert again.status_code == 304


def test_api_and_tiles_agree_on_a_point(platform: Platform, results: dict[str, Any]) -> None:
    zones = platform.api.get("/collections/zones/items", scheme=SCHEME, limit=10)["features"]
    largest = max(zones, key=lambda zone: shape(zone["geometry"]).area)
    inside = max(get_parts(shape(largest["geometry"])), key=lambda part: part.area)
    point = inside.buffer(-0.005).representative_point()
    with httpx.Client(base_url=platform.tiles, timeout=30) as http:
        answer = http.get(
            f"/layers/{results['layers']['zones']}/point", params={"lon": point.x, "lat": point.y}
        )
        assert largest["properties"]["class"] in answer.text
        column, row = tile_at(point.x, point.y, 12)
        vector = http.get(f"/layers/zones/tiles/WebMercatorQuad/12/{column}/{row}.mvt")
        decoded = mapbox_vector_tile.decode(vector.content)
        codes = {feature["properties"]["code"] for feature in decoded["zones"]["features"]}
        assert largest["id"] in codes


@pytest.mark.long
@pytest.mark.skipif(not DRAWABLE, reason="run services/api/console/build.sh")
@pytest.mark.usefixtures("browser")
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_pictures_of_the_viewer_in_the_documentation(
    platform: Platform, results: dict[str, Any], tmp_path: Path, lang: Lang
) -> None:
    zones, ratio = results["layers"]["zones"], results["layers"]["ratio"]
    with open_page(tmp_path / "profile", height=900) as page:
        page.open(f"{platform.tiles}/layers/{zones}/map?lang={lang}&with={ratio}")
        page.wait_for("document.documentElement.dataset.state !== undefined")
        assert page.evaluate("document.documentElement.dataset.state") == "drawn"
        page.click(700, 330)
        page.wait_for("document.querySelector('.maplibregl-popup .found') !== null")
        said = str(page.evaluate("document.body.innerText"))
        assert all(zone.label.in_(lang) in said for zone in ZONE_CLASSES)
        assert page.messages == []
        keep_picture(f"viewer-swipe-{lang}.png", page.screenshot())


@pytest.mark.long
def test_the_same_seed_gives_the_same_bytes_and_a_new_version(
    platform: Platform, job: str, results: dict[str, Any]
) -> None:
    second = platform.delineate()
    platform.api.job(second).wait()
    first_manifest, second_manifest = (
        platform.api.get(f"{address}/manifest") for address in (job, second)
    )
    # A report names its job and its hour.
    digests = [
        {
            one["name"]: one["sha256"]
            for one in manifest["outputs"]
            if not one["name"].startswith("report")
        }
        for manifest in (first_manifest, second_manifest)
    ]
    assert digests[0] == digests[1]
    again = platform.api.get(f"{second}/results")
    assert again["scheme_version"] == results["scheme_version"] + 1
    schemes = platform.api.get("/collections/zone_schemes/items", region=CODE, limit=10)
    published = [s for s in schemes["features"] if s["properties"]["status"] == "published"]
    assert [s["properties"]["version"] for s in published] == [again["scheme_version"]]


@pytest.mark.long
def test_numbers_and_zones_of_a_run_are_taken_over_by_its_job(platform: Platform, job: str) -> None:
    former = job.rsplit("/", 1)[1]
    first = platform.api.get(f"{job}/manifest")
    digests = {one["name"]: one["sha256"] for one in first["outputs"]}
    place = {"region": CODE, "cell_m": CELL_M}
    # Another seed, and the same zones: they are not looked for.
    for process, frozen, files in (
        ("delineate-zones", {"zones": True}, ("ratio", "zones", "patches")),
        ("assess-ecoservices", {}, ("ratio",)),
    ):
        taken = {"normalisation": {"from": former, **frozen}}
        asked = platform.api.submit(process, {**place, **taken})
        asked.wait()
        manifest = platform.api.get(f"{asked.url}/manifest")
        assert manifest["frozen_from"] == former
        assert {one["frozen_from"] for one in manifest["frozen_limits"]} == {former}
        found = {one["name"]: one["sha256"] for one in manifest["outputs"]}
        assert {name: found[name] for name in files} == {name: digests[name] for name in files}
        # Nothing was chosen, so that no other choice is looked into.
        codes = [flag["code"] for flag in platform.api.get(f"{asked.url}/results")["flags"]]
        assert "robustness" not in codes


@pytest.mark.long
def test_a_worker_killed_in_mid_job_finishes_it_once(platform: Platform) -> None:
    worker = platform.stack.services["worker"]
    address = platform.delineate(seed=11)
    wait_until(lambda: platform.api.get(address)["status"] == "running")
    wait_until(lambda: int(platform.api.get(address)["progress"]) >= 5)
    victim = worker.process()
    assert victim is not None
    os.kill(victim.pid, signal.SIGKILL)
    wait_until(lambda: not processes_in(platform.stack.home.work("worker"), ("python",)))
    platform.stack.up()
    status = platform.api.job(address).wait()
    assert status["status"] == "successful"
    results = platform.api.get(f"{address}/results")
    with platform.http() as http:
        versions = http.get(
            "/collections/zone_schemes/items", params={"region": CODE, "limit": 100}
        ).json()["features"]
    published = [s for s in versions if s["properties"]["status"] == "published"]
    assert len(published) == 1
    assert published[0]["properties"]["version"] == results["scheme_version"]


@pytest.mark.parametrize(
    ("inputs", "pointer"),
    [
        ({"region": "atlantis"}, "/inputs/region"),
        ({"crs": "EPSG:4326"}, "/inputs/crs"),
        ({"datasets": {"npp": f"{CODE}.dem"}}, "/inputs/datasets/npp"),
        ({"parameters": {"k": 11}}, "/inputs/parameters/k"),
        ({"parameters": {"k": 1}}, "/inputs/parameters/k"),
        ({"parameters": {"robustness": "none"}}, "/inputs/parameters/robustness"),
        ({"cell_m": -5}, "/inputs/cell_m"),
        ({"unknown": 1}, "/inputs/unknown"),
    ],
)
def test_bad_inputs_are_refused_with_a_pointer(
    platform: Platform, inputs: dict[str, Any], pointer: str
) -> None:
    with platform.http() as http:
        answer = http.post(
            "/processes/delineate-zones/execution",
            json={"inputs": {"region": CODE, **inputs}},
            headers={"Prefer": "respond-async"},
        )
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_a_chinese_reader_is_told_in_chinese(platform: Platform) -> None:
    with platform.http() as http:
        answer = http.post(
            "/processes/delineate-zones/execution?lang=zh",
            json={"inputs": {"region": CODE, "parameters": {"k": 11}}},
            headers={"Prefer": "respond-async"},
        ).json()
    assert answer["errors"] == [
        {"pointer": "/inputs/parameters/k", "detail": "必须小于或等于 10（给出的是 11）"}
    ]


@pytest.mark.parametrize(
    ("content", "rule"),
    [(b"this is no raster\n" * 10, "TIFF"), (b"II*\x00\x08\x00\x00\x00" + b"\x00" * 40, "TIFF")],
)
def test_a_file_that_is_no_raster_fails_its_import_and_registers_nothing(
    platform: Platform, content: bytes, rule: str
) -> None:
    with platform.http() as http:
        upload = http.post("/uploads", content=content).json()["upload"]
        job = http.post(
            "/processes/import-dataset/execution",
            json={
                "inputs": {"upload": upload, "region": CODE, "theme": "dem", "code": "never.made"}
            },
            headers={"Prefer": "respond-async"},
        ).headers["location"]
        wait_until(lambda: http.get(job).json()["status"] == "failed")
        assert rule in http.get(job).text
        failed = http.get(f"{job}/results")
        assert 400 <= failed.status_code < 500
        assert http.get("/collections/datasets/items/never.made").status_code == 404


def test_a_used_idempotency_key_with_another_body_is_refused(platform: Platform) -> None:
    with platform.http() as http:

        def ask(message: str) -> httpx.Response:
            return http.post(
                "/processes/echo/execution",
                json={"inputs": {"message": message}},
                headers={"Prefer": "respond-async", "Idempotency-Key": "e2e-1"},
            )

        first, same, other = ask("one"), ask("one"), ask("two")
    assert first.status_code == 201
    assert same.headers["location"] == first.headers["location"]
    assert same.headers["idempotency-replayed"] == "true"
    assert other.status_code == 422


@pytest.mark.parametrize("key", [None, "shk_wrong000_" + "x" * 43])
def test_without_a_valid_key_nothing_can_be_asked_for(platform: Platform, key: str | None) -> None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = httpx.post(
        f"{platform.stack.api_url}/processes/echo/execution",
        json={"inputs": {"message": "hello"}},
        headers=headers,
    )
    assert answer.status_code == 401
    assert "www-authenticate" in answer.headers
