"""The stand-in of the upstreams behaves and looks as the reference says the real ones do."""

import io
import time
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import Any
from xml.etree import ElementTree

import httpx
import numpy as np
import pytest
import rasterio
from pyproj import CRS, Transformer
from rasterio.windows import Window

from tests.support.upstream import files, landscape, scenes, services
from tests.support.upstream.control import Upstreams
from tests.support.upstream.grids import SINUSOIDAL
from tests.support.upstream.landscape import Field
from tests.support.upstream.regions import COASTAL, INLAND, outlines

pytestmark = pytest.mark.service

EARTH_SEARCH = "earth-search.aws.element84.com/v1"
PLANETARY_COMPUTER = "planetarycomputer.microsoft.com/api/stac/v1"
TILE = "Copernicus_DSM_COG_10_N27_00_E119_00_DEM"
DEM = f"{files.DEM}/{TILE}/{TILE}.tif"
SMALL = next(raster.address for raster in files.rasters() if files.SOILGRIDS in raster.address)
TOWN, SEA, LAKE, HILL = (119.99, 27.121), (120.43, 27.3), (119.85, 27.25), (119.763, 27.361)
SCHEME = "https://"


@pytest.fixture
def site_client(upstreams: Upstreams) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=upstreams.address, timeout=60) as site_client:
        yield site_client


@pytest.fixture
def ranged_gdal() -> Iterator[None]:
    options = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "CPL_VSIL_CURL_USE_HEAD": "NO"}
    with rasterio.Env(**options):
        yield


def search(site_client: httpx.Client, root: str, **body: Any) -> dict[str, Any]:
    answer = site_client.post(f"/{root}/search", json=body)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def address_in(site_client: httpx.Client, root: str, asset: str, **body: Any) -> str:
    """The address of an asset of the first item found, with a token where one is needed."""
    item = search(site_client, root, limit=1, bbox=[*COASTAL], **body)["features"][0]
    address = str(item["assets"][asset]["href"]).replace("s3://copernicus-dem-30m", files.DEM)
    address = address.removeprefix("https://")
    if services.STORAGE not in address:
        return address
    token = site_client.get(f"/{services.TOKENS}{item['collection']}").json()["token"]
    return f"{address}?{token}"


def value_at(file: Any, place: tuple[float, float]) -> float:
    x, y = Transformer.from_crs("EPSG:4326", file.crs, always_xy=True).transform(*place)
    row, column = file.index(x, y)
    value: float = file.read(1, window=Window(column, row, 1, 1))[0, 0].item()
    return value


def expected(field: Field, place: tuple[float, float], **options: Any) -> float:
    lon, lat = np.array([[place[0]]]), np.array([[place[1]]])
    return float(field(lon, lat, **options).squeeze())


def modis(collection: str) -> dict[str, Any]:
    february = "2023-02-01T00:00:00Z/2023-02-02T00:00:00Z"
    return {"collections": [collection], "datetime": february}


def one(collection: str, name: str, value: str) -> dict[str, Any]:
    return {"collections": [collection], "query": {name: {"eq": value}}}


WORLD = "EPSG:4326"
LAYOUTS: dict[str, tuple[Any, ...]] = {
    # address or search; CRS, type, nodata, block, size, first overviews, scale in the header
    "GLO-30": (DEM, WORLD, "float32", None, (1024, 1024), (3600, 3600), [2, 4, 8], 1.0),
    "WorldCover": (
        f"{files.WORLDCOVER}/map/ESA_WorldCover_10m_2021_v200_N24E117_Map.tif",
        *(WORLD, "uint8", 0, (1024, 1024), (36000, 36000), [2, 4, 8], 1.0),
    ),
    "CHELSA": (
        f"{files.CHELSA}/tas/1981-2010/CHELSA_tas_07_1981-2010_V.2.1.tif",
        *(WORLD, "uint16", 65535, (512, 512), (20880, 43200), [2, 4, 8], 0.1),
    ),
    "OpenLandMap": (
        f"{files.SOILDB}/global_soil_props_v20250204_mosaics/oc_iso.10694.1995.wpml_m_30m_"
        "b0cm..30cm_20200101_20221231_g_epsg.4326_v20250204.tif",
        *(WORLD, "uint16", 65535, (1024, 1024), (528000, 1440000), [2, 4, 8], 1.0),
    ),
    "SoilGrids": (
        f"{files.SOILGRIDS}/sand/sand_5-15cm_mean.vrt",
        *(files.HOMOLOSINE, "int16", -32768, (128, 128), (58034, 159246), [], 1.0),
    ),
    "night lights": (
        f"{files.NIGHT}/{files.night_name(2023, 2, 'avg_rade9')}",
        *(WORLD, "float32", None, (512, 512), (33601, 86401), [2, 4, 8], 1.0),
    ),
    "WorldPop": (
        f"{files.WORLDPOP}/{files.worldpop_path(2020)}",
        *(WORLD, "float32", -99999, (512, 512), (42600, 73600), [], 1.0),
    ),
    "Sentinel-2": (
        (EARTH_SEARCH, "red", one("sentinel-2-c1-l2a", "grid:code", "MGRS-51RTL")),
        *("EPSG:32651", "uint16", 0, (1024, 1024), (10980, 10980), [2, 4, 8], 1.0),
    ),
    "its classes": (
        (EARTH_SEARCH, "scl", one("sentinel-2-c1-l2a", "grid:code", "MGRS-51RTL")),
        *("EPSG:32651", "uint8", 0, (1024, 1024), (5490, 5490), [2, 4, 8], 1.0),
    ),
    "Landsat": (
        (PLANETARY_COMPUTER, "nir08", one("landsat-c2-l2", "landsat:wrs_path", "118")),
        *("EPSG:32651", "uint16", 0, (256, 256), (7000, 7000), [2, 4, 8], 1.0),
    ),
    "io-lulc": (
        (PLANETARY_COMPUTER, "data", one("io-lulc-annual-v02", "io:tile_id", "50R")),
        *("EPSG:32650", "uint8", 0, (512, 512), (89013, 61045), [2, 4, 8], 1.0),
    ),
    "MOD13Q1": (
        (PLANETARY_COMPUTER, "250m_16_days_NDVI", modis("modis-13Q1-061")),
        *(SINUSOIDAL, "int16", -3000, (512, 512), (4800, 4800), [2, 4, 8], 1.0),
    ),
    "its reliability": (
        (PLANETARY_COMPUTER, "250m_16_days_pixel_reliability", modis("modis-13Q1-061")),
        *(SINUSOIDAL, "int8", -1, (512, 512), (4800, 4800), [2, 4, 8], 1.0),
    ),
    "MOD17A3HGF": (
        (PLANETARY_COMPUTER, "Npp_500m", modis("modis-17A3HGF-061")),
        *(SINUSOIDAL, "int16", 32767, (512, 512), (2400, 2400), [2, 4, 8], 1.0),
    ),
    "VNP17A3HGF": (
        (PLANETARY_COMPUTER, "Npp_500m", modis("viirs-17A3HGF-002")),
        *(SINUSOIDAL, "int16", 32767, (512, 512), (2400, 2400), [2, 4, 8], 1.0),
    ),
    "VNP13A1": (
        (PLANETARY_COMPUTER, "500_m_16_days_NDVI", modis("viirs-13A1-002")),
        *(SINUSOIDAL, "int16", -3000, (512, 512), (2400, 2400), [2, 4, 8], 1.0),
    ),
}  # fmt: skip


@pytest.mark.usefixtures("ranged_gdal")
@pytest.mark.parametrize("name", LAYOUTS)
def test_served_files_look_like_the_real_ones(
    site_client: httpx.Client, upstreams: Upstreams, name: str
) -> None:
    upstreams.set(ranges_at_worldpop=True)
    where, crs, dtype, nodata, block, shape, overviews, scale = LAYOUTS[name]
    address = where if isinstance(where, str) else address_in(site_client, *where[:2], **where[2])
    with rasterio.open(f"/vsicurl/{upstreams.address}/{address}") as file:
        assert CRS.from_wkt(file.crs.to_wkt()).equals(CRS.from_user_input(crs)) or (
            CRS.from_wkt(file.crs.to_wkt()).to_dict() == CRS.from_user_input(crs).to_dict()
        )
        assert (file.dtypes[0], file.nodata, file.shape) == (dtype, nodata, shape)
        assert file.block_shapes[0] == block
        assert file.overviews(1)[:3] == overviews
        assert file.scales[0] == scale
        outside = file.read(1, window=Window(0, 0, 8, 8))
        assert set(outside.flat) == {nodata or 0}
    assert upstreams.sent(f"{address.partition('?')[0]}*") < 60e6


@pytest.mark.usefixtures("ranged_gdal")
@pytest.mark.parametrize("place", [TOWN, SEA, LAKE, HILL])
def test_files_hold_the_landscape(upstreams: Upstreams, place: tuple[float, float]) -> None:
    upstreams.set(ranges_at_worldpop=True)
    west = int(place[0])
    name = files.elevation_name(west, 27)
    worldcover = "N27E117" if west < 120 else "N27E120"
    readings: dict[str, tuple[str, Field]] = {
        "elevation": (f"{files.DEM}/{name}/{name}.tif", landscape.elevation),
        "cover": (
            f"{files.WORLDCOVER}/map/ESA_WorldCover_10m_2021_v200_{worldcover}_Map.tif",
            landscape.cover,
        ),
        "rain": (
            f"{files.CHELSA}/pr/1981-2010/CHELSA_pr_07_1981-2010_V.2.1.tif",
            partial(landscape.rainfall, month=7),
        ),
        "people": (f"{files.WORLDPOP}/{files.worldpop_path(2020)}", landscape.people),
    }
    for reading, (address, field) in readings.items():
        with rasterio.open(f"/vsicurl/{upstreams.address}/{address}") as file:
            raw, wanted = value_at(file, place), expected(field, place)
            if reading == "people" and np.isnan(wanted):
                assert raw == -99999
            else:
                # A cell of CHELSA is a kilometre wide, one of GLO-30 has 30 m of slope.
                assert raw * file.scales[0] == pytest.approx(wanted, abs=2), reading


@pytest.mark.usefixtures("ranged_gdal")
@pytest.mark.parametrize(
    ("place", "code"), [(TOWN, 32762), (SEA, 32766), (LAKE, 32766), (HILL, 32765)]
)
def test_productivity_has_codes_where_the_model_has_no_plants(
    site_client: httpx.Client, upstreams: Upstreams, place: tuple[float, float], code: int
) -> None:
    address = address_in(site_client, PLANETARY_COMPUTER, "Npp_500m", **modis("modis-17A3HGF-061"))
    with rasterio.open(f"/vsicurl/{upstreams.address}/{address}") as file:
        assert value_at(file, place) == code


@pytest.mark.usefixtures("ranged_gdal")
@pytest.mark.parametrize(
    ("collection", "offset", "applied"),
    [("sentinel-2-c1-l2a", -0.1, None), ("sentinel-2-l2a", 0.0, True)],
)
def test_sentinel_gives_the_vegetation_index_by_its_true_offset(
    site_client: httpx.Client,
    upstreams: Upstreams,
    collection: str,
    offset: float,
    applied: bool | None,
) -> None:
    found = search(
        site_client,
        EARTH_SEARCH,
        collections=[collection],
        bbox=[*TOWN, *TOWN],
        query={"eo:cloud_cover": {"lt": 4}, "mgrs:utm_zone": {"eq": 51}},
    )
    item = found["features"][0]
    assert item["properties"].get("earthsearch:boa_offset_applied") is applied
    assert item["assets"]["red"]["raster:bands"][0]["offset"] == -0.1
    reflectance = []
    for key in ("red", "nir", "scl"):
        address = item["assets"][key]["href"].removeprefix("https://")
        with rasterio.open(f"/vsicurl/{upstreams.address}/{address}") as file:
            reflectance.append(value_at(file, TOWN) * 1e-4 + offset)
    red, nir, _ = reflectance
    assert (nir - red) / (nir + red) == pytest.approx(expected(landscape.ndvi, TOWN), abs=0.01)


def test_archives_of_ghs_hold_people_by_the_hectare(upstreams: Upstreams) -> None:
    raster = files.ghs_raster(6, 30)
    answer = httpx.get(f"{upstreams.address}/{raster.address}", timeout=120)
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    name = next(name for name in archive.namelist() if name.endswith(".tif"))
    with rasterio.open(io.BytesIO(archive.read(name))) as file:
        assert (file.crs.to_string(), file.shape) == ("ESRI:54009", (10_000, 10_000))
        assert (file.dtypes[0], file.nodata, file.res) == ("float64", -200, (100, 100))
        assert value_at(file, TOWN) == pytest.approx(
            expected(landscape.people, TOWN) * 1.31, rel=0.05
        )
        assert value_at(file, SEA) == 0


def test_outlines_are_two_regions_with_districts() -> None:
    for name, box in (("coastal", COASTAL), ("inland", INLAND)):
        city, *districts = outlines(name)["features"]
        assert "parent" not in city["properties"]
        assert {part["properties"]["parent"] for part in districts} == {city["properties"]["code"]}
        assert city["geometry"]["coordinates"][0][0] == [box[0], box[1]]
    assert len(districts) >= 2


@pytest.mark.parametrize(
    ("root", "method"),
    [(EARTH_SEARCH, "POST"), (PLANETARY_COMPUTER, "POST"), (EARTH_SEARCH, "GET")],
)
def test_search_pages_through_everything_once(
    site_client: httpx.Client, root: str, method: str
) -> None:
    collection = "sentinel-2-c1-l2a" if root == EARTH_SEARCH else "modis-13Q1-061"
    body: dict[str, Any] = {"collections": [collection], "bbox": [*COASTAL], "limit": 30}
    names: list[str] = []
    if method == "POST":
        page = search(site_client, root, **body)
    else:
        bbox = ",".join(map(str, COASTAL))
        page = site_client.get(
            f"/{root}/search?collections={collection}&bbox={bbox}&limit=30"
        ).json()
    while True:
        names += [item["id"] for item in page["features"]]
        following = [link for link in page["links"] if link["rel"] == "next"]
        if not following:
            break
        link = following[0]
        address = link["href"].removeprefix(SCHEME)
        if link["method"] == "GET":
            page = site_client.get(f"/{address}").json()
        else:
            page = site_client.post(
                f"/{address}", json=body | link["body"] if link["merge"] else link["body"]
            ).json()
    assert len(names) == len(set(names)) == page["numberMatched"] > 30


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ({"bbox": [0, 0, 1, 1]}, 0),
        ({"datetime": "2023-01-01T00:00:00Z/2023-12-31T23:59:59Z"}, 2),
        ({"datetime": "../2019-06-01T00:00:00Z"}, 2),
        ({"datetime": "2024-06-01T00:00:00Z/.."}, 2),
        ({"query": {"platform": {"eq": "terra"}}}, 6),
        ({"query": {"platform": {"in": ["aqua", "noaa-20"]}}}, 6),
        ({"query": {"modis:vertical-tile": {"gte": 7}}}, 0),
        ({"query": {"absent": {"eq": 1}}}, 0),
    ],
)
def test_search_obeys_its_filters(
    site_client: httpx.Client, asked: dict[str, Any], number: int
) -> None:
    body = {"collections": ["modis-17A3HGF-061"], "bbox": [*COASTAL]} | asked
    assert search(site_client, PLANETARY_COMPUTER, **body)["numberMatched"] == number


@pytest.mark.parametrize(
    "wrong",
    [
        {"query": {"platform": {"like": "terra"}}},
        {"bbox": [1, 2, 3]},
        {"datetime": "2023"},
        {"limit": 0},
    ],
)
def test_search_refuses_what_it_does_not_know(
    site_client: httpx.Client, wrong: dict[str, Any]
) -> None:
    body = {"collections": ["esa-worldcover"]} | wrong
    assert site_client.post(f"/{PLANETARY_COMPUTER}/search", json=body).status_code == 400


def test_storage_demands_a_token_that_expires(
    site_client: httpx.Client, upstreams: Upstreams
) -> None:
    signed = address_in(site_client, PLANETARY_COMPUTER, "map", collections=["esa-worldcover"])
    head = {"Range": "bytes=0-15"}
    assert site_client.get(f"/{signed}", headers=head).status_code == 206
    bare, _, token = signed.partition("?")
    assert site_client.get(f"/{bare}", headers=head).status_code == 403
    other = site_client.get(f"/{services.TOKENS}landsat-c2-l2").json()["token"]
    assert site_client.get(f"/{bare}?{other}", headers=head).status_code == 403
    later = token.replace("se=2", "se=3")
    assert site_client.get(f"/{bare}?{later}", headers=head).status_code == 403
    upstreams.set(token_life_s=0.2)
    short = site_client.get(f"/{services.TOKENS}esa-worldcover").json()
    assert short["msft:expiry"].endswith("Z")
    time.sleep(0.3)
    assert site_client.get(f"/{bare}?{short['token']}", headers=head).status_code == 403
    assert site_client.get(f"/{services.TOKENS}nothing").status_code == 404


def test_buckets_are_listed_page_by_page(site_client: httpx.Client) -> None:
    space = {"s3": "http://s3.amazonaws.com/doc/2006-03-01/"}
    keys: list[str] = []
    token = ""
    while True:
        query = f"list-type=2&prefix=composites/npp_2024&max-keys=7{token}"
        root = ElementTree.fromstring(site_client.get(f"/{files.NIGHT}/?{query}").text)  # noqa: S314 # ours
        keys += [key.text or "" for key in root.iterfind("s3:Contents/s3:Key", space)]
        if root.findtext("s3:IsTruncated", "", space) == "false":
            break
        token = f"&continuation-token={root.findtext('s3:NextContinuationToken', '', space)}"
    assert len(keys) == len(set(keys)) == 24
    assert sum("ecmslcfg" in key for key in keys) == 2
    root = ElementTree.fromstring(  # noqa: S314 # ours
        site_client.get(f"/{files.NIGHT}/?list-type=2&delimiter=/&prefix=composites/").text
    )
    assert len(root.findall("s3:CommonPrefixes", space)) == 24


def test_worldpop_names_its_file_and_ignores_ranges(
    site_client: httpx.Client, upstreams: Upstreams
) -> None:
    records = site_client.get(f"/{services.WORLDPOP_REST}?iso3=CHN").json()["data"]
    assert [record["popyear"] for record in records] == [str(year) for year in range(2015, 2031)]
    assert site_client.get(f"/{services.WORLDPOP_REST}?iso3=XXX").json() == {"data": []}
    address = records[5]["files"][0].removeprefix(SCHEME)
    assert site_client.head(f"/{address}").headers["Accept-Ranges"] == "bytes"
    with site_client.stream("GET", f"/{address}", headers={"Range": "bytes=0-15"}) as answer:
        assert answer.status_code == 200
    upstreams.set(ranges_at_worldpop=True)
    assert site_client.get(f"/{address}", headers={"Range": "bytes=0-15"}).status_code == 206


def test_parts_of_a_file_are_served_by_http(site_client: httpx.Client) -> None:
    whole = site_client.get(f"/{SMALL}")
    size = len(whole.content)
    assert whole.http_version == "HTTP/1.1"
    assert "Connection" not in whole.headers
    assert site_client.head(f"/{SMALL}").headers["Content-Length"] == str(size)
    for asked, wanted in (
        ("bytes=0-15", whole.content[:16]),
        ("bytes=1000-2999", whole.content[1000:3000]),
        (f"bytes={size - 5}-", whole.content[-5:]),
        ("bytes=-7", whole.content[-7:]),
        (f"bytes=8-{size + 100}", whole.content[8:]),
    ):
        answer = site_client.get(f"/{SMALL}", headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, wanted), asked
        assert answer.headers["ETag"] == whole.headers["ETag"]
    beyond = site_client.get(f"/{SMALL}", headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
    several = site_client.get(f"/{SMALL}", headers={"Range": "bytes=0-1,4-5"})
    assert (several.status_code, len(several.content)) == (200, size)
    changed = {"Range": "bytes=0-1", "If-Range": '"other"'}
    assert site_client.get(f"/{SMALL}", headers=changed).status_code == 200
    assert site_client.get(f"/{SMALL}", headers={"If-Match": '"other"'}).status_code == 412


def test_open_sea_has_no_elevation_tile(site_client: httpx.Client) -> None:
    name = files.elevation_name(121, 27)
    assert site_client.get(f"/{files.DEM}/{name}/{name}.tif").status_code == 404
    found = search(
        site_client, EARTH_SEARCH, collections=["cop-dem-glo-30"], bbox=[121.1, 27, 121.9, 27.9]
    )
    assert found["features"] == []


def test_errors_come_as_often_as_asked(site_client: httpx.Client, upstreams: Upstreams) -> None:
    upstreams.fault("copernicus-dem-30m*", status=429, retry_after="2", times=2, skip=1)
    head = {"Range": "bytes=0-3"}
    answers = [site_client.get(f"/{DEM}", headers=head) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [206, 429, 429, 206]
    assert answers[1].headers["Retry-After"] == "2"
    assert [request.status for request in upstreams.asked("copernicus*")] == [206, 429, 429, 206]
    upstreams.reset()
    assert upstreams.asked() == []


def test_transfers_break_slow_down_and_ignore_ranges(
    site_client: httpx.Client, upstreams: Upstreams
) -> None:
    head = {"Range": "bytes=0-19999"}
    upstreams.fault(SMALL, cut_after=5000, times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        site_client.get(f"/{SMALL}", headers=head)
    assert upstreams.sent(SMALL) == 5000
    upstreams.fault(SMALL, bytes_per_second=40_000, times=1)
    start = time.monotonic()
    assert len(site_client.get(f"/{SMALL}", headers=head).content) == 20_000
    assert time.monotonic() - start > 0.4
    upstreams.fault(SMALL, ignore_range=True, times=1)
    assert site_client.get(f"/{SMALL}", headers=head).status_code == 200
    upstreams.fault(SMALL, etag='"new"', times=1)
    assert site_client.get(f"/{SMALL}", headers=head).headers["ETag"] == '"new"'
    upstreams.fault(SMALL, status=404, times=1)
    assert site_client.get(f"/{SMALL}", headers=head).status_code == 404


def test_redirects_lead_to_another_host(site_client: httpx.Client, upstreams: Upstreams) -> None:
    upstreams.set(aliases={"dem.example.org": files.DEM})
    upstreams.fault(f"{files.DEM}/*", redirect=f"https://dem.example.org/{TILE}/{TILE}.tif")
    answer = site_client.get(f"/{DEM}")
    assert answer.status_code == 302
    there = answer.headers["Location"].removeprefix(SCHEME)
    assert site_client.get(f"/{there}", headers={"Range": "bytes=0-3"}).status_code == 206


def test_catalogues_change_their_items(site_client: httpx.Client, upstreams: Upstreams) -> None:
    asked = {"collections": ["cop-dem-glo-30"], "bbox": [*COASTAL]}
    before = search(site_client, EARTH_SEARCH, **asked)["features"]
    upstreams.edit_items("cop-dem-glo-30", item=TILE, asset="data", new_asset="dem")
    upstreams.edit_items("cop-dem-glo-30", item="*_N26_00_E119_*", new_id="renamed")
    upstreams.edit_items("cop-dem-glo-30", item="*_E120_*", drop=True)
    after = {item["id"]: item for item in search(site_client, EARTH_SEARCH, **asked)["features"]}
    assert len(before) == 4
    assert set(after) == {TILE, "renamed"}
    assert list(after[TILE]["assets"]) == ["dem"]


def test_every_scene_has_files_of_its_own() -> None:
    addresses = [
        asset.raster.address for scene in scenes.scenes() for asset in scene.assets.values()
    ]
    assert len(addresses) == len(set(addresses)) > 5000
