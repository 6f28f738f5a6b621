"""The feed of changes: each once, in order, nothing missed, nothing told that is hidden."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import entity_named
from shanhai.db.features import write
from shanhai.db.features.input_validation import read_draft
from shanhai.db.identity import Identity, RoleGiven
from shanhai.db.queries.audit import Act, record, write_entries
from shanhai.db.queries.keys import create_key
from shanhai.db.seeds.load import seed_cities
from shanhai.vocabulary import Role, Scope
from shanhai_api.kit.state import ServiceState
from tests.support.job_rows import add_region

REGIONS = "/collections/regions/items"
PLANS = "/collections/plans/items"


def region(code: str, name: str = "Region") -> dict[str, Any]:
    members = {"code": code, "name_zh": "区", "name_en": name, "level": "district"}
    return {"type": "Feature", "geometry": None, "properties": members}


def plan(code: str, **members: Any) -> dict[str, Any]:
    names = {"code": code, "name_zh": "规划", "name_en": "Plan", "kind": "x", "level": "city"}
    properties = {**names, "period_start": 2021, "region": "city", **members}
    return {"type": "Feature", "geometry": None, "properties": properties}


async def head(client: httpx.AsyncClient) -> str:
    document = (await client.get("/changes", params={"since": "now"})).json()
    assert document["changes"] == []
    cursor: str = document["cursor"]
    return cursor


async def told(client: httpx.AsyncClient, since: str, **asked: Any) -> list[tuple[str, str]]:
    answer = await client.get("/changes", params={"since": since, **asked})
    assert answer.status_code == 200, answer.text
    return [(change["id"], change["change"]) for change in answer.json()["changes"]]


async def test_each_change_once_in_order(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    since = await head(anonymous)
    for code in ("a", "b"):
        assert (await admin.post(REGIONS, json=region(code))).is_success
    assert (await admin.patch(f"{REGIONS}/a", json={"properties": {"name_en": "A"}})).is_success
    assert (await admin.delete(f"{REGIONS}/b")).is_success
    expected = [("a", "created"), ("b", "created"), ("a", "updated"), ("b", "deleted")]
    assert await told(anonymous, since) == expected

    document = (await anonymous.get("/changes", params={"since": since})).json()
    numbers = [change["seq"] for change in document["changes"]]
    assert numbers == sorted(set(numbers))
    assert [change["row_version"] for change in document["changes"]][:3] == [1, 1, 2]
    assert document["changes"][0]["links"][0]["href"].endswith(f"{REGIONS}/a")
    assert document["changes"][3]["links"] == []
    assert await told(anonymous, document["cursor"]) == []

    seen, asked = [], f"/changes?since={since}&limit=1"
    for _ in range(10):
        page = (await anonymous.get(asked)).json()
        seen += [(change["id"], change["change"]) for change in page["changes"]]
        following = [link["href"] for link in page["links"] if link["rel"] == "next"]
        if not following:
            break
        asked = following[0]
    assert seen == expected


async def test_records_and_collections_by_name(
    admin: httpx.AsyncClient, session: AsyncSession
) -> None:
    since = await head(admin)
    await admin.post(REGIONS, json=region("city"))
    await admin.post(PLANS, json=plan("plan.x"))
    programme = {"code": "p.one", "name_zh": "工程", "name_en": "Programme"}
    made = await admin.post("/plans/plan.x/programmes", json=programme)
    assert made.status_code == 201, made.text
    assert await told(admin, since, collection="programmes,regions") == [
        ("city", "created"),
        ("p.one", "created"),
    ]
    change = (await admin.get("/changes", params={"since": since})).json()["changes"][-1]
    assert (await admin.get(change["links"][0]["href"])).json()["code"] == "p.one"
    assert (await admin.get("/changes?collection=nothing")).status_code == 404
    assert (await admin.get("/changes?since=now&collection=nothing")).status_code == 404


async def test_who_read_or_downloaded_is_not_told_as_a_change(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    assert (await admin.post(REGIONS, json=region("city"))).is_success
    since = await head(anonymous)
    for action in ("read", "download"):
        record(session, Act("key:test"), action, table="region", object_id="city")
    await session.commit()
    assert (await admin.patch(f"{REGIONS}/city", json={"properties": {"name_en": "C"}})).is_success
    assert await told(anonymous, since) == [("city", "updated")]


async def test_links_to_itself_keep_what_was_asked(anonymous: httpx.AsyncClient) -> None:
    asked = {"limit": "2", "collection": "programmes,regions", "lang": "zh"}
    links = (await anonymous.get("/changes", params=asked)).json()["links"]
    for link in links[:2]:
        kept = dict(httpx.URL(link["href"]).params)
        assert kept == {**asked, "f": "json" if link["rel"] == "self" else "html"}


async def test_what_is_hidden_is_not_told(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    await add_region(session, "city")
    await add_region(session, "elsewhere")
    headers = {}
    for place in ("city", "elsewhere"):
        roles = [RoleGiven(Role.PLANNER, place)]
        key = await create_key(session, name=place, scopes=[Scope.READ], roles=roles)
        headers[place] = {"Authorization": f"Bearer {key}"}
    await session.commit()
    since = await head(anonymous)

    async def of(place: str) -> list[str]:
        asked = {"since": since, "collection": "plans"}
        answer = await anonymous.get("/changes", params=asked, headers=headers[place])
        return [change["change"] for change in answer.json()["changes"]]

    await admin.post(PLANS, json=plan("draft"))
    assert await of("city") == ["created"]
    assert await of("elsewhere") == []
    assert await told(anonymous, since) == []
    for status in ("submitted", "approved"):
        step = {"properties": {"status": status}}
        assert (await admin.patch(f"{PLANS}/draft", json=step)).is_success
    assert [kind for _, kind in await told(anonymous, since)] == ["created", "updated", "updated"]

    await admin.patch(f"{PLANS}/draft", json={"properties": {"status": "withdrawn"}})
    assert await of("city") == ["created", "updated", "updated", "updated"]
    assert await of("elsewhere") == ["deleted"]
    assert await told(anonymous, since) == [("draft", "deleted")]


async def test_records_are_told_to_who_may_see_their_plan(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    await add_region(session, "city")
    await add_region(session, "elsewhere")
    headers: dict[str, dict[str, str]] = {"nobody": {}}
    for place in ("city", "elsewhere"):
        roles = [RoleGiven(Role.PLANNER, place)]
        key = await create_key(session, name=place, scopes=[Scope.READ], roles=roles)
        headers[place] = {"Authorization": f"Bearer {key}"}
    await session.commit()
    since = await head(anonymous)

    async def article(number: int) -> None:
        names = {"code": f"article-{number}", "name_zh": "条", "name_en": "Article"}
        made = await admin.post("/plans/held/provisions", json={**names, "kind": "article"})
        assert made.status_code == 201, made.text

    async def told_to(who: str) -> list[tuple[str, str]]:
        asked = {"since": since, "collection": "provisions"}
        answer = await anonymous.get("/changes", params=asked, headers=headers[who])
        assert answer.status_code == 200, answer.text
        return [(change["id"], change["change"]) for change in answer.json()["changes"]]

    async def step(status: str) -> None:
        body = {"properties": {"status": status}}
        assert (await admin.patch(f"{PLANS}/held", json=body)).is_success

    await admin.post(PLANS, json=plan("held"))
    await article(1)
    drafted = [("article-1", "created")]
    assert await told_to("city") == drafted
    assert await told_to("elsewhere") == await told_to("nobody") == []
    for status in ("submitted", "approved"):
        await step(status)
    await article(2)
    public = [*drafted, ("article-2", "created")]
    for who in headers:
        assert await told_to(who) == public, who
    await step("withdrawn")
    await article(3)
    renamed = {"name_en": "Another"}
    answer = await admin.patch("/plans/held/provisions/article-2", json=renamed)
    assert answer.is_success, answer.text
    assert await told_to("city") == [
        *public,
        ("article-3", "created"),
        ("article-2", "updated"),
    ]
    assert await told_to("elsewhere") == await told_to("nobody") == []


async def test_a_removed_object_is_told_to_who_could_see_it(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    await add_region(session, "city")
    await session.commit()
    await admin.post(PLANS, json=plan("hidden"))
    since = await head(anonymous)
    assert (await admin.delete(f"{PLANS}/hidden")).is_success
    assert await told(admin, since) == [("hidden", "deleted")]
    assert await told(anonymous, since) == []


async def test_writers_at_once_are_told_in_the_order_of_their_commits(
    anonymous: httpx.AsyncClient, session: AsyncSession, state: ServiceState
) -> None:
    since = await head(anonymous)
    regions = entity_named("regions")
    writer = Identity("tester", frozenset({Scope.READ, Scope.WRITE}))

    async def create(own: AsyncSession, code: str) -> None:
        draft = await read_draft(regions, region(code), whole=True)
        await write.create(own, regions, writer, Act("tester"), draft)

    async with state.sessions() as first, state.sessions() as second, state.sessions() as third:
        await create(first, "first")
        await create(second, "second")
        await second.commit()
        assert await told(anonymous, since) == [("second", "created")]
        cursor = (await anonymous.get("/changes", params={"since": since})).json()["cursor"]

        await write_entries(first)
        await create(third, "third")
        waiting = asyncio.create_task(third.commit())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        assert await told(anonymous, cursor) == []
        await first.commit()
        await waiting
    assert await told(anonymous, cursor) == [("first", "created"), ("third", "created")]


@pytest.mark.parametrize(
    ("name", "value"),
    [("since", "x"), ("since", "YzAx"), ("limit", "0"), ("limit", "10001"), ("other", "1")],
)
async def test_malformed(
    anonymous: httpx.AsyncClient, session: AsyncSession, name: str, value: str
) -> None:
    answer = await anonymous.get("/changes", params={name: value})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == name


@pytest.mark.parametrize(("lang", "word"), [("zh", "变更"), ("en", "Changes")])
async def test_page(admin: httpx.AsyncClient, session: AsyncSession, lang: str, word: str) -> None:
    since = await head(admin)
    await admin.post(REGIONS, json=region("a"))
    page = await admin.get("/changes", params={"since": since, "f": "html", "lang": lang})
    assert page.status_code == 200
    assert f"<h1>{word}</h1>" in page.text
    assert f"{REGIONS}/a" in page.text


async def test_data_that_ships_is_told_by_the_codes_of_its_objects(
    anonymous: httpx.AsyncClient, session: AsyncSession, state: ServiceState
) -> None:
    since = await head(anonymous)
    async with state.sessions.begin() as own:
        await seed_cities(own, ["banan"], [], act=Act("tester"))
    counts = {"projects": 21, "zones": 5, "zone_schemes": 1, "plan_indicators": 8}
    for collection, count in counts.items():
        asked = {"since": since, "collection": collection}
        changes = (await anonymous.get("/changes", params=asked)).json()["changes"]
        assert [change["change"] for change in changes] == ["created"] * count
        for change in changes[:2]:
            assert (await anonymous.get(change["links"][0]["href"])).status_code == 200
