"""Editions of a plan over HTTP: begun with all it holds, worked on, approved, and compared."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act
from shanhai.db.queries.grants import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.db.seed import seed_cities
from shanhai.testing.emptying import forget_rows
from shanhai.vocabulary import Role, Scope

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
    await seed_cities(session, ["xiamen", "banan"], [], act=Act("tester"))
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
