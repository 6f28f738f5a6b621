"""Pages of checks: names where there are codes, whatever the verdict, at once or of a job."""

import json
import re
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import put_default_rules, seed_cities
from shanhai.db.tables.control import ControlArea
from shanhai.db.tables.zone import Region
from tests.support.feature_rows import add_five_zones, add_job, add_scheme
from tests.support.job_rows import add_region
from tests.support.known_lines import register_lines
from tests.support.walking import visible_texts

EXECUTION = "/processes/check-compliance/execution"
CODE = re.compile(r"[a-z][a-z0-9]*(?:[._:-][A-Za-z0-9]+)*[._:][A-Za-z0-9-]+", re.ASCII)
INSIDE, BESIDE, ZONED, PLAIN = (118.02, 24.42), (118.15, 24.42), (118.75, 24.42), (118.32, 24.42)


def box(west: float, south: float, size: float = 0.02) -> dict[str, Any]:
    east, north = round(west + size, 6), round(south + size, 6)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


@pytest.fixture
async def coast_city(session: AsyncSession) -> Region:
    """A city with a red line and a zoning, which ends in the west, and no wetland registered."""
    act = Act("tester")
    await seed_cities(session, ["xiamen"], [], act=act)
    await put_default_rules(session, act)
    city = await add_region(session, "city", box=(117.5, 24.0, 119.0, 25.0))
    city.name_zh, city.name_en = "滨城", "Coast City"
    await register_lines(session, city, but=["wetland"])
    scheme = await add_scheme(session, city, code="city.plan-zones")
    scheme.name_zh, scheme.name_en = "滨城修复分区", "Zones of Coast City"
    await add_five_zones(session, scheme)
    session.add_all(
        [
            ControlArea(
                visibility="public",
                code="city.red-line-1",
                name_zh="东山红线",
                name_en="East Hill red line",
                kind="red_line",
                status="published",
                region_id=city.id,
                geom="SRID=4490;POLYGON((118 24.4, 118.1 24.4, 118.1 24.5, 118 24.5, 118 24.4))",
            ),
        ]
    )
    await session.commit()
    return city


def unnamed(html: str) -> set[str]:
    """What stands on a page for people as a code."""
    return {code for shown in visible_texts(html) for code in CODE.findall(shown)}


@pytest.mark.usefixtures("coast_city")
@pytest.mark.parametrize(
    ("place", "activity", "verdicts", "words"),
    [
        (
            INSIDE,
            "mining",
            ("不通过", "Refused"),
            ("生态保护红线：采矿禁止", "Ecological red line: Mining is forbidden", "东山红线"),
        ),
        (
            BESIDE,
            "urban_housing",
            ("无法判定", "Undetermined"),
            (
                "滨城湿地：未登记",
                "Wetland of Coast City, none registered",
                ">湿地：各类开发活动</a>",
                ">滨城</a>",
                ">滨城修复分区</a>",
            ),
        ),
        (
            ZONED,
            "tourism",
            ("无法判定", "Undetermined"),
            ("不在现行供需分区的任何一类中", "no zone of the zoning (supply and demand) in force"),
        ),
        (
            INSIDE,
            "wetland_restoration&lines=red_line",
            ("有条件", "Conditional"),
            ("湿地修复须满足条件（按“生态修复工程”的规则）", "Wetland restoration is possible"),
        ),
        (
            PLAIN,
            "wetland_restoration&lines=red_line",
            ("通过", "Pass"),
            ("未触发限制性规则", "no rule stands against it"),
        ),
    ],
)
async def test_names_are_shown_in_the_readers_language(
    reader: httpx.AsyncClient,
    place: tuple[float, float],
    activity: str,
    verdicts: tuple[str, str],
    words: tuple[str, ...],
) -> None:
    asked = {"geometry": json.dumps(box(*place)), "f": "html"}
    pages = {}
    for lang, verdict in zip(("zh", "en"), verdicts, strict=True):
        answer = await reader.get(
            f"/compliance/check?activities={activity}&{urlencode({**asked, 'lang': lang})}"
        )
        assert answer.status_code == 200
        assert f">{verdict}</span></h2>" in answer.text
        assert not unnamed(answer.text)
        pages[lang] = answer.text
    for word in words:
        assert word in pages["en" if word.isascii() else "zh"]


@pytest.mark.usefixtures("coast_city")
async def test_the_page_of_a_job_is_that_of_the_check(
    reader: httpx.AsyncClient, session: AsyncSession
) -> None:
    inputs = {"geometry": box(*INSIDE), "activities": ["mining"]}
    values = (await reader.post(EXECUTION, json={"inputs": inputs})).json()
    result = {"outputs": {}, "values": values, "manifest": {}, "warnings": []}
    job = await add_job(
        session, kind="check-compliance", status="successful", progress=100, result=result
    )
    await session.commit()
    for lang, verdict, name in (
        ("zh", "不通过", "东山红线"),
        ("en", "Refused", "East Hill red line"),
    ):
        answer = await reader.get(f"/jobs/{job.id}/results", params={"f": "html", "lang": lang})
        assert f">{verdict}</span></h2>" in answer.text
        assert name in answer.text
        assert not unnamed(answer.text)
    assert (await reader.get(f"/jobs/{job.id}/results")).json()["result"] == values["result"]


@pytest.mark.usefixtures("coast_city")
async def test_exceptions_name_what_they_are_from(admin: httpx.AsyncClient) -> None:
    given = {"geometry": box(*INSIDE), "region": "city", "reason": "已核对"}
    for about in ({"rule": "national.red-line.mining"}, {"gap": "not_registered:wetland:city"}):
        made = await admin.post("/compliance/exceptions", json={**given, **about})
        assert made.status_code == 201, made.text
    revoked = await admin.post(
        f"/compliance/exceptions/{made.json()['code']}/revoke", json={"reason": "重新核定"}
    )
    assert revoked.status_code == 200
    expected = {
        "zh": (">生态保护红线：采矿</a>", "未登记：湿地、滨城", "已撤销", ">滨城</a>"),
        "en": (">Ecological red line: Mining</a>", "Not registered: Wetland, Coast City"),
    }
    for lang, words in expected.items():
        asked = {"f": "html", "lang": lang}
        listed = (await admin.get("/compliance/exceptions", params=asked)).text
        assert all(word in listed for word in words)
        assert not unnamed(listed)
        one = await admin.get(f"/compliance/exceptions/{made.json()['code']}", params=asked)
        assert "重新核定" in one.text
        assert not {code for code in unnamed(one.text) if "wetland" in code}


@pytest.mark.usefixtures("coast_city")
async def test_the_form_takes_as_much_as_an_address_has_room_for(
    reader: httpx.AsyncClient,
) -> None:
    (west, south), size = PLAIN, 0.02
    along = [[round(west + size * step / 900, 6), south] for step in range(901)]
    ring = [*along, [west + size, south + size], [west, south + size], [west, south]]
    geometry = json.dumps({"type": "Polygon", "coordinates": [ring]}, indent=None)
    assert 18_000 < len(geometry) < 20_000
    asked = {"geometry": geometry, "activities": "mining"}
    found = await reader.get("/compliance/check", params=asked)
    assert found.status_code == 200, found.text
    for wrong in (geometry + " " * 2_000, geometry.replace("Polygon", "多边形")):
        refused = await reader.get("/compliance/check", params=asked | {"geometry": wrong})
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["pointer"].endswith("geometry")
