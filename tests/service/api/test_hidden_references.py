"""What names a thing that a reader may not know of does not name it to them."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.vocabulary import Role, Scope
from tests.support.feature_rows import forget_features
from tests.support.job_rows import add_region

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

PROBLEM = "/collections/problems/items"
HIDDEN = "secret-plan"
INSIDE = ("planner@city",)
OUTSIDE = ("", "viewer@", "planner@elsewhere")


@pytest.fixture
async def callers(anonymous: httpx.AsyncClient, session: AsyncSession) -> dict[str, dict[str, str]]:
    """A public problem of a draft plan, and the headers of who reads it."""
    await forget_features(session)
    for code in ("city", "elsewhere"):
        await add_region(session, code)
    city = "(SELECT id FROM region WHERE code = 'city')"
    plan = f"(SELECT id FROM plan WHERE code = '{HIDDEN}')"
    for statement in (
        "INSERT INTO plan (code, name_zh, name_en, kind, level, region_id, first_year)"
        f" VALUES ('{HIDDEN}', '规划', 'Plan', 'special', 'city', {city}, 2021)",
        "INSERT INTO problem (visibility, code, name_zh, name_en, region_id, plan_id, type)"
        f" VALUES ('public', 'p-1', '问题', 'Problem', {city}, {plan}, 'erosion')",
        "INSERT INTO programme (code, name_zh, name_en, plan_id, order_no)"
        f" VALUES ('secret-programme', '工程', 'Programme', {plan}, 1)",
        "INSERT INTO project (code, name_zh, name_en, region_id, plan_id, programme_id,"
        " start_year, end_year, state, visibility)"
        f" VALUES ('j-1', '项目', 'Project', {city}, {plan}, (SELECT id FROM programme),"
        " 2021, 2022, 'approved', 'public')",
    ):
        await session.execute(text(statement))
    found: dict[str, dict[str, str]] = {"": {}}
    for name in (*INSIDE, *OUTSIDE[1:]):
        role, _, region = name.partition("@")
        given = [RoleGiven(Role(role), region or None)]
        key = await create_key(session, name=name, scopes=[Scope.READ], roles=given)
        found[name] = {"Authorization": f"Bearer {key}"}
    await session.commit()
    return found


async def ask(client: httpx.AsyncClient, headers: Any, path: str, **params: Any) -> httpx.Response:
    """Read what is there."""
    answer = await client.get(path, params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("name", OUTSIDE)
async def test_a_hidden_plan_is_not_named(
    callers: dict[str, dict[str, str]], anonymous: httpx.AsyncClient, name: str
) -> None:
    headers = callers[name]
    for path in (
        PROBLEM,
        f"{PROBLEM}/p-1",
        f"{PROBLEM}/p-1/versions",
        "/collections/projects/items",
    ):
        for params in ({}, {"f": "html"}):
            found = await ask(anonymous, headers, path, **params)
            assert "secret-" not in found.text, (path, params)
    one = (await ask(anonymous, headers, f"{PROBLEM}/p-1")).json()
    assert one["properties"]["plan"] is None
    assert "secret-" not in (await ask(anonymous, headers, PROBLEM, f="csv")).text
    for question in (
        {"plan": HIDDEN},
        {"filter": f"plan = '{HIDDEN}'"},
        {"filter": "plan IS NOT NULL"},
    ):
        found = await ask(anonymous, headers, PROBLEM, **question)
        assert found.json()["features"] == [], question
    found = await ask(anonymous, headers, "/collections/projects/items", plan=HIDDEN)
    assert found.json()["features"] == []
    today = await ask(anonymous, headers, PROBLEM, as_of="2999-01-01", sortby="plan")
    assert [item["properties"]["plan"] for item in today.json()["features"]] == [None]


@pytest.mark.parametrize("name", INSIDE)
async def test_its_people_read_the_name(
    callers: dict[str, dict[str, str]], anonymous: httpx.AsyncClient, name: str
) -> None:
    headers = callers[name]
    for question in ({}, {"plan": HIDDEN}, {"filter": f"plan = '{HIDDEN}'"}, {"sortby": "plan"}):
        found = await ask(anonymous, headers, PROBLEM, **question)
        told = [item["properties"]["plan"] for item in found.json()["features"]]
        assert told == [HIDDEN], question
    (project,) = (await ask(anonymous, headers, "/collections/projects/items")).json()["features"]
    assert project["properties"]["plan"] == HIDDEN
    assert project["properties"]["programme"] == "secret-programme"
    assert HIDDEN in (await ask(anonymous, headers, PROBLEM, f="csv")).text


NAMING = (
    "INSERT INTO plan (code, name_zh, name_en, kind, level, region_id, first_year, supersedes_id)"
    " SELECT 'secret-edition', '规划', 'Plan', kind, level, region_id, 2026, id FROM plan",
    "INSERT INTO problem (visibility, code, name_zh, name_en, region_id, plan_id, type)"
    " SELECT 'public', 'secret-problem', '问题', 'Problem', region_id, id, 'erosion' FROM plan"
    " WHERE code = 'secret-edition'",
    "INSERT INTO problem (visibility, code, name_zh, name_en, region_id, type, copied_from_id)"
    " SELECT 'public', 'p-2', '问题', 'Problem', region_id, 'erosion', id FROM problem"
    " WHERE code = 'secret-problem'",
    "INSERT INTO project_problem (project_id, problem_id) SELECT pj.id, pb.id"
    " FROM project pj, problem pb WHERE pb.code IN ('p-1', 'secret-problem')",
    "INSERT INTO proposal (code, title, kind, subject, region_id, base_id, base, change, fields,"
    " reason, author, state, made_id)"
    " SELECT 'secret-proposal', 't', 'project', '{}', region_id, id,"
    " '{}', '{}', '[]', 'r', 'a', 'carried_out', id FROM project",
)


@pytest.fixture
async def naming(callers: dict[str, dict[str, str]], session: AsyncSession) -> None:
    """A problem of a draft edition, which a project and a copy name; a proposal carried out."""
    for statement in NAMING:
        await session.execute(text(statement))
    await session.commit()


@pytest.mark.parametrize(
    ("name", "problems", "proposals", "copied"),
    [
        ("", ["p-1"], [], None),
        ("viewer@", ["p-1"], ["secret-proposal"], None),
        ("planner@elsewhere", ["p-1"], ["secret-proposal"], None),
        ("planner@city", ["p-1", "secret-problem"], ["secret-proposal"], "secret-problem"),
    ],
)
async def test_lists_copies_and_proposals_name_nothing_hidden(
    naming: None,
    callers: dict[str, dict[str, str]],
    anonymous: httpx.AsyncClient,
    name: str,
    problems: list[str],
    proposals: list[str],
    copied: str | None,
) -> None:
    headers = callers[name]
    projects = "/collections/projects/items"
    for path, params in ((f"{projects}/j-1", {}), (f"{projects}/j-1", {"as_of": "2999-01-01"})):
        told = (await ask(anonymous, headers, path, **params)).json()["properties"]
        assert (told["problems"], told["revised_by"]) == (problems, proposals)
    copy = (await ask(anonymous, headers, f"{PROBLEM}/p-2")).json()["properties"]
    assert copy["copied_from"] == copied
    for question in ("copied_from = 'secret-problem'", "copied_from IS NOT NULL"):
        found = await ask(anonymous, headers, PROBLEM, filter=question)
        assert len(found.json()["features"]) == (copied is not None)
    for kind in ("csv", "html"):
        for path in (projects, PROBLEM, f"{projects}/j-1/versions"):
            if kind == "csv" and path.endswith("versions"):
                continue
            page = (await ask(anonymous, headers, path, f=kind)).text
            assert ("secret-problem" in page) <= (copied is not None), (path, kind)
            assert ("secret-proposal" in page) <= bool(proposals), (path, kind)


async def paper(client: httpx.AsyncClient, code: str, region: str) -> str:
    """The code of a document of a new project, for those of its region alone."""
    names = {"code": code, "name_zh": "堰", "name_en": "Weir", "region": region}
    years = {"start_year": 2024, "end_year": 2025}
    body = {"type": "Feature", "geometry": None, "properties": {**names, **years}}
    made = await client.post("/collections/projects/items", json=body)
    assert made.status_code == 201, made.text
    sent = await client.post(
        f"/projects/{code}/documents",
        params={"filename": "a.txt", "kind": "other", "title_zh": "凭证"},
        content=b"A receipt.",
        headers={"Content-Type": "text/plain"},
    )
    assert sent.status_code == 201, sent.text
    return str(sent.json()["code"])


def title(region: str, *evidence: str) -> dict[str, Any]:
    """A title that rests on some documents."""
    names = {"code": f"title-{region}", "name_zh": "称号", "name_en": "Title"}
    return {**names, "region": region, "series": "beautiful_bay", "evidence": [*evidence]}


def mine(region: str, *evidence: str) -> dict[str, Any]:
    """A mine that rests on some documents."""
    names = {"code": f"mine-{region}", "name_zh": "矿", "name_en": "Mine", "kind": "legacy"}
    own = {**names, "region": region, "evidence": [*evidence]}
    return {"type": "Feature", "geometry": None, "properties": own}


async def test_documents_are_named_by_and_to_those_who_may_know_of_them(
    people: dict[str, httpx.AsyncClient],
) -> None:
    own, other = people["planner@a"], people["planner@b"]
    hidden = await paper(own, "weir-a", "a")
    for path, body, under in (
        ("/titles", title, ""),
        ("/collections/mines/items", mine, "/properties"),
    ):
        told = []
        for code in (hidden, "nowhere"):
            refused = await other.post(path, json=body("b", code))
            assert refused.status_code == 400, refused.text
            (error,) = refused.json()["errors"]
            assert error["pointer"] == f"{under}/evidence"
            told.append(error["detail"].replace(code, ""))
        assert told[0] == told[1]
        assert (await own.post(path, json=body("a", hidden))).status_code == 201
        for who, seen in (("planner@a", True), ("planner@b", False), ("anonymous", False)):
            one = f"{path}/{body.__name__}-a"
            for place, form in ((one, "json"), (one, "html"), (path, "json"), (path, "csv")):
                page = await people[who].get(place, params={"f": form})
                assert page.status_code == 200, page.text
                assert (hidden in page.text) == seen, (who, place, form)


async def test_what_is_hidden_from_a_writer_stays(
    people: dict[str, httpx.AsyncClient], session: AsyncSession
) -> None:
    own, other = people["planner@a"], people["planner@b"]
    hidden, seen = await paper(other, "weir-b", "b"), await paper(own, "weir-a", "a")
    place = "/titles/title-a"
    assert (await own.post("/titles", json=title("a", seen))).status_code == 201
    await session.execute(text("UPDATE title SET evidence = :codes"), {"codes": [hidden, seen]})
    await session.commit()
    kept = text("SELECT evidence FROM title")

    read = (await own.get(place)).json()
    assert read["evidence"] == [seen]
    for method in ("PUT", "PATCH"):
        sent = await own.request(method, place, json={**read, "article": method})
        assert (sent.status_code, sent.json()["evidence"]) == (200, [seen]), sent.text
        assert await session.scalar(kept) == [hidden, seen]
    for given, stored in (
        ([seen, await paper(own, "dam-a", "a")], None),
        ([], [hidden]),
    ):
        sent = await own.patch(place, json={"evidence": given})
        assert (sent.status_code, sent.json()["evidence"]) == (200, given), sent.text
        assert await session.scalar(kept) == (stored or [*given, hidden])
