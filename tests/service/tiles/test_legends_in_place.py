"""Legends that list the classes of what is drawn: of a part of a layer, or within a box."""

import io
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy import text

from shanhai.feature_styles import STYLES
from shanhai.vocabulary import ZONE_CLASSES, Lang
from tests.service.tiles.conftest import World
from tests.support.job_rows import open_sessions

WEST, EAST, NOWHERE = "117.95,24.45,118.05,24.65", "118.15,24.45,118.25,24.65", "10,10,11,11"
STRICT, KEY = ZONE_CLASSES[0], ZONE_CLASSES[1]


async def codes(client: httpx.AsyncClient, layer: str, **asked: str) -> list[str]:
    """The codes of the legend's entries."""
    answer = await client.get(f"/layers/{layer}/legend.json", params=asked)
    assert answer.status_code == 200, answer.text
    return [entry["code"] for entry in answer.json()["entries"]]


async def test_a_box_keeps_the_classes_of_the_zones_in_it(client: httpx.AsyncClient) -> None:
    assert await codes(client, "zones") == [STRICT.code, KEY.code]
    assert await codes(client, "zones", bbox=WEST) == [STRICT.code]
    assert await codes(client, "zones", bbox=EAST) == [KEY.code]
    assert await codes(client, "zones", bbox=NOWHERE) == []


async def test_a_part_without_zones_has_no_classes(client: httpx.AsyncClient) -> None:
    assert await codes(client, "zones", region="xiamen") == [STRICT.code, KEY.code]
    assert await codes(client, "zones", region="xiamen.huli") == []
    assert await codes(client, "zones", scheme="xiamen.supply_demand", bbox=EAST) == [KEY.code]


async def test_declared_classes_are_kept_where_they_occur(client: httpx.AsyncClient) -> None:
    declared = [one.code for one in STYLES["regions"].classes]
    assert await codes(client, "regions") == declared
    assert await codes(client, "regions", bbox=WEST) == ["administrative"]
    assert await codes(client, "regions", level="district") == ["administrative"]
    assert await codes(client, "regions", level="basin") == []
    assert await codes(client, "datasets", region="xiamen", bbox=NOWHERE) == []


async def test_features_of_no_class_are_told_where_they_occur(
    client: httpx.AsyncClient, world: World
) -> None:
    add = (
        "INSERT INTO problem (visibility, code, name_zh, name_en, region_id, type, severity, geom)"
        " SELECT 'public', 'xiamen.p' || n, '问题', 'Problem', r.id, 'mine_damage', s,"
        " ST_SetSRID(ST_MakePoint(118.0 + 0.2 * n, 24.5), 4490)"
        " FROM region r, (VALUES (0, 'high'), (1, NULL)) AS given(n, s) WHERE r.code = 'xiamen'"
    )
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        await session.execute(text(add))
    assert await codes(client, "problems", bbox=WEST) == ["high"]
    assert await codes(client, "problems", bbox=EAST) == ["other"]


async def test_a_filter_on_a_plan_shows_no_hidden_one(
    client: httpx.AsyncClient, world: World
) -> None:
    add = (
        "WITH hidden AS (INSERT INTO plan (code, name_zh, name_en, region_id, kind, level,"
        " first_year, status) SELECT 'secret', '规划', 'Plan', id, 'k', 'city', 2024, 'draft'"
        " FROM region WHERE code = 'xiamen' RETURNING id, region_id)"
        " INSERT INTO problem (visibility, code, name_zh, name_en, region_id, plan_id, type,"
        " severity, geom) SELECT 'public', 'xiamen.secret', '问题', 'Problem', region_id, id,"
        " 'mine_damage', 'high', ST_SetSRID(ST_MakePoint(118.0, 24.5), 4490) FROM hidden"
    )
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        await session.execute(text(add))
    assert await codes(client, "problems", bbox=WEST) == ["high"]
    for hidden in ({"plan": "secret"}, {"filter": "plan = 'secret'"}):
        assert await codes(client, "problems", **hidden) == []
        for form in ("style.json", "legend.svg"):
            answer = await client.get(f"/layers/problems/{form}", params=hidden)
            assert answer.status_code == 200, answer.text
    in_scheme = await codes(client, "zones", filter="scheme = 'xiamen.supply_demand'")
    assert in_scheme == [STRICT.code, KEY.code]


@pytest.mark.parametrize("layer", sorted(STYLES))
async def test_each_collection_answers_a_box(client: httpx.AsyncClient, layer: str) -> None:
    whole = await codes(client, layer)
    assert set(await codes(client, layer, bbox="-180,-90,180,90")) <= set(whole)


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_pictures_show_the_same_classes(client: httpx.AsyncClient, lang: Lang) -> None:
    asked = {"bbox": WEST, "lang": lang}
    svg = (await client.get("/layers/zones/legend.svg", params=asked)).text
    assert STRICT.label.in_(lang) in svg
    assert KEY.label.in_(lang) not in svg
    whole, part = [
        await client.get("/layers/zones/legend.png", params=one) for one in ({"lang": lang}, asked)
    ]
    assert _height(part) < _height(whole)
    assert part.headers["etag"] != whole.headers["etag"]


def _height(answer: httpx.Response) -> int:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content)).height


async def test_documents_of_a_part_name_its_legend(client: httpx.AsyncClient) -> None:
    part = {"region": "xiamen", "scheme": "xiamen.supply_demand"}
    tilejson = (await client.get("/layers/zones/tilejson.json", params=part)).json()
    address = httpx.URL(tilejson["legend"])
    assert {name: address.params[name] for name in part} == part
    style: dict[str, Any] = (await client.get("/layers/zones/style.json", params=part)).json()
    named = httpx.URL(style["metadata"]["shanhai:legend"])
    assert {name: named.params[name] for name in part} == part
    assert (await client.get(named)).headers["content-type"] == "image/png"
    nothing = {"region": "xiamen.huli"}
    told = (await client.get("/layers/zones", params=nothing)).json()
    assert told["legend"]["entries"] == []


@pytest.mark.parametrize("bbox", ["", "1,2,3", "a,b,c,d", "nan,0,1,1", "118.3,24,118.1,25"])
@pytest.mark.parametrize("form", ["json", "png", "svg"])
async def test_a_box_that_is_none_is_refused(
    client: httpx.AsyncClient, bbox: str, form: str
) -> None:
    answer = await client.get(f"/layers/zones/legend.{form}", params={"bbox": bbox})
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["pointer"] == "bbox"


@pytest.mark.parametrize(("lang", "word"), [("zh", "栅格"), ("en", "raster")])
async def test_a_raster_has_one_legend(client: httpx.AsyncClient, lang: str, word: str) -> None:
    asked = {"bbox": WEST, "lang": lang}
    answer = await client.get("/layers/zones.xiamen/legend.json", params=asked)
    assert answer.status_code == 400
    problem = answer.json()
    assert problem["errors"][0]["pointer"] == "bbox"
    assert word in problem["detail"]
