"""A described folder and its pack, each into an empty platform: the same zones to the byte."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
from shapely.geometry import shape

from shanhai.client import ApiClient, FilePart
from shanhai.client.core import PART_BYTES
from shanhai.data.pack import open_pack, read_folder, write_pack
from shanhai.errors import NotFound
from shanhai.local.places import Home
from shanhai.local.stack import Stack
from shanhai.vocabulary import Role, Scope
from tests.support.cutting_proxy import cutting
from tests.support.described import describe, described_city
from tests.support.office import Office, office
from tests.support.run_directory import run_directory

CITY = "packed-city"
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def outside(stack: Stack) -> Office:
    return office(stack)


@pytest.fixture(scope="module")
def inside() -> Iterator[Office]:
    """A platform with nothing in it, which the pack is carried to."""
    with run_directory() as directory:
        stack = Stack(Home(directory), bound=True)
        try:
            stack.up()
            yield office(stack)
        finally:
            stack.down()


@pytest.fixture(scope="module")
def city_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return described_city(tmp_path_factory.mktemp("described"), CITY)


@pytest.fixture(scope="module")
def pack(city_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("packs") / "pack.zip"
    write_pack(read_folder(city_folder), target)
    return target


def copied(folder: Path, target: Path, city: str) -> Path:
    """The outlines and one raster of the folder as another city's."""
    target.mkdir()
    text = (folder / "regions.geojson").read_text(encoding="utf-8")
    (target / "regions.geojson").write_text(text.replace(CITY, city), encoding="utf-8")
    for theme in ("dem", "ndvi"):
        shutil.copy(folder / f"{theme}.tif", target)
        describe(target / f"{theme}.tif", city)
    return target


def zones(of: Office) -> tuple[dict[str, str], dict[str, Any]]:
    """The computed files by output with their checksum, and the zones as a client reads them."""
    done = of.command(
        "jobs", "submit", "delineate-zones", "--region", CITY, "--set", "cell_m=150",
        "--set", "seed=7", "--set", "publish=true", "--tiles", of.tiles,
    )  # fmt: skip
    assert done.exit_code == 0, (done.output, done.exception)
    lines = dict(line.split("  ", 1) for line in done.stdout.splitlines())
    assert lines["map of zones"] == f"{of.tiles}/layers/zones.{CITY}/map"
    with ApiClient(of.tiles, of.key) as tiles:
        assert b"<html" in tiles.request("GET", lines["map of zones"]).content
    with of.client() as api:
        job = api.job(lines["job"])
        outputs = api.get(f"/jobs/{job.id}/manifest")["outputs"]
        read = api.get("/collections/zones/items", scheme=lines["scheme"], limit=100)
    geometries = {one["properties"]["class"]: one["geometry"] for one in read["features"]}
    return {one["name"]: one["sha256"] for one in outputs}, geometries


def test_a_folder_and_its_pack_give_the_same_zones(
    outside: Office, inside: Office, city_folder: Path, pack: Path
) -> None:
    code, made = outside.imported(city_folder, "--visibility", "public")
    assert code == 0
    assert set(made.values()) == {"made"}
    assert set(made) == {"regions.geojson", *(path.name for path in city_folder.glob("*.tif"))}
    assert inside.imported(pack, "--visibility", "public") == (0, made)
    of_folder, of_pack = zones(outside), zones(inside)
    assert len(of_folder[0]) > 10
    # Reports print their job; everything else is the same to the byte.
    differing = {name for name, sha256 in of_pack[0].items() if of_folder[0][name] != sha256}
    assert differing <= {"report", "report_docx", "report_pdf"}
    assert of_pack[0].keys() == of_folder[0].keys() >= {"zones", "statistics", "patches"}
    assert of_pack[1] == of_folder[1]
    for at, path in ((outside, city_folder), (inside, pack)):
        code, again = at.imported(path, "--visibility", "public")
        assert (code, set(again.values())) == (0, {"unchanged"})


def test_a_description_that_says_something_else_is_followed(
    outside: Office, city_folder: Path, tmp_path: Path
) -> None:
    city = copied(city_folder, tmp_path / "city", "restated")
    assert outside.imported(city)[0] == 0
    description = json.loads((city / "dem.json").read_text(encoding="utf-8"))
    (city / "dem.json").write_text(json.dumps(description | {"licence": "ODbL-1.0"}))
    code, rows = outside.imported(city)
    assert (code, rows["dem.tif"], rows["ndvi.tif"]) == (0, "changed", "unchanged")
    with outside.client() as api:
        found = api.get("/collections/datasets/items/restated.dem")["properties"]
    assert found["licence"] == "ODbL-1.0"


def test_what_the_outlines_do_not_say_stays(
    outside: Office, city_folder: Path, tmp_path: Path
) -> None:
    city = copied(city_folder, tmp_path / "city", "with-a-province")
    assert outside.imported(city)[0] == 0
    above = {"code": "a-province", "name_zh": "省", "name_en": "Province", "level": "province"}
    place, merge = "/collections/regions/items/with-a-province", "application/merge-patch+json"
    with outside.client() as api:
        geometry = api.get(place)["geometry"]
        made = {"type": "Feature", "geometry": geometry, "properties": above}
        api.post("/collections/regions/items", made)
        change = {"properties": {"parent": "a-province"}}
        api.patch(place, change, headers={"Content-Type": merge})
        assert outside.imported(city)[1]["regions.geojson"] == "unchanged"
        assert api.get(place)["properties"]["parent"] == "a-province"


def test_one_that_fails_does_not_keep_the_others(
    outside: Office, city_folder: Path, tmp_path: Path
) -> None:
    city = copied(city_folder, tmp_path / "city", "half-broken")
    target = tmp_path / "pack.zip"
    write_pack(read_folder(city), target)
    part = open_pack(target).layers["dem.tif"].data
    with target.open("r+b") as file:
        file.seek(part.start + part.size // 2)
        file.write(b"\0changed\0")
    code, rows = outside.imported(target)
    assert code == 1
    assert rows == {"regions.geojson": "made", "dem.tif": "refused", "ndvi.tif": "made"}
    with outside.client() as api:
        with pytest.raises(NotFound):
            api.get("/collections/datasets/items/half-broken.dem")
        # Nothing of what is broken was sent.
        assert part.sha256() not in {one["sha256"] for one in api.get("/uploads")["uploads"]}
    assert outside.imported(city)[1]["dem.tif"] == "made"


def test_an_import_that_is_cut_goes_on(outside: Office, city_folder: Path, tmp_path: Path) -> None:
    city = copied(city_folder, tmp_path / "city", "cut-off")
    target = tmp_path / "pack.zip"
    # Several parts: what follows the raster in its file is read by nobody.
    with (city / "ndvi.tif").open("ab") as file:
        file.write(bytes(3 * PART_BYTES))
    describe(city / "ndvi.tif", "cut-off")
    write_pack(read_folder(city), target)
    part = open_pack(target).layers["ndvi.tif"].data
    with cutting(outside.url) as proxy, ApiClient(proxy.url, outside.key, repeats=0) as api:
        proxy.cut_at = proxy.passed + PART_BYTES + PART_BYTES // 2
        with pytest.raises(Exception, match="PUT"):
            api.upload(part)
        sent = proxy.passed
        through = Office(proxy.url, outside.tiles, outside.key)
        code, rows = through.imported(target)
        assert (code, set(rows.values())) == (0, {"made"})
        size = sum(path.stat().st_size for path in city.iterdir())
        assert proxy.passed < size + PART_BYTES
        assert proxy.passed > sent


def test_a_folder_as_a_bureau_has_it_comes_in_by_one_command(
    outside: Office, city_folder: Path, tmp_path: Path
) -> None:
    city = copied(city_folder, tmp_path / "city", "of-a-bureau")
    assert outside.imported(city)[0] == 0
    with (city / "regions.geojson").open(encoding="utf-8") as file:
        outline = json.load(file)["features"][0]
    epsg = outline["properties"]["metric_epsg"]
    middle = shape(outline["geometry"]).centroid
    metres = pyproj.Transformer.from_crs("EPSG:4326", epsg, always_xy=True)
    west, south = (place - 10_000 for place in metres.transform(middle.x, middle.y))
    (own := tmp_path / "own" / "地形").mkdir(parents=True)
    heights = np.linspace(5, 900, 1_600).reshape(40, 40)
    rows = "\n".join(" ".join(f"{height:.1f}" for height in row) for row in heights)
    head = f"ncols 40\nnrows 40\nxllcorner {west:.0f}\nyllcorner {south:.0f}\ncellsize 500\n"
    (own / "高程DEM.asc").write_text(f"{head}NODATA_value -9999\n{rows}\n", encoding="ascii")
    told = outside.command("import", own.parent, "--region", "of-a-bureau")
    assert told.exit_code == 1
    assert "--set dem.crs=" in told.output, "a grid without its system is asked about"
    system = pyproj.CRS.from_epsg(epsg).to_wkt("WKT1_ESRI")
    (own / "高程DEM.prj").write_text(system, encoding="ascii")
    code, rows_told = outside.imported(own.parent, "--region", "of-a-bureau")
    assert (code, rows_told) == (0, {"dem.tif": "made"}), rows_told
    with outside.client() as api:
        found = api.get("/collections/datasets/items/of-a-bureau.dem.own")["properties"]
    assert found["native_resolution_m"] == pytest.approx(500, abs=1)


@pytest.mark.parametrize(
    ("city", "given", "regions"),
    [
        (
            "of-an-analyst",
            {"roles": [{"role": Role.ANALYST, "region": "of-an-analyst"}]},
            "unchanged",
        ),
        ("of-a-program", {"scopes": [Scope.READ, Scope.JOBS]}, "left out"),
    ],
)
def test_who_may_not_write_regions_imports_rasters(
    outside: Office,
    city_folder: Path,
    tmp_path: Path,
    city: str,
    given: dict[str, Any],
    regions: str,
) -> None:
    place = copied(city_folder, tmp_path / "city", city)
    (outlines := tmp_path / "outlines").mkdir()
    shutil.copy(place / "regions.geojson", outlines)
    with outside.client() as api:
        program = api.post("/keys", {"name": "program", "scopes": [Scope.READ, Scope.JOBS]})["key"]
        assert Office(outside.url, "", program).imported(outlines)[1] == {
            "regions.geojson": "refused"
        }
        assert outside.imported(outlines) == (0, {"regions.geojson": "made"})
        key = api.post("/keys", {"name": "own", **given})["key"]
    code, rows = Office(outside.url, outside.tiles, key).imported(place)
    assert code == 0
    assert rows == {"regions.geojson": regions, "dem.tif": "made", "ndvi.tif": "made"}


def test_outlines_are_made_together_or_not_at_all(
    outside: Office, city_folder: Path, tmp_path: Path
) -> None:
    city = copied(city_folder, tmp_path / "city", "bad-outline")
    document = json.loads((city / "regions.geojson").read_text(encoding="utf-8"))
    document["features"][-1]["properties"]["level"] = "moon"
    (city / "regions.geojson").write_text(json.dumps(document), encoding="utf-8")
    code, rows = outside.imported(city)
    assert (code, set(rows.values())) == (1, {"refused"})
    with outside.client() as api, pytest.raises(NotFound):
        api.get("/collections/regions/items/bad-outline")


def test_options_of_single_files_are_not_taken(
    outside: Office, city_folder: Path, pack: Path
) -> None:
    for path, option in (
        (city_folder, "--theme"),
        (pack, "--region"),
        (city_folder, "--collection"),
    ):
        done = outside.command("import", path, option, "regions")
        assert f"{option} is for single files" in str(done.exception)


def test_a_zip_that_is_no_pack(outside: Office, tmp_path: Path) -> None:
    (tmp_path / "towns.zip").write_bytes(b"PK")
    done = outside.command("import", tmp_path / "towns.zip")
    assert "is no whole zip" in str(done.exception)
    assert FilePart.whole(tmp_path / "towns.zip").size == 2
