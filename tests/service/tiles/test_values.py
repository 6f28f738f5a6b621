"""Statistics, clips and previews over HTTP."""

import asyncio
import io
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pyproj import Geod, Transformer
from rasterio.io import MemoryFile

from shanhai.vocabulary import ZONE_CLASSES
from shanhai_tiles.grids import GRIDS
from tests.service.tiles.conftest import World

# The world the fixtures seed, described once more on purpose: conftest is no importable module.
WEST, NORTH, CELL_M, SHAPE = 600_000.0, 2_720_000.0, 100.0, (120, 160)
TO_DEGREES = Transformer.from_crs("EPSG:4548", "EPSG:4490", always_xy=True)
ELLIPSOID = Geod(a=6_378_137.0, rf=298.257222101)


def classes() -> NDArray[np.uint8]:
    cells = np.zeros(SHAPE, dtype=np.uint8)
    cells[10:-10] = 1 + np.arange(SHAPE[1], dtype=np.uint8) // 32
    cells[:, :5] = 0
    return cells


def rectangle(top: int, left: int, bottom: int, right: int) -> dict[str, Any]:
    """The area of some rows and columns of cells, a point at every cell."""
    across, down = np.arange(left, right), np.arange(top, bottom)
    columns = np.concatenate([across, 0 * down + right, across[::-1] + 1, 0 * down + left, [left]])
    rows = np.concatenate([0 * across + top, down, 0 * across + bottom, down[::-1] + 1, [top]])
    lon, lat = TO_DEGREES.transform(WEST + columns * CELL_M, NORTH - rows * CELL_M)
    return {"type": "Polygon", "coordinates": [np.column_stack([lon, lat]).tolist()]}


def true_area(area: dict[str, Any]) -> float:
    lon, lat = np.array(area["coordinates"][0]).T
    return abs(float(ELLIPSOID.polygon_area_perimeter(lon, lat)[0]))


async def ask(client: httpx.AsyncClient, path: str, **how: Any) -> dict[str, Any]:
    answer = await client.get(path, **how)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_areas_of_classes_within_an_area(client: httpx.AsyncClient) -> None:
    area = rectangle(20, 24, 60, 72)
    answer = await client.post("/layers/zones.xiamen/statistics", json=area)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["kind"] == "classes"
    assert found["cells"] == 40 * 48
    assert found["area_m2"] == pytest.approx(true_area(area), rel=1e-5)
    assert [one["cells"] for one in found["classes"]] == [40 * 8, 40 * 32, 40 * 8, 0, 0]
    for one, known in zip(found["classes"], ZONE_CLASSES, strict=True):
        assert (one["code"], one["label_zh"]) == (known.code, known.label.zh)
        assert one["label_en"] == known.label.en
        assert one["area_ha"] == pytest.approx(one["area_m2"] / 10_000)
    assert found["classes"][1]["share"] == pytest.approx(32 / 48, rel=1e-4)
    assert found["stand_in"] is True


async def test_areas_of_the_whole_layer(client: httpx.AsyncClient) -> None:
    found = await ask(client, "/layers/zones.xiamen/statistics")
    values, counts = np.unique(classes()[classes() > 0], return_counts=True)
    told = {one["value"]: one["cells"] for one in found["classes"]}
    assert told == dict(zip(values.tolist(), counts.tolist(), strict=True))
    everything = true_area(rectangle(0, 0, *SHAPE))
    assert found["area_m2"] + found["nodata_area_m2"] == pytest.approx(everything, rel=1e-5)


async def test_figures_of_a_quantity_within_a_box(client: httpx.AsyncClient) -> None:
    lon, lat = TO_DEGREES.transform(WEST + 80 * CELL_M, NORTH - 50 * CELL_M)
    box = f"{lon - 0.01},{lat - 0.01},{lon + 0.01},{lat + 0.01}"
    found = await ask(client, "/layers/ratio.xiamen/statistics", params={"bbox": box})
    assert found["kind"] == "quantity"
    # The ramp is 0 in the middle; the box is symmetric about it to a cell.
    assert found["mean"] == pytest.approx(0, abs=0.02)
    assert found["min"] == pytest.approx(-found["max"], abs=0.02)
    assert found["quantiles"]["0.5"] == pytest.approx(0, abs=0.02)
    assert found["min"] < found["quantiles"]["0.25"] < found["mean"] < found["quantiles"]["0.75"]


async def test_a_clip_has_the_layers_own_cells(client: httpx.AsyncClient) -> None:
    feature = {"type": "Feature", "properties": {}, "geometry": rectangle(15, 60, 45, 100)}
    answer = await client.post("/layers/zones.xiamen/clip", json=feature)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/tiff; application=geotiff"
    assert 'filename="zones.xiamen.tif"' in answer.headers["content-disposition"]
    with MemoryFile(answer.content) as memory, memory.open() as file:
        assert file.crs.to_epsg() == 4548
        assert (file.transform.c, file.transform.f) == (WEST + 6000, NORTH - 1500)
        assert file.nodata == 0
        np.testing.assert_array_equal(file.read(1), classes()[15:45, 60:100])
        assert file.tags()["SHANHAI_LAYER"] == "zones.xiamen"
        assert file.tags()["SHANHAI_STAND_IN"] == "true"


async def test_cells_of_what_states_no_licence_are_for_readers_with_an_identity(
    client: httpx.AsyncClient, world: World
) -> None:
    area = rectangle(0, 0, 4, 4)
    assert (await client.post("/layers/dataset.dem.itu/clip", json=area)).status_code == 200
    unlicensed = "/layers/dataset.npp.truncated/clip"
    refused = await client.post(unlicensed, json=area, params={"lang": "en"})
    assert refused.status_code == 401
    assert "states no licence" in refused.json()["detail"]
    # Its file lacks the end, which is looked for only on behalf of who may have it.
    known = {"Authorization": f"Bearer {world.key}"}
    assert (await client.post(unlicensed, json=area, headers=known)).status_code != 401


VALUE_TILES = (
    "layers/{}/tiles/WebMercatorQuad/10/848/440.npy",
    "layers/{}/tiles/WebMercatorQuad/10/848/440.tif",
    "collections/{}/tiles/WebMercatorQuad/10/440/848?f=npy",
)


@pytest.mark.parametrize("address", VALUE_TILES)
async def test_tiles_of_values_are_given_as_the_cells_are(
    client: httpx.AsyncClient, world: World, address: str
) -> None:
    licensed = await client.get(address.format("dataset.dem.itu"))
    assert licensed.status_code == 200, licensed.text
    unlicensed = address.format("dataset.npp.truncated")
    refused = await client.get(unlicensed, headers={"Accept-Language": "en"})
    assert refused.status_code == 401, refused.text
    assert "states no licence" in refused.text
    known = {"Authorization": f"Bearer {world.key}"}
    assert (await client.get(unlicensed, headers=known)).status_code != 401
    picture = "layers/dataset.npp.truncated/tiles/WebMercatorQuad/10/848/440.png"
    assert (await client.get(picture)).status_code != 401


async def test_a_preview_is_the_layer_in_small(client: httpx.AsyncClient) -> None:
    answer = await client.get("/layers/zones.xiamen/preview.png", params={"size": 80})
    picture = Image.open(io.BytesIO(answer.content))
    assert picture.size == (80, 60)
    pixels = np.asarray(picture.convert("RGBA"))
    color = bytes.fromhex(ZONE_CLASSES[2].color[1:])
    assert tuple(pixels[30, 40, :3]) == tuple(color)
    assert not pixels[0, :, 3].any()
    tag = {"If-None-Match": answer.headers["etag"]}
    again = await client.get("/layers/zones.xiamen/preview.png", params={"size": 80}, headers=tag)
    assert (again.status_code, again.headers["vary"]) == (304, answer.headers["vary"])
    other = await client.get("/layers/ratio.xiamen/preview.png", params={"colormap": "magma"})
    assert other.status_code == 200


@pytest.mark.parametrize("grid", ["WebMercatorQuad", "WorldCRS84Quad", "CGCS2000Quad"])
async def test_a_tile_of_values_lies_in_its_grid(client: httpx.AsyncClient, grid: str) -> None:
    tms, lon, lat = GRIDS[grid], 118.065, 24.526
    tile = tms.tms.tile(lon, lat, 12)
    path = f"/layers/zones.xiamen/tiles/{grid}/12/{tile.x}/{tile.y}.tif"
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/tiff; application=geotiff"
    with MemoryFile(answer.content) as memory, memory.open() as file:
        assert (file.width, file.height, file.nodata, file.dtypes[0]) == (256, 256, 0, "uint8")
        assert tuple(file.bounds) == pytest.approx(tms.bounds(12, tile.x, tile.y))
        to_file = Transformer.from_crs("EPSG:4490", file.crs, always_xy=True)
        x, y = to_file.transform(lon, lat)
        value = next(file.sample([(x, y)]))[0]
    told = await ask(client, "/layers/zones.xiamen/point", params={"lon": lon, "lat": lat})
    assert value == told["value"]


async def test_an_empty_tile_of_values_has_the_layers_nodata(client: httpx.AsyncClient) -> None:
    answer = await client.get("/layers/ratio.xiamen/tiles/WebMercatorQuad/9/0/0.tif")
    with MemoryFile(answer.content) as memory, memory.open() as file:
        assert (file.read(1) == file.nodata).all()
        assert file.dtypes[0] == "float32"


async def test_a_colormap_changes_tiles_tags_and_legend(client: httpx.AsyncClient) -> None:
    tile = GRIDS["WebMercatorQuad"].tms.tile(118.065, 24.526, 12)
    path = f"/layers/ratio.xiamen/tiles/WebMercatorQuad/12/{tile.x}/{tile.y}.png"
    usual = await client.get(path)
    other = await client.get(path, params={"colormap": "viridis"})
    back = await client.get(path, params={"colormap": "viridis_r"})
    assert len({one.headers["etag"] for one in (usual, other, back)}) == 3
    assert len({one.content for one in (usual, other, back)}) == 3
    legend = await ask(client, "/layers/ratio.xiamen/legend.json", params={"colormap": "viridis"})
    assert legend["entries"][0]["color"] == "#440154"
    assert legend["entries"][-1]["color"] == "#fde725"
    tilejson = await ask(
        client, "/layers/ratio.xiamen/tilejson.json", params={"colormap": "viridis"}
    )
    assert "colormap=viridis" in tilejson["tiles"][0]


@pytest.mark.parametrize(
    ("address", "status", "said", "said_zh"),
    [
        ("zones/statistics", 404, "holds features", "矢量图层"),
        ("zones.xiamen/statistics?bbox=1,2,3", 400, "west,south,east,north", "四个经纬度"),
        ("zones.xiamen/statistics?band=2", 400, "bands 1 to 1", "波段"),
        ("zones.xiamen/statistics?area=x", 400, "unknown here", "没有参数"),
        ("dataset.npp.truncated/statistics", 409, "missing or damaged", "缺失或已损坏"),
        ("zones.xiamen/preview.png?size=100000", 400, "size", "size"),
        ("dataset.npp.truncated/preview.png", 409, "missing or damaged", "缺失或已损坏"),
        ("zones.xiamen/preview.png?colormap=viridis", 400, "no ramp", "不是色带图层"),
        ("ratio.xiamen/preview.png?colormap=jet", 400, "viridis, cividis", "可用"),
        ("nothing/statistics", 404, "no layer", "没有名为"),
    ],
)
async def test_what_cannot_be_is_refused_in_both_languages(
    client: httpx.AsyncClient, address: str, status: int, said: str, said_zh: str
) -> None:
    for lang, words in (("en", said), ("zh", said_zh)):
        answer = await client.get(f"/layers/{address}", headers={"Accept-Language": lang})
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert words in answer.json()["detail"]


@pytest.mark.parametrize("path", ["statistics", "clip"])
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", ""),
        (b"{", ""),
        (b"[" * 100_000, ""),
        (b'{"type": "Point", "coordinates": [118, 24]}', "/type"),
        (b'{"type": "Polygon", "coordinates": []}', "/coordinates"),
        (b'{"type": "Polygon", "coordinates": [[[118, 24], [119, 25], [118, 24]]]}', None),
        (b'{"type": "Feature"}', "/geometry"),
        (b"x" * (5 * 1024**2), ""),
    ],
)
async def test_a_body_that_is_no_area_is_refused(
    client: httpx.AsyncClient, path: str, body: bytes, pointer: str | None
) -> None:
    answer = await client.post(f"/layers/zones.xiamen/{path}", content=body)
    assert answer.status_code == 400, answer.text
    if pointer is not None:
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_an_area_beside_the_layer_has_nothing_to_clip(client: httpx.AsyncClient) -> None:
    ring = [[10, 10], [11, 10], [11, 11], [10, 10]]
    area = {"type": "Polygon", "coordinates": [ring]}
    answer = await client.post("/layers/zones.xiamen/clip", json=area)
    assert answer.status_code == 400
    assert "covers no cell" in answer.json()["detail"]
    nothing = await client.post("/layers/zones.xiamen/statistics", json=area)
    assert nothing.json()["cells"] == 0


async def test_what_is_not_public_has_no_values_for_the_anonymous(
    client: httpx.AsyncClient,
) -> None:
    area = rectangle(0, 0, 10, 10)
    base = "/layers/dataset.ndvi.secret"
    answers = await asyncio.gather(
        client.get(f"{base}/statistics"),
        client.get(f"{base}/preview.png"),
        client.post(f"{base}/statistics", json=area),
        client.post(f"{base}/clip", json=area),
    )
    assert [answer.status_code for answer in answers] == [404] * 4


async def test_a_file_that_is_replaced_or_removed_shows_at_once(
    client: httpx.AsyncClient, world: Any
) -> None:
    """A layer's file may be damaged by whoever runs the machine, while handles are open."""
    layer = "/layers/ratio.xiamen"
    point = {"lon": 118.065, "lat": 24.526}
    assert (await client.get(f"{layer}/point", params=point)).status_code == 200
    document = await ask(client, layer)
    path = next(
        one
        for one in (world.artifacts.root / "objects").rglob("*.tif")
        if one.name.startswith(document["version"])
    )
    whole = path.read_bytes()
    try:
        path.unlink()
        assert (await client.get(f"{layer}/point", params=point)).status_code == 409
        path.write_bytes(b"not a raster")
        assert (await client.get(f"{layer}/point", params=point)).status_code == 409
        assert (await client.get("/layers/zones.xiamen/point", params=point)).status_code == 200
    finally:
        path.write_bytes(whole)
    assert (await client.get(f"{layer}/point", params=point)).status_code == 200


async def test_the_api_document_knows_bodies_and_answers(client: httpx.AsyncClient) -> None:
    paths = (await ask(client, "/openapi.json"))["paths"]
    post = paths["/layers/{layer}/statistics"]["post"]
    assert "application/geo+json" in post["requestBody"]["content"]
    assert "application/json" in post["responses"]["200"]["content"]
    clip = paths["/layers/{layer}/clip"]["post"]
    assert "image/tiff; application=geotiff" in clip["responses"]["200"]["content"]
