"""What lies at a point: over all collections, for the caller's eyes only."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Any

import httpx
import pytest
from sqlalchemy import Executable, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import FastReader
from shanhai.db.tables.control import ControlArea
from shanhai.db.tables.zone import Region
from shanhai.vocabulary import Scope
from shanhai_api.features.operations import MOST_IN_COLLECTION
from tests.support.feature_rows import add_five_zones, add_job, add_scheme
from tests.support.job_rows import add_dataset
from tests.support.observation_rows import add_station

INSIDE = {"lon": 118.05, "lat": 24.45}
MakeClient = Callable[..., Awaitable[httpx.AsyncClient]]


def found(answer: httpx.Response) -> set[tuple[str, str]]:
    assert answer.status_code == 200, answer.text
    return {(item["collection"], item["id"]) for item in answer.json()["features"]}


@pytest.fixture
async def surveyed_city(session: AsyncSession, city: Region) -> Region:
    await add_five_zones(session, await add_scheme(session, city))
    for code, kind, wkt, status in (
        ("line-1", "red_line", "POLYGON((118 24.4,118.1 24.4,118.1 24.5,118 24.5,118 24.4))", ""),
        ("line-2", "red_line", "POLYGON((118 24.4,118.1 24.4,118.1 24.5,118 24.5,118 24.4))", "x"),
        ("shore", "shoreline", "LINESTRING(118 24.4501,118.1 24.4501)", ""),
    ):
        session.add(
            ControlArea(
                visibility="public",
                code=code,
                name_zh=code,
                name_en=code,
                kind=kind,
                region_id=city.id,
                status="draft" if status else "published",
                origin="drawn",
                valid_from=date(2020, 1, 1),
                geom=f"SRID=4490;{wkt}",
                attrs={"source": "test"},
            )
        )
    await session.commit()
    return city


async def test_a_point_in_a_line_and_a_zone_finds_both(
    anonymous: httpx.AsyncClient, surveyed_city: Region
) -> None:
    objects = found(await anonymous.get("/identify", params=INSIDE))
    assert objects == {
        ("regions", "city"),
        ("zone_schemes", "city.supply_demand"),
        ("zones", "city.supply_demand.strict_protection"),
        ("control_areas", "line-1"),
    }


async def test_drafts_are_for_those_who_may_see_them(
    client_with: MakeClient, surveyed_city: Region
) -> None:
    client = await client_with(Scope.READ)
    assert ("control_areas", "line-2") in found(await client.get("/identify", params=INSIDE))


async def test_a_line_is_found_within_the_tolerance(
    anonymous: httpx.AsyncClient, surveyed_city: Region
) -> None:
    near = found(await anonymous.get("/identify", params={**INSIDE, "tolerance_m": 12}))
    assert ("control_areas", "shore") in near  # 0.0001 degrees of latitude are 11.1 m
    nearer = found(await anonymous.get("/identify", params={**INSIDE, "tolerance_m": 10}))
    assert ("control_areas", "shore") not in nearer


async def test_the_day_asked_for_counts(
    anonymous: httpx.AsyncClient, surveyed_city: Region
) -> None:
    past = await anonymous.get("/identify", params={**INSIDE, "as_of": "2019-12-31"})
    assert found(past) == {("regions", "city")}


async def test_links_keep_what_was_asked(
    anonymous: httpx.AsyncClient, surveyed_city: Region
) -> None:
    named = {"as_of": "2024-06-01", "collections": "regions", "tolerance_m": "500"}
    asked = {**{name: str(value) for name, value in INSIDE.items()}, **named}
    answer = await anonymous.get("/identify", params=asked)
    links = {link["rel"]: link for link in answer.json()["links"]}
    kept = httpx.URL(links["self"]["href"]).params
    assert {name: kept[name] for name in asked} == asked
    assert links["self"]["type"] == "application/geo+json"
    again = await anonymous.get(links["self"]["href"])
    assert again.json()["features"] == answer.json()["features"]
    (city,) = answer.json()["features"]
    (item,) = city["links"]
    assert httpx.URL(item["href"]).params["as_of"] == "2024-06-01"
    assert (await anonymous.get(item["href"])).status_code == 200
    page = await anonymous.get(links["alternate"]["href"])
    assert "/collections/regions/items/city?as_of=2024-06-01&amp;f=html" in page.text


async def test_only_the_collections_asked_for(
    anonymous: httpx.AsyncClient, surveyed_city: Region
) -> None:
    some = await anonymous.get("/identify", params={**INSIDE, "collections": "zones,regions"})
    assert {collection for collection, _ in found(some)} == {"zones", "regions"}


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"lon": "181"}, 400),
        ({"lat": "north"}, 400),
        ({"lon": "nan"}, 400),
        ({"tolerance_m": "1e9"}, 400),
        ({"collections": "nowhere"}, 404),
        ({"radius": "3"}, 400),
    ],
)
async def test_refuses_what_makes_no_sense(
    anonymous: httpx.AsyncClient, changed: dict[str, str], status: int
) -> None:
    assert (await anonymous.get("/identify", params={**INSIDE, **changed})).status_code == status


FOOTPRINT = "SRID=4490;MULTIPOLYGON(((118 24.4,118.1 24.4,118.1 24.5,118 24.5,118 24.4)))"


@pytest.fixture
async def runs(session: AsyncSession, surveyed_city: Region) -> None:
    """Six runs of the same job, each with its layers; one more that is not for everybody."""
    job = (await add_job(session)).id
    for run in range(6):
        for theme in ("zones", "ratio"):
            await add_dataset(
                *(session, surveyed_city, theme, f"{theme}.{run}"),
                origin="computed",
                job_id=job,
                footprint=FOOTPRINT,
            )
    await add_dataset(session, surveyed_city, "ratio", "ratio.given", footprint=FOOTPRINT)
    await add_dataset(
        *(session, surveyed_city, "ratio", "ratio.secret"),
        origin="computed",
        job_id=job,
        visibility="region",
        footprint=FOOTPRINT,
    )
    await session.commit()


async def test_layers_of_former_runs_are_behind_a_link(
    anonymous: httpx.AsyncClient, client_with: MakeClient, runs: None
) -> None:
    answer = await anonymous.get("/identify", params=INSIDE)
    datasets = {code for collection, code in found(answer) if collection == "datasets"}
    assert datasets == {"zones.5", "ratio.5", "ratio.given"}
    related = [link for link in answer.json()["links"] if link["rel"] == "related"]
    assert [link["title"] for link in related] == ["Datasets: 10 more here, replaced by later ones"]
    behind = await anonymous.get(related[0]["href"])
    assert behind.json()["numberMatched"] == 13
    known = await (await client_with(Scope.READ)).get("/identify", params=INSIDE)
    assert ("datasets", "ratio.secret") in found(known)
    assert ("datasets", "ratio.5") in found(known)
    page = await anonymous.get("/identify", params={**INSIDE, "f": "html", "lang": "zh"})
    assert "此处另有 10 个已被取代" in page.text


async def test_a_link_to_more_is_of_the_day_and_ends_where_the_world_does(
    anonymous: httpx.AsyncClient, session: AsyncSession, city: Region
) -> None:
    corner = "lon=180&lat=90&tolerance_m=1000&as_of=2024-06-01&collections=stations"
    place, since = (180.0, 90.0), date(2020, 1, 1)
    for number in range(MOST_IN_COLLECTION + 1):
        await add_station(session, f"s{number}", region=city, place=place, since=since)
    await session.commit()
    answer = await anonymous.get(f"/identify?{corner}")
    assert answer.json()["numberReturned"] == MOST_IN_COLLECTION
    (more,) = [link for link in answer.json()["links"] if link["rel"] == "related"]
    assert httpx.URL(more["href"]).params["as_of"] == "2024-06-01"
    behind = await anonymous.get(more["href"])
    assert behind.status_code == 200, behind.text
    assert behind.json()["numberMatched"] == MOST_IN_COLLECTION + 1


async def test_what_is_in_force_comes_first_with_its_version(
    client_with: MakeClient, runs: None
) -> None:
    client = await client_with(Scope.READ)
    features = (await client.get("/identify", params=INSIDE)).json()["features"]
    order = [(one["in_force"], one["collection"], one["id"]) for one in features]
    assert order[-1] == (False, "control_areas", "line-2")
    assert all(in_force for in_force, *_ in order[:-1])
    scheme = next(one for one in features if one["collection"] == "zone_schemes")
    assert scheme["version"] == scheme["properties"]["version"]
    assert all(isinstance(one["version"], int) for one in features)


async def test_what_begins_later_is_not_in_force_before_its_day(
    anonymous: httpx.AsyncClient, session: AsyncSession, surveyed_city: Region
) -> None:
    later = "UPDATE control_area SET valid_from = '2135-01-01' WHERE code = 'line-1'"
    await session.execute(text(later))
    await session.commit()

    async def in_force(**day: str) -> bool:
        asked = httpx.QueryParams({**INSIDE, "collections": "control_areas"}).merge(day)
        (line,) = (await anonymous.get("/identify", params=asked)).json()["features"]
        return bool(line["in_force"])

    assert not await in_force()
    assert await in_force(as_of="2135-01-01")


async def test_the_day_takes_no_question_of_its_own(
    anonymous: httpx.AsyncClient, surveyed_city: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def execute(self: FastReader, statement: Executable, params: Mapping[str, Any]) -> Any:
        asked.append(str(statement))
        return await answer(self, statement, params)

    answer = FastReader.execute
    monkeypatch.setattr(FastReader, "execute", execute)
    await anonymous.get("/identify", params={**INSIDE, "collections": "control_areas"})
    assert len(asked) == 1
    assert "control_area" in asked[0]


async def test_a_page_lists_them(anonymous: httpx.AsyncClient, surveyed_city: Region) -> None:
    page = await anonymous.get("/identify", params={**INSIDE, "f": "html", "lang": "zh"})
    assert page.status_code == 200
    assert "严格保护与管控区" in page.text
