"""Layers as documents: descriptions, TileJSON, styles, legends, landing page."""

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from pydantic import SecretStr
from pyproj import CRS, Transformer
from shapely import MultiPolygon, box
from sqlalchemy import delete, select, update

from shanhai.db.collections.catalogue import COLLECTIONS
from shanhai.db.engine import create_engine, create_sessions
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.zone import Region
from shanhai.raster.geotiff import write_geotiff
from shanhai.settings import DatabaseSettings
from shanhai_tiles.grids import GRIDS, WORLD_GRIDS
from tests.service.tiles.conftest import JOB, World, raster_row, serve


async def read(client: httpx.AsyncClient, path: str, **params: str) -> Any:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_list_has_each_result_once_and_no_draft(client: httpx.AsyncClient) -> None:
    layers = (await read(client, "/layers"))["layers"]
    names = [layer["id"] for layer in layers]
    rasters = ["dataset.dem.itu", "dataset.npp.truncated", "ratio.xiamen", "zones.xiamen"]
    assert sorted(names) == sorted([*rasters, *(entity.name for entity in COLLECTIONS)])
    assert all(layer["title_zh"] and layer["title_en"] for layer in layers)


async def test_a_raster_layer_describes_itself(client: httpx.AsyncClient) -> None:
    layer = await read(client, "/layers/ratio.xiamen", lang="zh")
    assert layer["title"] == "ratio 图层"
    assert layer["bounds"] == pytest.approx([117.986, 24.472, 118.145, 24.581], abs=0.001)
    assert layer["cell_m"] == pytest.approx(100, rel=0.02)
    assert layer["native_resolution_m"] == 1000
    assert layer["stand_in"] is True
    assert layer["stand_in_notes"] == [
        {
            "dataset": "dem.itu",
            "title_zh": "dem 图层",
            "title_en": "dem layer",
            "note_zh": "以粗网格高程代替",
            "note_en": "coarse elevation in place of a DEM",
        }
    ]
    assert layer["attribution"] == "ITU-R P.1511 (ITU)"
    assert set(layer["tile_matrix_sets"]) == {
        *(grid.id for grid in WORLD_GRIDS),
        "CGCS2000GK117",
    }


async def test_a_given_raster_keeps_its_stand_in_mark(client: httpx.AsyncClient) -> None:
    layer = await read(client, "/layers/dataset.dem.itu")
    assert layer["stand_in"] is True
    assert layer["stand_in_notes"][0]["note_en"] == "coarse elevation in place of a DEM"


async def test_a_raster_in_a_system_without_a_number_is_a_layer_like_others(world: World) -> None:
    """MODIS' sinusoidal has none; the list of layers failed for everybody."""
    sinusoidal = "+proj=sinu +lon_0=0 +R=6371007.181 +units=m"
    across = Transformer.from_crs(4490, sinusoidal, always_xy=True)
    x, y = across.transform(118.0, 24.6)
    transform = (463.3127, 0.0, x, 0.0, -463.3127, y)
    path = world.artifacts.root / "sinusoidal.tif"
    cells = np.arange(400, dtype=np.float32).reshape(20, 20)
    write_geotiff(path, cells, transform=transform, crs=CRS(sinusoidal).to_wkt())
    stored = world.artifacts.put(path, suffix=".tif")
    grid: dict[str, Any] = {
        "epsg": None,
        "transform": transform,
        "width": 20,
        "height": 20,
        "statistics": [],
    }
    place = f"SRID=4490;{MultiPolygon([box(118, 24.5, 118.1, 24.6)]).wkt}"
    engine = create_engine(DatabaseSettings(url=SecretStr(world.database_url)), application="test")
    async with create_sessions(engine).begin() as session:
        region = (await session.scalars(select(Region).where(Region.code == "xiamen"))).one()
        given = {"code": "npp.modis", "crs": "unknown", "grid": grid, "footprint": place}
        session.add(raster_row(region, "npp", stored, origin="imported", job_id=None, **given))
    try:
        async with serve(world, public_read=True) as client:
            listed = (await client.get("/layers")).json()["layers"]
            told = (await client.get("/layers/dataset.npp.modis")).json()
            point = (
                await client.get("/layers/dataset.npp.modis/point?lon=118.02&lat=24.58")
            ).json()
    finally:
        async with create_sessions(engine).begin() as session:
            await session.execute(delete(Dataset).where(Dataset.code == "npp.modis"))
        await engine.dispose()
    assert "dataset.npp.modis" in {layer["id"] for layer in listed}
    assert told["bounds"] == pytest.approx([118, 24.5, 118.1, 24.6])
    assert told["crs"] == "unknown"
    # The file's own system says where its cells are.
    column, row = across.transform(118.02, 24.58)
    expected = cells[int((y - row) / 463.3127), int((column - x) / 463.3127)]
    assert point["value"] == expected


async def test_the_list_has_the_newest_of_many_results(world: World) -> None:
    """A sort by the keys alone mixes rows that have the same."""
    themes = ("barriers", "corridors", "sources")
    start = datetime(2024, 1, 1, tzinfo=UTC)
    engine = create_engine(DatabaseSettings(url=SecretStr(world.database_url)), application="test")
    async with create_sessions(engine).begin() as session:
        one = (await session.scalars(select(Dataset).where(Dataset.code == "dem.itu"))).one()
        kept = {c.name: getattr(one, c.name) for c in Dataset.__table__.columns if c.name != "id"}
        shown = {"origin": "computed", "job_id": JOB, "visibility": "public"}
        for number in range(60):
            own = {"code": f"many.{number}", "name_en": f"result {number}"}
            own["theme"] = themes[number % 3]
            created = {"created_at": start + timedelta(hours=number)}
            session.add(Dataset(**{**kept, **shown, **own, **created}))
    try:
        async with serve(world, public_read=True) as client:
            listed = (await read(client, "/layers"))["layers"]
            single = [await read(client, f"/layers/{theme}.xiamen") for theme in themes]
    finally:
        async with create_sessions(engine).begin() as session:
            await session.execute(delete(Dataset).where(Dataset.code.startswith("many.")))
        await engine.dispose()
    newest = {f"{theme}.xiamen": f"result {57 + place}" for place, theme in enumerate(themes)}
    assert {layer["id"]: layer["title_en"] for layer in single} == newest
    assert {one["id"]: one["title_en"] for one in listed if one["id"] in newest} == newest


async def test_a_legend_is_that_of_the_band_its_tiles_show(world: World) -> None:
    statistics = [
        {"min": low, "max": low + 3, "mean": low, "p2": low + 1, "p98": low + 2}
        for low in (0.0, 100.0)
    ]
    engine = create_engine(DatabaseSettings(url=SecretStr(world.database_url)), application="test")
    async with create_sessions(engine).begin() as session:
        one = (await session.scalars(select(Dataset).where(Dataset.code == "npp.truncated"))).one()
        former = one.grid
        one.grid = {**former, "bands": 2, "statistics": statistics}
    path = "/layers/dataset.npp.truncated"
    try:
        async with serve(world, public_read=True) as client:
            usual = await read(client, f"{path}/legend.json")
            document = await read(client, f"{path}/tilejson.json", band="2")
            told = httpx.URL(document["legend"].replace("legend.png", "legend.json"))
            second = await read(client, told.path, **dict(told.params))
            other = await read(client, told.path, band="2", rescale="0,7")
            pictures = [
                (await client.get(f"{path}/legend.{ending}", params={"band": band})).content
                for ending in ("svg", "png")
                for band in (1, 2)
            ]
            refused = [
                await client.get(f"{path}/{tail}", params={"band": 3})
                for tail in ("tilejson.json", "legend.json", "legend.svg", "legend.png")
            ]
    finally:
        async with create_sessions(engine).begin() as session:
            await session.execute(
                update(Dataset).where(Dataset.code == "npp.truncated").values(grid=former)
            )
        await engine.dispose()
    assert httpx.URL(document["tiles"][0]).params["band"] == "2"
    for legend, ends in ((usual, (1, 2)), (second, (101, 102)), (other, (0, 7))):
        values = [entry["value"] for entry in legend["entries"]]
        assert (values[0], values[-1]) == ends
    assert pictures[0] != pictures[1]
    assert pictures[2] != pictures[3]
    for answer in refused:
        assert answer.status_code == 400
        assert "bands 1 to 2" in answer.json()["detail"]


async def test_tilejson_names_the_version(client: httpx.AsyncClient) -> None:
    layer = await read(client, "/layers/zones.xiamen")
    document = await read(client, "/layers/zones.xiamen/tilejson.json")
    assert document["tilejson"] == "3.0.0"
    assert document["tiles"] == [
        "http://tiles.test/layers/zones.xiamen/tiles/WebMercatorQuad/{z}/{x}/{y}.png"
        f"?v={layer['version']}"
    ]
    assert document["bounds"] == layer["bounds"]
    assert "stand-in" in document["description"]
    other = await read(client, "/layers/zones.xiamen/tilejson.json", tms="CGCS2000Quad")
    assert "/tiles/CGCS2000Quad/" in other["tiles"][0]
    assert other["tile_matrix_set"] == "CGCS2000Quad"


@pytest.mark.parametrize(("lang", "words"), [("zh", "来源与许可"), ("en", "Sources and licences")])
async def test_tilejson_credits_shortly_and_links_to_all(
    client: httpx.AsyncClient, lang: str, words: str
) -> None:
    document = await read(client, "/layers/ratio.xiamen/tilejson.json", lang=lang)
    name, link = document["attribution"].split(" · ")
    assert name == {"zh": "国际电信联盟", "en": "ITU"}[lang]
    assert link.startswith('<a href="http://tiles.test/layers/ratio.xiamen/map')
    assert link.endswith(f"{words}</a>")


async def test_the_legend_tilejson_names_is_drawn_as_its_tiles(client: httpx.AsyncClient) -> None:
    looks = {"rescale": "-0.5,0.5", "colormap": "rdbu"}
    document = await read(client, "/layers/ratio.xiamen/tilejson.json", **looks)
    for address in (document["tiles"][0], document["legend"]):
        asked = httpx.URL(address).params
        assert {name: asked[name] for name in looks} == looks
    path = httpx.URL(document["legend"].replace("legend.png", "legend.json"))
    entries = (await read(client, path.path, **dict(path.params)))["entries"]
    assert (entries[0]["value"], entries[0]["color"]) == (-0.5, "#67001f")


async def test_vector_tilejson_lists_its_layers_and_fields(client: httpx.AsyncClient) -> None:
    document = await read(client, "/layers/regions/tilejson.json", lang="zh")
    assert [layer["id"] for layer in document["vector_layers"]] == ["regions", "regions_labels"]
    features, names = (layer["fields"] for layer in document["vector_layers"])
    assert features["name_zh"] == names["name_zh"] == "中文名称"
    assert set(names) == set(features) == {"code", "name_zh", "name_en", "level"}


async def test_vector_tilejson_lists_the_fields_that_were_chosen(client: httpx.AsyncClient) -> None:
    document = await read(client, "/layers/stations/tilejson.json", properties="kind,code")
    assert set(document["vector_layers"][0]["fields"]) == {"code", "kind"}


async def test_styles_draw_their_own_source(client: httpx.AsyncClient) -> None:
    for name in ("zones", "regions", "ratio.xiamen"):
        style = await read(client, f"/layers/{name}/style.json")
        assert style["version"] == 8
        assert {layer["source"] for layer in style["layers"]} == set(style["sources"]) == {name}


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_legends(client: httpx.AsyncClient, lang: str) -> None:
    document = await read(client, "/layers/zones.xiamen/legend.json", lang=lang)
    assert len(document["entries"]) == 5
    svg = await client.get("/layers/zones.xiamen/legend.svg", params={"lang": lang})
    assert document["entries"][4]["label"] in svg.text
    png = await client.get("/layers/zones.xiamen/legend.png", params={"lang": lang})
    assert Image.open(io.BytesIO(png.content)).width == 380
    assert png.headers["content-language"] in {lang, "en"}


async def test_the_language_follows_the_caller(client: httpx.AsyncClient) -> None:
    answer = await client.get("/", headers={"Accept-Language": "fr;q=0.9, zh-CN;q=0.8"})
    assert answer.json()["title"] == "山海瓦片服务"
    assert answer.headers["content-language"] == "zh"


async def test_every_link_of_the_landing_page_answers(client: httpx.AsyncClient) -> None:
    for link in (await read(client, "/"))["links"]:
        answer = await client.get(link["href"])
        assert answer.status_code == 200
        assert answer.headers["content-type"] == link["type"]


async def test_conformance_claims_only_what_is_tested_here(client: httpx.AsyncClient) -> None:
    claimed = (await read(client, "/conformance"))["conformsTo"]
    assert [uri.split("/spec/")[1] for uri in claimed] == [
        "ogcapi-common-1/1.0/conf/core",
        "ogcapi-common-1/1.0/conf/landing-page",
        "ogcapi-common-1/1.0/conf/json",
        "ogcapi-common-1/1.0/conf/oas30",
        "ogcapi-common-2/1.0/conf/collections",
        "ogcapi-tiles-1/1.0/conf/core",
        "ogcapi-tiles-1/1.0/conf/tileset",
        "ogcapi-tiles-1/1.0/conf/tilesets-list",
        "ogcapi-tiles-1/1.0/conf/dataset-tilesets",
        "ogcapi-tiles-1/1.0/conf/geodata-tilesets",
        "ogcapi-tiles-1/1.0/conf/collections-selection",
        "ogcapi-tiles-1/1.0/conf/mvt",
        "ogcapi-tiles-1/1.0/conf/png",
        "ogcapi-tiles-1/1.0/conf/jpeg",
        "ogcapi-tiles-1/1.0/conf/oas30",
        "tms/2.0/conf/tilematrixset",
        "tms/2.0/conf/json-tilematrixset",
    ]


async def test_tile_matrix_sets(client: httpx.AsyncClient) -> None:
    sets = (await read(client, "/tileMatrixSets"))["tileMatrixSets"]
    assert [one["id"] for one in sets] == list(GRIDS)
    for one in sets:
        document = await read(client, one["links"][0]["href"])
        assert document["crs"] == one["crs"]
        assert [matrix["id"] for matrix in document["tileMatrices"][:2]] == ["0", "1"]


async def test_the_api_document_promises_no_422(client: httpx.AsyncClient) -> None:
    document = await read(client, "/openapi.json")
    assert document["openapi"].startswith("3.1")
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert len(operations) >= 16
    assert all("422" not in one["responses"] for one in operations)


async def test_the_viewer_page_runs_only_its_own_scripts(client: httpx.AsyncClient) -> None:
    answer = await client.get("/layers/zones.xiamen/map", params={"lang": "zh"})
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "<script>" not in answer.text
    assert "style=" not in answer.text
    assert "zones 图层" in answer.text
    [script] = re.findall(r'src="([^"]+)"', answer.text)
    main = answer.url.join(script)
    for name in ("main.js", "map.js", "viewer.css"):
        asset = await client.get(main.join(name))
        assert asset.status_code == 200
        assert asset.headers["etag"]
        assert "immutable" in asset.headers["cache-control"]


async def test_health_and_metrics(client: httpx.AsyncClient) -> None:
    assert (await read(client, "/health/live")) == {"status": "ok"}
    assert (await read(client, "/health/ready")) == {"status": "ok", "store": "none"}
    metrics = await client.get("/metrics")
    assert 'route="/health/ready",status="200"' in metrics.text
