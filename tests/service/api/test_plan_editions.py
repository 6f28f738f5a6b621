"""Editions of a plan over HTTP: begun with all it holds, worked on, approved, and compared."""

import csv
import html
import io
import json
import re
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.audit import Act
from shanhai.db.queries.keys import create_key
from shanhai.db.seeds.load import seed_cities
from shanhai.vocabulary import Role, Scope
from tests.support.emptying import forget_rows
from tests.support.seeded import seed_again

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

SCOPES = (Scope.READ, Scope.WRITE, Scope.PROJECTS)
PATCH = {"Content-Type": "application/merge-patch+json"}
BANAN, XIAMEN = "banan-restoration-2021", "xiamen-demonstration"
SECOND = f"{BANAN}.v2"
BEFORE = "2022-06-30"


class Bureau:
    """People of both cities, one role each, and anyone."""

    def __init__(self, client: httpx.AsyncClient, session: AsyncSession) -> None:
        self.client = client
        self.session = session
        self.known: dict[str, dict[str, str]] = {"anyone": {}}

    async def meet(self, name: str, *roles: Role) -> None:
        """Give somebody a key."""
        given = [RoleGiven(role, region) for role in roles for region in ("banan", "xiamen")]
        key = await create_key(self.session, name=name, scopes=SCOPES, roles=given)
        await self.session.commit()
        self.known[name] = {"Authorization": f"Bearer {key}"}

    async def ask(
        self, by: str, method: str, path: str, json: Any = None, **params: Any
    ) -> httpx.Response:
        """Send a request."""
        headers = self.known[by] | (PATCH if method == "PATCH" else {})
        return await self.client.request(method, path, json=json, params=params, headers=headers)

    async def read(self, path: str, by: str = "planner", **params: Any) -> Any:
        """Read something that is there."""
        answer = await self.ask(by, "GET", path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def count(self, collection: str, by: str = "planner", **params: Any) -> int:
        """How many features are meant."""
        found = await self.read(f"/collections/{collection}/items", by, limit=100, **params)
        assert found["numberMatched"] == len(found["features"])
        return int(found["numberMatched"])

    async def do(self, by: str, method: str, path: str, json: Any = None, **params: Any) -> Any:
        """Do something that is allowed."""
        answer = await self.ask(by, method, path, json, **params)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def move(self, plan: str, *statuses: str) -> None:
        """Take a plan through states."""
        for status in statuses:
            by = "planner" if status in {"submitted", "draft"} else "approver"
            path = f"/collections/plans/items/{plan}"
            await self.do(by, "PATCH", path, {"properties": {"status": status}})

    async def revise(self, plan: str, change: Any) -> str:
        """Revise a plan by a proposal; the code of its new edition."""
        body = {"title": "修编", "reason": "评估", "revises": {"plan": plan}, "change": change}
        made = await self.do("planner", "POST", "/proposals", body)
        path = f"/proposals/{made['code']}/transitions"
        for by, to in (
            ("planner", "submitted"),
            ("approver", "accepted"),
            ("planner", "carried_out"),
        ):
            made = await self.do(by, "POST", path, {"to": to, "reason": "依据充分"})
        return str(made["made"]["code"])


@pytest.fixture
async def bureau(anonymous: httpx.AsyncClient, session: AsyncSession) -> Bureau:
    """Both cities' plans, and people of both."""
    await forget_rows(session, ["indicator", "alert_rule", "proposal"])
    await seed_again(session)
    await session.commit()
    bureau = Bureau(anonymous, session)
    await bureau.meet("planner", Role.PLANNER)
    await bureau.meet("approver", Role.APPROVER)
    await bureau.meet("viewer", Role.VIEWER)
    return bureau


async def accept_mine(session: AsyncSession) -> None:
    """29.5 ha of mines were restored by a project that passed acceptance."""
    for statement in (
        "UPDATE project_measure m SET done = 29.5, unit = 'ha', planned = 29.5, indicator_id ="
        " (SELECT id FROM indicator WHERE code = 'mine_restored_area') FROM project pj"
        " WHERE pj.id = m.project_id AND pj.code = 'banan.PRJ02' AND measure = 'mine_restoration'",
        "UPDATE project SET state = 'closed', end_year = 2023 WHERE code = 'banan.PRJ02'",
    ):
        await session.execute(text(statement))
    await session.commit()


async def test_a_draft_has_all_its_plan_has(bureau: Bureau) -> None:
    assert await bureau.revise(BANAN, {"name_en": "Revised plan"}) == SECOND
    former = {
        "zones": 5,
        "zone_schemes": 1,
        "problems": 8,
        "control_areas": await bureau.count("control_areas", plan=BANAN),
        "projects": 21,
    }
    found = {name: await bureau.count(name, plan=SECOND) for name in former}
    assert found == former
    for name, count in (("programmes", 7), ("indicators", 8)):
        listed = await bureau.read(f"/plans/{SECOND}/{name}", limit=100)
        assert listed["numberMatched"] == count
    patterns = await bureau.read("/patterns", plan=SECOND)
    assert patterns["numberMatched"] == 1
    own = {}
    for plan in (BANAN, SECOND):
        totals = await bureau.read(f"/plans/{plan}/totals")
        own[plan] = sorted(
            (row["name_zh"], row["projects"], row["states"]) for row in totals["programmes"]
        )
    assert own[SECOND] == own[BANAN]
    findings = {
        plan: [
            (item["kind"], item["severity"])
            for item in (await bureau.read(f"/plans/{plan}/findings"))["findings"]
        ]
        for plan in (BANAN, SECOND)
    }
    assert findings[SECOND] == findings[BANAN]


async def test_what_was_done_counts_in_the_next_edition(bureau: Bureau) -> None:
    await accept_mine(bureau.session)
    await bureau.revise(BANAN, {"name_en": "Revised plan"})

    async def restored(plan: str) -> Any:
        rows = (await bureau.read(f"/plans/{plan}/progress", year=2024))["indicators"]
        (row,) = [row for row in rows if row["indicator"] == "mine_restored_area"]
        return row["status"], row["projects"]["done"]

    before = await restored(BANAN)
    assert before[1] == 29.5
    assert await restored(SECOND) == before
    await bureau.move(SECOND, "submitted", "approved")
    assert await restored(SECOND) == before
    assert await restored(BANAN) == before


async def test_a_draft_is_not_shown_where_it_was_not_asked_for(bureau: Bureau) -> None:
    lists = ("problems", "control_areas", "zones", "projects", "corridors", "pattern_components")
    filters = {"region": "banan"}
    before = {name: await bureau.count(name, **filters) for name in lists[:4]}
    rules = (await bureau.read("/control-rules", limit=100))["numberMatched"]
    await bureau.revise(BANAN, {"name_en": "Revised plan"})
    assert {name: await bureau.count(name, **filters) for name in before} == before
    assert (await bureau.read("/control-rules", limit=100))["numberMatched"] == rules
    # Nobody but those who write in the region knows of it, by name or by code.
    for name in lists:
        assert await bureau.count(name, by="anyone", plan=SECOND) == 0
    code = (await bureau.read("/collections/problems/items", plan=SECOND))["features"][0]["id"]
    assert code.endswith(".v2")
    copy = f"/collections/problems/items/{code}"
    assert (await bureau.ask("anyone", "GET", copy)).status_code == 404
    own = (await bureau.read(copy))["properties"]
    assert (own["plan"], own["copied_from"]) == (SECOND, code.removesuffix(".v2"))
    await bureau.move(SECOND, "submitted", "approved")
    assert {name: await bureau.count(name, **filters) for name in before} == before
    assert (await bureau.read(copy, by="anyone"))["properties"]["plan"] == SECOND
    problems = await bureau.read("/collections/problems/items", by="anyone", region="banan")
    assert {item["properties"]["plan"] for item in problems["features"]} == {SECOND}


async def test_each_day_has_the_edition_of_its_own(bureau: Bureau) -> None:
    await bureau.revise(BANAN, {"name_en": "Revised plan"})
    lists = ("problems", "control_areas", "zones", "projects", "plans")
    for plan, status in ((SECOND, "draft"), (SECOND, "approved")):
        if status == "approved":
            await bureau.move(SECOND, "submitted", "approved")
        for name in lists[:4]:
            former = await bureau.count(name, plan=BANAN, as_of=BEFORE)
            assert former > 0, name
            assert await bureau.count(name, region="banan", as_of=BEFORE) == former, name
            assert await bureau.count(name, plan=plan, as_of=BEFORE) == 0, name
        assert await bureau.count("plans", lineage=BANAN, as_of=BEFORE) == 1
        assert await bureau.count("plans", lineage=BANAN) == 2
        found = await bureau.ask(
            "planner", "GET", f"/collections/plans/items/{SECOND}", as_of=BEFORE
        )
        assert found.status_code == 404
        listed = await bureau.read(f"/plans/{SECOND}/indicators", as_of=BEFORE)
        assert listed["numberMatched"] == 0
    rows = (await bureau.read("/collections/plans/items", lineage=BANAN))["features"]
    told = {row["id"]: row["properties"] for row in rows}
    assert [(told[code]["edition"], told[code]["lineage"]) for code in (BANAN, SECOND)] == [
        (1, BANAN),
        (2, BANAN),
    ]
    assert told[BANAN]["in_force_to"] == told[SECOND]["in_force_from"]


async def test_former_targets_are_read_by_their_day(bureau: Bureau) -> None:
    path = f"/plans/{BANAN}/indicators/mine_restored_area"
    listed = (await bureau.read(f"{path}"))["targets"]
    text_before = (
        "UPDATE indicator_target SET value = 400 WHERE year = 2035 AND role = 'target'"
        " AND indicator_id = (SELECT id FROM indicator WHERE code = 'mine_restored_area')"
    )
    await bureau.session.execute(text(text_before))
    await bureau.session.commit()

    async def stated(**params: str) -> tuple[list[Any], list[Any]]:
        shown = (await bureau.read(f"{path}/targets", **params))["targets"]
        return (
            [row["value"] for row in shown if row["role"] == "target"],
            [
                row["value"]
                for row in (await bureau.read(path, **params))["targets"]
                if row["role"] == "target"
            ],
        )

    now, then = await stated(), await stated(as_of=BEFORE)
    assert now[0] == now[1]
    assert then[0] == then[1] == [row["value"] for row in listed if row["role"] == "target"]
    assert now[0][-1] == 400 != then[0][-1]
    listing = f"/plans/{BANAN}/indicators"
    for day, values in ({}, now[0]), ({"as_of": BEFORE}, then[0]):
        file = await bureau.ask("planner", "GET", listing, f="csv", **day)
        rows = csv.DictReader(io.StringIO(file.text.removeprefix("\ufeff")))
        [told] = [row["targets"] for row in rows if row["code"] == "mine_restored_area"]
        targets = [row["value"] for row in json.loads(told) if row["role"] == "target"]
        assert targets == values
    await bureau.session.execute(text("DELETE FROM indicator_target WHERE role = 'base'"))
    await bureau.session.commit()
    assert (await bureau.read(path, as_of=BEFORE))["base_value"] is not None
    assert (await bureau.read(path))["base_value"] is None


async def test_projects_are_dropped_and_put_elsewhere_in_a_draft(bureau: Bureau) -> None:
    await bureau.revise(BANAN, {"name_en": "Revised plan"})
    path = f"/plans/{SECOND}/projects"
    before = (await bureau.ask("planner", "GET", path)).headers["ETag"]
    await bureau.do("planner", "DELETE", f"{path}/banan.PRJ01")
    today = await day_before(bureau, 0)
    of_day = (await bureau.ask("planner", "GET", path, as_of=today)).headers["ETag"]
    for tag in (before, of_day):
        held = bureau.known["planner"] | {"If-Match": tag}
        stale = [
            await bureau.client.put(f"{path}/banan.PRJ02", json={"programme": None}, headers=held),
            await bureau.client.delete(f"{path}/banan.PRJ02", headers=held),
        ]
        assert [answer.status_code for answer in stale] == [412, 412]
    await bureau.do("planner", "PUT", f"{path}/banan.PRJ02", {"programme": "banan.PRG7.v2"})
    members = {
        row["code"]: (row["programme"], row["carried"])
        for row in (await bureau.read(path))["projects"]
    }
    assert len(members) == 20
    assert members["banan.PRJ02"] == ("banan.PRG7.v2", True)
    assert members["banan.PRJ03"][0].endswith(".v2")
    assert await bureau.count("projects", plan=SECOND) == 20
    assert await bureau.count("projects", plan=BANAN) == 21
    for by, project, body, status in (
        ("planner", "banan.PRJ02", {"programme": "banan.PRG7"}, 400),
        ("planner", "nothing", {"programme": None}, 404),
        ("planner", "banan.PRJ02", {}, 400),
        ("approver", "banan.PRJ02", {"programme": None}, 403),
        ("anyone", "banan.PRJ02", {"programme": None}, 401),
    ):
        answer = await bureau.ask(by, "PUT", f"{path}/{project}", body)
        assert answer.status_code == status, answer.text
    settled = await bureau.ask("planner", "DELETE", f"/plans/{BANAN}/projects/banan.PRJ01")
    assert settled.status_code == 409
    await bureau.move(SECOND, "submitted", "approved")
    project = (await bureau.read("/collections/projects/items/banan.PRJ02"))["properties"]
    assert (project["plan"], project["programme"]) == (SECOND, "banan.PRG7.v2")
    assert project["editions"] == [BANAN, SECOND]
    left = (await bureau.read("/collections/projects/items/banan.PRJ01"))["properties"]
    assert (left["plan"], left["editions"]) == (BANAN, [BANAN])
    assert await bureau.count("projects", plan=BANAN) == 21
    assert await bureau.count("projects", plan=SECOND) == 20
    assert project["problems"]
    for code in project["problems"]:
        assert code.endswith(".v2")


async def test_a_programme_and_a_project_move_between_editions(bureau: Bureau) -> None:
    await bureau.revise(BANAN, {"name_en": "Revised plan"})
    project = "/collections/projects/items/banan.PRJ05"
    await bureau.do("planner", "PATCH", project, {"properties": {"plan": SECOND}})
    moved = (await bureau.read(project))["properties"]
    assert (moved["plan"], moved["programme"]) == (SECOND, "banan.PRG2.v2")
    assert await bureau.count("projects", plan=SECOND) == 21
    assert await bureau.count("projects", plan=BANAN) == 20
    await bureau.do("planner", "PATCH", project, {"properties": {"plan": BANAN}})
    assert (await bureau.read(project))["properties"]["programme"] == "banan.PRG2"
    # A programme takes its projects along.
    path = f"/plans/{SECOND}/programmes"
    new = {"code": "new", "name_zh": "新工程", "name_en": "New", "plan": SECOND}
    await bureau.do("planner", "POST", path, new)
    await bureau.do(
        "planner", "PATCH", project, {"properties": {"plan": SECOND, "programme": "new"}}
    )
    await bureau.do("planner", "PATCH", f"{path}/new", {"plan": BANAN})
    listed = await bureau.read(f"/plans/{BANAN}/programmes", limit=100)
    assert "new" in {row["code"] for row in listed["programmes"]}
    moved = (await bureau.read(project))["properties"]
    assert (moved["plan"], moved["programme"]) == (BANAN, "new")
    wrong = await bureau.ask(
        "planner", "PATCH", project, {"properties": {"programme": "banan.PRG1.v2"}}
    )
    assert wrong.status_code == 409, wrong.text
    assert "banan.PRG1.v2" in wrong.text


async def test_editions_are_compared(bureau: Bureau) -> None:
    await bureau.revise(BANAN, {"name_en": "Revised plan"})
    same = await bureau.read(f"/plans/{SECOND}/compare")
    assert same["from"]["code"] == BANAN
    told = {part["collection"]: part for part in same["parts"]}
    assert told["plans"]["changed"][0]["members"]["name_en"]["to"] == "Revised plan"
    for name, part in told.items():
        if name != "plans":
            assert (part["added"], part["dropped"], part["changed"]) == ([], [], []), name
    assert told["projects"]["before"] == told["projects"]["after"]
    problem = (await bureau.read("/collections/problems/items", plan=SECOND))["features"][0]["id"]
    box = [[[106.6, 29.4], [106.7, 29.4], [106.7, 29.5], [106.6, 29.5], [106.6, 29.4]]]
    await bureau.do(
        "planner",
        "PATCH",
        f"/collections/problems/items/{problem}",
        {"properties": {"severity": "low"}, "geometry": {"type": "Polygon", "coordinates": box}},
    )
    await bureau.do("planner", "DELETE", f"/plans/{SECOND}/projects/banan.PRJ01")
    new = {"code": "new", "name_zh": "新工程", "name_en": "New", "plan": SECOND}
    await bureau.do("planner", "POST", f"/plans/{SECOND}/programmes", new)
    indicator = f"/plans/{SECOND}/indicators/mine_restored_area/targets"
    figures = [
        {"role": "target", "year": 2035, "value": 500, "comparator": "ge", "cumulative_from": 2021}
    ]
    await bureau.do("planner", "PUT", indicator, {"targets": figures, "reason": "修编"})
    for plan in (BANAN, SECOND):
        found = await bureau.read(f"/plans/{plan}/compare")
        parts = {part["collection"]: part for part in found["parts"]}
        assert [item["code"] for item in parts["programmes"]["added"]] == ["new"]
        assert [item["code"] for item in parts["projects"]["dropped"]] == ["banan.PRJ01"]
        (changed,) = parts["problems"]["changed"]
        assert (changed["code"], changed["former"], changed["redrawn"]) == (
            problem,
            problem.removesuffix(".v2"),
            True,
        )
        assert changed["members"]["severity"]["to"] == "low"
        assert changed["area_km2"] == parts["problems"]["after"]["area_km2"] > 100
        assert parts["plan_indicators"]["changed"][0]["members"]["targets"]["to"][0]["value"] == 500
        assert parts["projects"]["after"]["count"] == 20
    for lang, words in (
        ("zh", ("两版比较", "范围改绘")),
        ("en", ("Comparison of editions", "redrawn")),
    ):
        headers = {**bureau.known["planner"], "Accept": "text/html"}
        for path in (f"/plans/{SECOND}/compare", f"/plans/{SECOND}/editions"):
            page = await bureau.client.get(path, params={"lang": lang}, headers=headers)
            assert page.status_code == 200, page.text
            if path.endswith("compare"):
                assert all(word in page.text for word in words)
    # A draft is nothing to those who may not see it; another plan is no edition.
    assert (await bureau.ask("anyone", "GET", f"/plans/{SECOND}/compare")).status_code == 404
    for params in ({"with": XIAMEN}, {"with": "nothing"}):
        wrong = await bureau.ask("planner", "GET", f"/plans/{BANAN}/compare", **params)
        assert wrong.status_code in {400, 404}, wrong.text
    alone = await bureau.ask("planner", "GET", f"/plans/{XIAMEN}/compare")
    assert alone.status_code == 400


async def test_a_comparison_counts_no_cost_of_what_was_given_up(bureau: Bureau) -> None:
    await bureau.revise(BANAN, {"name_en": "Revised plan"})
    await bureau.session.execute(text("UPDATE project SET cost = NULL"))
    for code, state in (("PRJ01", "reserve"), ("PRJ02", "cancelled"), ("PRJ03", "rejected")):
        await bureau.session.execute(
            text("UPDATE project SET cost = 100.1, state = :state WHERE code = :code"),
            {"state": state, "code": f"banan.{code}"},
        )
    await bureau.session.commit()
    told = (await bureau.read(f"/plans/{SECOND}/compare"))["parts"]
    (projects,) = [part for part in told if part["collection"] == "projects"]
    assert projects["before"]["cost"] == projects["after"]["cost"] == "100.10"


@pytest.mark.parametrize("day", [{}, {"as_of": "2999-01-01"}])
async def test_a_comparison_does_not_name_what_its_reader_may_not_know(
    bureau: Bureau, day: dict[str, str]
) -> None:
    await bureau.revise(BANAN, {"name_en": "Revised plan"})
    for statement in (
        "INSERT INTO plan (code, name_zh, name_en, kind, level, region_id, first_year)"
        " SELECT 'secret-plan', '规划', 'Plan', 'special', 'city', id, 2021 FROM region"
        " WHERE code = 'xiamen'",
        "UPDATE plan SET upper_plan_id = (SELECT id FROM plan WHERE code = 'secret-plan')"
        f" WHERE code = '{SECOND}'",
    ):
        await bureau.session.execute(text(statement))
    key = await create_key(
        bureau.session, name="own", scopes=SCOPES, roles=[RoleGiven(Role.PLANNER, "banan")]
    )
    await bureau.session.commit()
    bureau.known["own"] = {"Authorization": f"Bearer {key}"}
    for by, told in (("own", None), ("planner", "secret-plan")):
        found = await bureau.ask(by, "GET", f"/plans/{SECOND}/compare", **day)
        assert found.status_code == 200, found.text
        assert ("secret-plan" in found.text) is (told is not None)
        (plan,) = found.json()["parts"][0]["changed"]
        assert plan["members"].get("upper_plan", {}).get("to") == told


async def test_revising_again_and_giving_up(bureau: Bureau) -> None:
    path = f"/plans/{BANAN}/editions"
    made = await bureau.do("planner", "POST", path, {"note": "五年评估"})
    assert made["code"] == SECOND
    # One draft at a time; a draft is edited, not revised.
    again = await bureau.ask("planner", "POST", path, {"note": "再次"})
    assert (again.status_code, SECOND in again.text) == (409, True)
    of_draft = await bureau.ask("planner", "POST", f"/plans/{SECOND}/editions", {"note": "x"})
    assert of_draft.status_code == 409
    for by, body, status in (
        ("viewer", {"note": "x"}, 403),
        ("anyone", {"note": "x"}, 401),
        ("planner", {}, 400),
        ("planner", {"note": "x", "change": {"period_start": 1}}, 400),
        ("planner", {"note": "x", "change": {"nothing": 1}}, 400),
    ):
        answer = await bureau.ask(by, "POST", path, body)
        assert answer.status_code == status, (by, body, answer.text)
    # Withdrawn, it stays what it was, and the next one gets another number.
    await bureau.move(SECOND, "withdrawn")
    third = (await bureau.do("planner", "POST", path, {"note": "重新修编"}))["code"]
    assert third == f"{BANAN}.v3"
    assert await bureau.count("problems", plan=third) == 8
    await bureau.move(third, "submitted", "approved")
    late = await bureau.ask("planner", "POST", path, {"note": "x"})
    assert (late.status_code, third in late.text) == (409, True)
    # An edition of an edition, from the one in force; all its projects follow again.
    fourth = (await bureau.do("planner", "POST", f"/plans/{third}/editions", {"note": "x"}))["code"]
    assert fourth == f"{BANAN}.v4"
    code = (await bureau.read("/collections/problems/items", plan=fourth))["features"][0]["id"]
    assert code.endswith(".v4")
    assert ".v3" not in code
    await bureau.move(fourth, "submitted", "approved")
    for plan in (BANAN, third, fourth):
        assert await bureau.count("projects", plan=plan) == 21, plan
        assert await bureau.count("problems", plan=plan) == 8, plan
        assert await bureau.count("zones", plan=plan) == 5, plan
    assert await bureau.count("problems", region="banan") == 8
    assert await bureau.count("zones", region="banan") == 5
    found = await bureau.read(f"/plans/{fourth}/compare", **{"with": BANAN})
    parts = {part["collection"]: part for part in found["parts"]}
    assert parts["problems"]["unchanged"] == 8
    assert (found["from"]["status_name"], found["to"]["status_name"]) == ("Superseded", "Approved")
    rows = (await bureau.read(path))["editions"]
    assert [(row["edition"], row["status"]) for row in rows] == [
        (1, "superseded"),
        (2, "withdrawn"),
        (3, "superseded"),
        (4, "approved"),
    ]
    assert {row["status_name"] for row in rows} == {"Superseded", "Withdrawn", "Approved"}
    # Anyone sees those that were in force.
    public = (await bureau.read(path, by="anyone"))["editions"]
    assert [row["edition"] for row in public] == [1, 3, 4]
    # Withdrawn while in force, it is followed by another.
    await bureau.move(fourth, "withdrawn")
    fifth = (await bureau.do("planner", "POST", f"/plans/{fourth}/editions", {"note": "x"}))["code"]
    await bureau.move(fifth, "submitted", "approved")
    assert await bureau.count("projects", plan=fifth) == 21
    assert await bureau.count("problems", region="banan") == 8
    assert (await bureau.read(f"/collections/plans/items/{fourth}"))["properties"]["status"] == (
        "withdrawn"
    )


async def test_seeding_again_leaves_an_edition_alone(bureau: Bureau) -> None:
    await bureau.revise(BANAN, {"name_en": "Revised plan"})
    await bureau.move(SECOND, "submitted", "approved")
    before = (await bureau.read("/collections/projects/items/banan.PRJ02"))["properties"]
    await seed_cities(bureau.session, ["xiamen", "banan"], [], act=Act("tester"))
    await bureau.session.commit()
    after = (await bureau.read("/collections/projects/items/banan.PRJ02"))["properties"]
    assert {**after, "editions": before["editions"]} == before
    assert await bureau.count("projects", plan=SECOND) == 21
    assert await bureau.count("problems", region="banan") == 8


async def test_xiamen_is_revised_with_its_patterns_and_corridors(bureau: Bureau) -> None:
    counts = {name: await bureau.count(name, plan=XIAMEN) for name in ("corridors", "problems")}
    components = await bureau.count("pattern_components", region="xiamen")
    patterns = (await bureau.read("/patterns", plan=XIAMEN))["numberMatched"]
    rules = (await bureau.read("/control-rules", plan=XIAMEN, limit=100))["numberMatched"]
    second = await bureau.revise(XIAMEN, {"name_en": "Revised"})
    for code, status in ((second, "draft"), (second, "approved")):
        if status == "approved":
            await bureau.move(code, "submitted", "approved")
        for name, count in counts.items():
            assert await bureau.count(name, plan=code) == count
        assert (await bureau.read("/patterns", plan=code))["numberMatched"] == patterns
        found = await bureau.read("/control-rules", plan=code, limit=100)
        assert found["numberMatched"] == rules
        assert await bureau.count("pattern_components", region="xiamen") == components
        listed = await bureau.read(f"/plans/{code}/indicators", limit=100)
        assert listed["numberMatched"] == 35
    corridors = (await bureau.read("/collections/corridors/items", plan=second))["features"]
    assert corridors
    assert all(one["properties"]["pattern"].endswith(".v2") for one in corridors)
    parts = (await bureau.read("/collections/pattern_components/items", plan=second, limit=100))[
        "features"
    ]
    assert len(parts) > 5
    assert all(one["properties"]["pattern"].endswith(".v2") for one in parts)


async def test_what_lies_below_another_part_lies_below_its_copy(bureau: Bureau) -> None:
    await bureau.session.execute(
        text(
            "UPDATE pattern_component c SET parent_id = (SELECT max(o.id) FROM pattern_component o"
            " WHERE o.pattern_id = c.pattern_id) WHERE c.code LIKE 'banan.%' AND c.id ="
            " (SELECT min(o.id) FROM pattern_component o WHERE o.pattern_id = c.pattern_id)"
        )
    )
    await bureau.session.commit()
    await bureau.revise(BANAN, {"name_en": "Revised plan"})
    for plan in (BANAN, SECOND):
        path = "/collections/pattern_components/items"
        found = (await bureau.read(path, plan=plan, limit=100))["features"]
        codes = {one["id"] for one in found}
        below = [one["properties"]["parent"] for one in found if one["properties"]["parent"]]
        assert below
        assert set(below) <= codes


def square(west: float, south: float, size: float) -> dict[str, Any]:
    """A box as GeoJSON."""
    east, north = round(west + size, 6), round(south + size, 6)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


async def red_line(bureau: Bureau, plan: str) -> str:
    """The code of the red line of an edition."""
    path = "/collections/control_areas/items"
    (line,) = (await bureau.read(path, plan=plan, kind="red_line"))["features"]
    return str(line["id"])


async def test_a_line_binds_from_its_approval_on(bureau: Bureau) -> None:
    items = "/collections/control_areas/items"
    first = await red_line(bureau, BANAN)
    # As if it had been drawn from its first day on.
    drawn = (
        "UPDATE control_area SET geom = ST_MakeEnvelope(106.6, 29.3, 106.7, 29.4, 4490)"
        " WHERE code = :code"
    )
    await bureau.session.execute(text(drawn), {"code": first})
    await bureau.session.commit()
    await bureau.revise(BANAN, {"name_en": "Revised plan"})
    second = await red_line(bureau, SECOND)
    await bureau.do(
        "planner", "PATCH", f"{items}/{second}", {"geometry": square(106.6, 29.3, 0.05)}
    )
    asked = {
        "kind": "red_line",
        "bbox": "106.66,29.36,106.69,29.39",
    }

    async def binding(**more: str) -> list[str]:
        found = await bureau.read(items, by="anyone", **asked, **more)
        return [feature["id"] for feature in found["features"]]

    async def register() -> Any:
        return await bureau.read("/regions/banan/lines")

    assert await binding() == [first]
    assert not (await register())["declines"]
    await bureau.move(SECOND, "submitted", "approved")
    # What the next edition left out binds no more; on a former day it did.
    assert await binding() == []
    (shown,) = (await bureau.read(items, by="anyone", kind="red_line", region="banan"))["features"]
    assert shown["id"] == second
    assert await binding(as_of=BEFORE) == [first]
    after = await register()
    (decline,) = after["declines"]
    assert decline["kind"] == "red_line"
    # 0.01 square degrees were drawn, of which a quarter is left.
    assert decline["lost"]["area_km2"] == pytest.approx(80.6, rel=0.02)


async def test_a_lower_plan_is_held_to_the_edition_in_force(bureau: Bureau) -> None:
    rows = [
        "UPDATE plan SET upper_plan_id = (SELECT id FROM plan WHERE code = :upper)"
        " WHERE code = 'xiamen-demonstration'",
    ]
    for statement in rows:
        await bureau.session.execute(text(statement), {"upper": BANAN})
    await bureau.session.commit()
    await bureau.revise(BANAN, {"name_en": "Revised plan"})
    path = f"/plans/{XIAMEN}/conformance"
    assert (await bureau.read(path))["upper_plan"] == BANAN
    await bureau.move(SECOND, "submitted", "approved")
    assert (await bureau.read(path))["upper_plan"] == SECOND


async def test_rules_watch_the_targets_of_the_edition(bureau: Bureau) -> None:
    await bureau.session.execute(
        text(
            "INSERT INTO alert_rule (code, name_zh, name_en, kind, limits, reset,"
            " min_duration_s, max_age_s, any_quality, plan_id, enabled)"
            " SELECT 'late', '滞后', 'Late', 'indicator_behind_target', '{}', 0, 0, 1, false,"
            " id, true"
            " FROM plan WHERE code = :plan"
        ),
        {"plan": BANAN},
    )
    await bureau.session.commit()
    await bureau.revise(BANAN, {"name_en": "Revised plan"})
    await bureau.move(SECOND, "submitted", "approved")
    watched = await bureau.session.scalar(
        text(
            "SELECT p.code FROM alert_rule r JOIN plan p ON p.id = r.plan_id WHERE r.code = 'late'"
        )
    )
    assert watched == SECOND


async def test_what_an_edition_began_with_is_told(bureau: Bureau) -> None:
    before = await bureau.session.scalar(text("SELECT max(id) FROM audit_log"))
    await bureau.revise(BANAN, {"name_en": "Revised plan"})
    await bureau.move(SECOND, "submitted", "approved")
    told = await bureau.session.execute(
        text(
            "SELECT action, object_table, count(*) AS entries"
            " FROM audit_log WHERE id > :before GROUP BY 1, 2"
        ),
        {"before": before},
    )
    counts = {(row.action, row.object_table): row.entries for row in told}
    assert counts["begin_version", "problem"] == 8
    assert counts["begin_version", "programme"] == 7
    assert counts["update", "project"] == 21
    assert counts["publish", "zone_scheme"] == counts["supersede", "zone_scheme"] == 1
    named = await bureau.session.execute(
        text(
            "SELECT e.action, s.status, s.row_version = CAST(e.after->>'row_version' AS bigint)"
            " FROM audit_log e JOIN zone_scheme s ON s.id = CAST(e.after->>'id' AS bigint)"
            " WHERE e.id > :before AND e.object_table = 'zone_scheme'"
            " AND e.action IN ('publish', 'supersede')"
        ),
        {"before": before},
    )
    assert sorted(map(tuple, named)) == [
        ("publish", "published", True),
        ("supersede", "superseded", True),
    ]


async def test_a_changed_zoning_must_be_ready(bureau: Bureau) -> None:
    await bureau.revise(BANAN, {"name_en": "Revised plan"})
    zones = (await bureau.read("/collections/zones/items", plan=SECOND))["features"]
    for zone in zones[:2]:
        await bureau.session.execute(
            text(
                "UPDATE zone SET row_version = 2, geom = ST_Multi(ST_MakeEnvelope(106.6, 29.4,"
                " 106.7, 29.5, 4490)) WHERE code = :code AND scheme_id = (SELECT s.id FROM"
                " zone_scheme s JOIN plan p ON p.id = s.plan_id WHERE p.code = :plan)"
            ),
            {"code": zone["id"], "plan": SECOND},
        )
    await bureau.session.commit()
    await bureau.move(SECOND, "submitted")
    path = f"/collections/plans/items/{SECOND}"
    late = await bureau.ask("approver", "PATCH", path, {"properties": {"status": "approved"}})
    assert (late.status_code, "overlap" in late.text) == (409, True)
    # Nothing is half-done.
    assert (await bureau.read(f"/collections/plans/items/{BANAN}"))["properties"]["status"] == (
        "approved"
    )
    assert (await bureau.read("/collections/projects/items/banan.PRJ02"))["properties"][
        "plan"
    ] == BANAN


async def revise_and_change(bureau: Bureau) -> None:
    """Put an edition in force that differs from the plan in each of its parts."""
    await bureau.do("planner", "POST", f"/plans/{BANAN}/editions", {"note": "评估后修编"})
    items = f"/plans/{SECOND}/programmes"
    programme = (await bureau.read(items))["programmes"][0]["code"]
    await bureau.do("planner", "PATCH", f"{items}/{programme}", {"name_en": "Renamed programme"})
    await bureau.do("planner", "DELETE", f"/plans/{SECOND}/projects/banan.PRJ02")
    problem = (await bureau.read("/collections/problems/items", plan=SECOND))["features"][0]["id"]
    await bureau.do("planner", "DELETE", f"/collections/problems/items/{problem}")
    path = f"/plans/{SECOND}/indicators/{(await forest(bureau, SECOND))}/targets"
    stated = (await bureau.read(path))["targets"]
    for figure in stated:
        if figure["role"] == "target":
            figure["value"] += 1
    figures = [
        {name: value for name, value in figure.items() if value is not None} for figure in stated
    ]
    await bureau.do("planner", "PUT", path, {"targets": figures, "reason": "修编"})
    await bureau.do("planner", "POST", f"/plans/{SECOND}/findings", {})
    await bureau.move(SECOND, "submitted", "approved")


async def forest(bureau: Bureau, plan: str) -> str:
    """The code of an indicator of a plan that has targets."""
    listed = await bureau.read(f"/plans/{plan}/indicators", limit=100)
    return next(
        str(each["code"])
        for each in listed["plan_indicators"]
        if any(target["role"] == "target" for target in each["targets"])
    )


PARTS = (
    *("totals", "coverage", "timetable", "projects", "progress", "evaluation", "conformance"),
    *("findings", "editions", "tree", "programmes", "indicators", "compare", "evaluations"),
)


def of_year(part: str) -> dict[str, Any]:
    return {"year": 2024} if part in {"progress", "evaluation"} else {}


def told(document: Any) -> Any:
    """What a document says, without its addresses and days."""
    if isinstance(document, dict):
        left_out = {"links", "href", "as_of", "timeStamp", "in_force"}
        return {name: told(value) for name, value in document.items() if name not in left_out}
    return [told(each) for each in document] if isinstance(document, list) else document


async def test_each_part_of_a_plan_is_read_as_of_a_day(bureau: Bureau) -> None:
    before = {}
    for part in PARTS:
        if part != "compare":
            before[part] = await bureau.read(f"/plans/{BANAN}/{part}", **of_year(part))
    await revise_and_change(bureau)
    today = await day_before(bureau, 0)
    for part in PARTS:
        path, params = f"/plans/{SECOND}/{part}", of_year(part)
        now = await bureau.read(path, **params)
        # Today is a day like others.
        assert told(await bureau.read(path, as_of=today, **params)) == told(now), part
        if part in {"tree", "programmes", "indicators"}:
            continue
        refused = await bureau.ask("planner", "GET", path, as_of=BEFORE, **params)
        assert refused.status_code == 400, part
        assert "banan-restoration-2021" in refused.json()["detail"]
        assert refused.json()["errors"][0]["pointer"] == "as_of"
    yesterday = await day_before(bureau)
    for part in ("totals", "coverage", "timetable", "projects", "conformance", "programmes"):
        then = await bureau.read(f"/plans/{BANAN}/{part}", as_of=yesterday)
        assert told(then) == told(before[part]), part
        assert then.get("in_force") in {BANAN, None}
    assert (await bureau.read(f"/plans/{BANAN}/totals", as_of=today))["in_force"] == SECOND


async def day_before(bureau: Bureau, days: int = 1) -> str:
    """A day as the database counts them."""
    return str(
        await bureau.session.scalar(
            text("SELECT current_date - CAST(:days AS int)"), {"days": days}
        )
    )


async def change_day(session: AsyncSession, *statements: str) -> None:
    """Let what was written today have been written days ago."""
    for statement in statements:
        await session.execute(text(statement))
    await session.commit()


async def test_what_was_not_known_on_a_day_is_not_told_of_it(bureau: Bureau) -> None:
    await accept_mine(bureau.session)
    await change_day(
        bureau.session,
        "UPDATE project_measure SET valid_from = current_date - 3",
        "UPDATE project_measure SET done = 12 WHERE done = 29.5",
        "UPDATE data_finding SET found_at = found_at - interval '3 days'",
        "UPDATE data_finding SET found_at = now(), text_en = 'Changed' WHERE code ="
        " (SELECT min(code) FROM data_finding WHERE plan_id ="
        f" (SELECT id FROM plan WHERE code = '{BANAN}'))",
    )
    yesterday, today = await day_before(bureau), await day_before(bureau, 0)

    async def done(day: str) -> list[Any]:
        totals = await bureau.read(f"/plans/{BANAN}/totals", as_of=day)
        measures = [each for item in totals["programmes"] for each in item["measures"]]
        return [each["done"] for each in measures if each["done"] is not None]

    assert (await done(yesterday), await done(today)) == ([29.5], [12])
    findings = {
        day: [
            item["text_en"]
            for item in (await bureau.read(f"/plans/{BANAN}/findings", as_of=day))["findings"]
        ]
        for day in (yesterday, today)
    }
    assert "Changed" not in findings[yesterday]
    assert "Changed" in findings[today]
    assert len(findings[yesterday]) == len(findings[today]) > 0
    indicator = await forest(bureau, BANAN)
    await bureau.do(
        "planner",
        "POST",
        f"/plans/{BANAN}/indicators/{indicator}/values",
        {"year": 2024, "value": 1},
    )
    path = f"/plans/{BANAN}/indicators/{indicator}/values"
    assert len((await bureau.read(path, as_of=yesterday, year=2024))["values"]) == 0
    assert len((await bureau.read(path, as_of=today, year=2024))["values"]) == 1
    judged = {
        day: next(
            row["value"]
            for row in (await bureau.read(f"/plans/{BANAN}/progress", as_of=day, year=2024))[
                "indicators"
            ]
            if row["indicator"] == indicator
        )
        for day in (yesterday, today)
    }
    assert judged[yesterday] != judged[today] == 1


async def test_a_draft_of_a_former_day_is_told_to_its_people(bureau: Bureau) -> None:
    await bureau.revise(BANAN, {"name_en": "Revised plan"})
    await bureau.do("planner", "DELETE", f"/plans/{SECOND}/projects/banan.PRJ02")
    edition = f"(SELECT id FROM plan WHERE code = '{SECOND}')"
    await change_day(
        bureau.session,
        "SET LOCAL session_replication_role = replica",
        f"UPDATE plan SET valid_from = current_date - 3 WHERE id = {edition}",
        f"UPDATE programme SET valid_from = current_date - 3 WHERE plan_id = {edition}",
    )
    yesterday = await day_before(bureau)

    async def projects(plan: str, day: str) -> int:
        return len((await bureau.read(f"/plans/{plan}/projects", as_of=day))["projects"])

    assert await projects(SECOND, yesterday) == 20
    await bureau.move(SECOND, "submitted", "approved")
    assert await projects(SECOND, yesterday) == 20
    assert await projects(BANAN, yesterday) == 21
    assert await bureau.count("projects", plan=SECOND, as_of=yesterday) == 20
    told = await bureau.read(f"/plans/{SECOND}/totals", as_of=yesterday)
    assert (told["projects"], told["in_force"]) == (20, BANAN)
    hidden = await bureau.ask("anyone", "GET", f"/plans/{SECOND}/totals", as_of=yesterday)
    assert hidden.status_code == 400
    assert BANAN in hidden.json()["detail"]
    page = await bureau.client.get(
        f"/plans/{BANAN}/totals?as_of={yesterday}&f=html", headers=bureau.known["planner"]
    )
    assert f"/collections/plans/items/{BANAN}?as_of={yesterday}" in page.text
    page = await bureau.client.get(
        f"/collections/plans/items/{BANAN}?as_of={yesterday}&f=html",
        headers=bureau.known["planner"],
    )
    assert f"/plans/{BANAN}/findings?as_of={yesterday}" in page.text
    # All it leads to is there on that day, or is told of today.
    for link in re.findall(rf'href="(http://api\.test/plans/{BANAN}/[^"]+)"', page.text):
        led = await bureau.client.get(html.unescape(link), headers=bureau.known["planner"])
        assert led.status_code == 200, (link, led.text)


async def test_what_holds_from_a_later_day_only_does_so_in_the_copy(bureau: Bureau) -> None:
    (line,) = (await bureau.read("/collections/control_areas/items", plan=BANAN, limit=1))[
        "features"
    ]
    given = {name: line["properties"][name] for name in ("kind", "region", "plan")}
    given |= {"code": "later-line", "name_zh": "远期线", "valid_from": "2135-01-01"}
    body = {"type": "Feature", "geometry": line["geometry"], "properties": given}
    await bureau.do("planner", "POST", "/collections/control_areas/items", body)
    await bureau.do("planner", "POST", f"/plans/{BANAN}/editions", {"note": "五年评估"})
    copied = await bureau.session.execute(
        text(
            "SELECT c.valid_from::text, c.valid_from > current_date AS later"
            " FROM control_area c JOIN control_area o ON o.id = c.copied_from_id"
            f" WHERE c.plan_id = (SELECT id FROM plan WHERE code = '{SECOND}')"
        )
    )
    rows = copied.all()
    assert [row.valid_from for row in rows if row.later] == ["2135-01-01"]
    assert len(rows) > 1


async def test_a_change_is_read_as_it_is_sent(bureau: Bureau) -> None:
    path = f"/plans/{BANAN}/editions"
    for change, pointer in (
        ({"nothing": 1}, "/change/nothing"),
        ({"nothing": None}, "/change/nothing"),
        ({"name_zh": None}, "/change/name_zh"),
        ({"valid_to": "later"}, "/change/valid_to"),
        ({"status": "approved"}, "/change/status"),
    ):
        answer = await bureau.ask("planner", "POST", path, {"note": "x", "change": change})
        assert answer.status_code == 400, (change, answer.text)
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer], change
        assert "/properties" not in answer.text
    change = {"valid_to": "2130-01-01"}
    await bureau.do("planner", "POST", path, {"note": "x", "change": change})
    own = (await bureau.read(f"/collections/plans/items/{SECOND}"))["properties"]
    assert own["valid_to"] == "2130-01-01"
