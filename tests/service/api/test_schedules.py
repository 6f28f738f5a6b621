"""Schedules over HTTP, and what becomes of them when their time comes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.authentication import Authenticator
from shanhai.db.identity import RoleGiven
from shanhai.db.queries.audit import Act
from shanhai.db.queries.keys import create_key, prefix_of, revoke_key
from shanhai.db.tables.access import ApiKey
from shanhai.db.tables.job import Job, Schedule, ScheduleRun
from shanhai.jobs.fair_queue import NO_QUOTA
from shanhai.jobs.upkeep import Attended, attend_to_next
from shanhai.vocabulary import Role, Scope
from shanhai_api.kit.state import ServiceState
from tests.support.job_rows import add_dataset, add_region

INDEX_REQUIRED = ("npp", "rainfall", "temperature", "dem", "soil", "ndvi", "night_lights")
MakeClient = Callable[..., Awaitable[httpx.AsyncClient]]
NIGHTLY = {
    "code": "nightly",
    "name_zh": "每晚",
    "name_en": "Every night",
    "process": "echo",
    "inputs": {"message": "good night"},
    "cron": "30 2 * * *",
}


@pytest.fixture(autouse=True)
async def no_schedules(session: AsyncSession) -> AsyncIterator[None]:
    yield
    await session.rollback()
    for table in (ScheduleRun, Schedule):
        await session.execute(delete(table))
    await session.commit()


async def make(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await client.post("/schedules", json={**NIGHTLY, **changes})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def attend(state: ServiceState, *, statement_timeout: str = "30s") -> Attended | None:
    def recalling(session: AsyncSession) -> Authenticator:
        return Authenticator(state.sessions, state.sessions.begin, session)

    async with state.sessions.begin() as session:
        await session.execute(text(f"SET LOCAL statement_timeout = '{statement_timeout}'"))
        return await attend_to_next(session, recalling, NO_QUOTA)


async def let_time_pass(session: AsyncSession, code: str, due_at: datetime) -> None:
    await session.execute(update(Schedule).where(Schedule.code == code).values(next_at=due_at))
    await session.commit()


class TestDocuments:
    async def test_a_schedule_is_made_shown_replaced_and_ended(
        self, runner: httpx.AsyncClient
    ) -> None:
        made = await make(runner)
        assert (made["timezone"], made["priority"], made["enabled"]) == (
            "Asia/Shanghai",
            "normal",
            True,
        )
        assert made["next_at"].endswith("T18:30:00.000Z")
        shown = await runner.get("/schedules/nightly")
        assert shown.json() == made
        listed = (await runner.get("/schedules")).json()["schedules"]
        assert listed == [made]
        body = {name: value for name, value in NIGHTLY.items() if name != "code"}
        tag = {"If-Match": shown.headers["ETag"]}
        off = await runner.put("/schedules/nightly", json={**body, "enabled": False}, headers=tag)
        assert off.status_code == 200, off.text
        assert off.json()["next_at"] is None
        stale = await runner.put("/schedules/nightly", json=body, headers=tag)
        assert stale.status_code == 412
        assert (await runner.delete("/schedules/nightly")).status_code == 204
        assert (await runner.get("/schedules/nightly")).status_code == 404
        await make(runner)  # its code is free again

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"cron": "61 * * * *"}, "/cron"),
            ({"cron": "0 0 31 2 *"}, "/cron"),
            ({"cron": "* * * * * *"}, "/cron"),
            ({"cron": None}, "/cron"),
            ({"every_s": 3600}, "/cron"),
            ({"cron": None, "every_s": 59}, "/every_s"),
            ({"cron": None, "every_s": 3600, "starts_at": "2025-01-01T00:00:00"}, "/starts_at"),
            ({"timezone": "../etc/passwd"}, "/timezone"),
            ({"process": "nothing"}, "/process"),
            ({"inputs": {"pause": -1}}, "/inputs/pause"),
            ({"code": "a b"}, "/code"),
            ({"name_zh": "\x00"}, "/name_zh"),
        ],
    )
    async def test_what_cannot_be_is_refused_with_its_place(
        self, runner: httpx.AsyncClient, changes: dict[str, Any], pointer: str
    ) -> None:
        answer = await runner.post("/schedules", json={**NIGHTLY, **changes})
        assert answer.status_code == 400, answer.text
        assert pointer in {fault["pointer"] for fault in answer.json()["errors"]}

    async def test_a_code_is_taken_once(self, runner: httpx.AsyncClient) -> None:
        await make(runner)
        assert (await runner.post("/schedules", json=NIGHTLY)).status_code == 409

    async def test_a_code_is_taken_once_by_several_at_once(self, runner: httpx.AsyncClient) -> None:
        asked = [runner.post("/schedules", json=NIGHTLY) for _ in range(6)]
        answers = await asyncio.gather(*asked)
        assert sorted(one.status_code for one in answers) == [201, *[409] * 5]

    async def test_others_do_not_see_it_and_only_planners_make_one(
        self,
        runner: httpx.AsyncClient,
        admin: httpx.AsyncClient,
        reader: httpx.AsyncClient,
        state: ServiceState,
    ) -> None:
        await make(runner)
        async with state.sessions.begin() as session:
            analyst = await create_key(
                session, name="a", scopes=(Scope.READ, Scope.JOBS), roles=[RoleGiven(Role.ANALYST)]
            )
        headers = {"Authorization": f"Bearer {analyst}"}
        assert (await runner.get("/schedules/nightly", headers=headers)).status_code == 404
        refused = await runner.post("/schedules", json=NIGHTLY, headers=headers)
        assert refused.status_code == 403
        assert (await reader.post("/schedules", json=NIGHTLY)).status_code == 403
        assert (await admin.get("/schedules/nightly")).status_code == 200


class TestDue:
    async def test_a_due_time_makes_one_job_whoever_looks(
        self, runner: httpx.AsyncClient, session: AsyncSession, state: ServiceState
    ) -> None:
        made = await make(runner, priority="low")
        assert await attend(state) is None
        due_at = datetime.now(UTC) - timedelta(seconds=2)
        await let_time_pass(session, "nightly", due_at)
        found = [one for one in await asyncio.gather(*(attend(state) for _ in range(5))) if one]
        assert [(one.code, one.due_at) for one in found] == [("nightly", due_at)]
        (job,) = (await session.scalars(select(Job))).all()
        assert job.id == found[0].job_id
        assert (job.requested_by, job.priority) == (made["owner"], 2)
        assert job.inputs == {"message": "good night"}
        (run,) = (await runner.get("/schedules/nightly/runs")).json()["runs"]
        assert (run["job"], run["status"], run["missed"]) == (str(job.id), "accepted", 0)
        assert (await runner.get("/schedules/nightly")).json()["next_at"] == made["next_at"]

    async def test_times_missed_in_an_outage_are_made_up_for_once(
        self, runner: httpx.AsyncClient, session: AsyncSession, state: ServiceState
    ) -> None:
        await make(runner, cron=None, every_s=3600, starts_at="2025-01-01T00:00:00Z")
        now = datetime.now(UTC)
        hour = now.replace(minute=0, second=0, microsecond=0)
        await let_time_pass(session, "nightly", hour - timedelta(hours=5))
        assert await attend(state) is not None
        assert await attend(state) is None
        (run,) = (await runner.get("/schedules/nightly/runs")).json()["runs"]
        assert run["missed"] == 5
        assert await session.scalar(select(func.count()).select_from(Job)) == 1
        after = datetime.fromisoformat((await runner.get("/schedules/nightly")).json()["next_at"])
        assert after > now
        assert after.minute == 0

    async def test_an_owner_who_is_gone_is_told_and_the_next_time_comes(
        self,
        runner: httpx.AsyncClient,
        admin: httpx.AsyncClient,
        session: AsyncSession,
        state: ServiceState,
    ) -> None:
        made = await make_without_owner(runner, session)
        attended = await attend(state)
        assert attended is not None
        assert attended.job_id is None
        (run,) = (await admin.get("/schedules/nightly/runs")).json()["runs"]
        assert "has ended" in run["exception"]["detail"]
        assert (await admin.get("/schedules/nightly")).json()["next_at"] == made["next_at"]

    async def test_a_statement_that_fails_is_told_and_the_next_time_comes(
        self, runner: httpx.AsyncClient, session: AsyncSession, state: ServiceState
    ) -> None:
        made = await make(runner)
        await let_time_pass(session, "nightly", datetime.now(UTC) - timedelta(seconds=1))
        await session.execute(text("LOCK TABLE job IN SHARE MODE"))
        attended = await attend(state, statement_timeout="1s")
        await session.rollback()
        assert attended is not None
        assert attended.job_id is None
        (run,) = (await runner.get("/schedules/nightly/runs")).json()["runs"]
        assert "unexpected DBAPIError" in run["exception"]["detail"]
        assert (await runner.get("/schedules/nightly")).json()["next_at"] == made["next_at"]

    async def test_publishing_takes_an_approver_when_it_is_made_and_when_it_is_due(
        self, client_with: MakeClient, session: AsyncSession, state: ServiceState
    ) -> None:
        city = await add_region(session, "city")
        for theme in INDEX_REQUIRED:
            await add_dataset(session, city, theme, f"{theme}.city")
        await session.commit()
        wish = {
            **NIGHTLY,
            "process": "delineate-zones",
            "inputs": {"region": "city", "publish": True},
        }
        for roles in ([Role.PLANNER], [Role.PLANNER, Role.ANALYST]):
            planner, _ = await with_roles(state, client_with, *roles)
            refused = await planner.post("/schedules", json=wish)
            assert refused.status_code == 403
            assert "/inputs/publish" in refused.json()["detail"]
        await make(planner, process="delineate-zones", inputs={"region": "city"})
        changed = await planner.put(
            "/schedules/nightly",
            json={name: value for name, value in wish.items() if name != "code"},
        )
        assert changed.status_code == 403
        approver, prefix = await with_roles(state, client_with, Role.PLANNER, Role.APPROVER)
        await make(approver, **{**wish, "code": "weekly"})
        due_at = datetime.now(UTC) - timedelta(seconds=1)
        await let_time_pass(session, "weekly", due_at)
        attended = await attend(state)
        assert attended is not None
        assert attended.job_id is not None
        left = [RoleGiven(Role.PLANNER, "city").document()]
        await session.execute(update(ApiKey).where(ApiKey.prefix == prefix).values(roles=left))
        await session.commit()
        await let_time_pass(session, "weekly", due_at + timedelta(seconds=0.5))
        attended = await attend(state)
        assert attended is not None
        assert attended.job_id is None
        (last, _) = (await approver.get("/schedules/weekly/runs")).json()["runs"]
        assert "approver is needed" in last["exception"]["detail"]

    async def test_runs_are_paged(
        self, runner: httpx.AsyncClient, session: AsyncSession, state: ServiceState
    ) -> None:
        await make(runner)
        for minutes in (3, 2, 1):
            await let_time_pass(session, "nightly", datetime.now(UTC) - timedelta(minutes=minutes))
            await attend(state)
        seen: list[str] = []
        url = "/schedules/nightly/runs?limit=2"
        while url:
            document = (await runner.get(url)).json()
            seen += [run["due_at"] for run in document["runs"]]
            url = next((item["href"] for item in document["links"] if item["rel"] == "next"), "")
        assert len(seen) == 3
        assert seen == sorted(seen, reverse=True)
        for cursor in ("x", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"):
            asked = {"cursor": cursor}
            answer = await runner.get("/schedules/nightly/runs", params=asked)
            assert answer.status_code == 400, cursor


class TestPages:
    async def test_they_tell_when_it_is_due_and_what_became_of_it(
        self, runner: httpx.AsyncClient, session: AsyncSession, state: ServiceState
    ) -> None:
        made = await make(runner)
        await make(runner, code="resting", enabled=False)
        await make(runner, code="stuck", cron=None, every_s=3600, name_en="<b>Stuck</b>")
        await let_time_pass(session, "nightly", datetime.now(UTC) - timedelta(seconds=2))
        attended = await attend(state)
        assert attended is not None
        await let_time_pass(session, "stuck", datetime.now(UTC) - timedelta(hours=1))
        listed = await page(runner, "/schedules")
        for said in (
            "Every night",
            f'title="{made["owner"]}">test<',
            " 02:30 +08:00",
            "Paused",
            "Overdue",
        ):
            assert said in listed
        assert "&lt;b&gt;Stuck" in listed
        for lang, status in (("en", "accepted"), ("zh", "排队中")):
            for path in ("/schedules", "/schedules/nightly", "/schedules/nightly/runs"):
                shown = await page(runner, path, lang)
                link = f'href="http://api.test/jobs/{attended.job_id}?f=html&amp;lang={lang}"'
                assert f"{link}>{status}</a>" in shown, path
        await make(runner, code="last", cron=None, every_s=3600, starts_at="9999-12-31T20:00:00Z")
        assert "9999-12-31 20:00 +00:00" in await page(runner, "/schedules")
        one = await page(runner, "/schedules/nightly")
        assert "good night" in one
        assert "30 2 * * *" in one
        assert 'href="http://api.test/schedules?f=html&amp;lang=en"' in await page(runner, "/")

    async def test_a_time_that_was_refused_says_why(
        self,
        runner: httpx.AsyncClient,
        admin: httpx.AsyncClient,
        session: AsyncSession,
        state: ServiceState,
    ) -> None:
        await make_without_owner(runner, session)
        assert await attend(state) is not None
        for path in ("/schedules", "/schedules/nightly"):
            assert "已失效" in await page(admin, path, "zh")


async def with_roles(
    state: ServiceState, client_with: MakeClient, *roles: Role
) -> tuple[httpx.AsyncClient, str]:
    """A client whose key has the roles in the city, and the key's prefix."""
    async with state.sessions.begin() as session:
        key = await create_key(
            session,
            name="test",
            scopes=(Scope.READ, Scope.WRITE, Scope.JOBS),
            roles=[RoleGiven(role, "city") for role in roles],
        )
    client = await client_with()
    client.headers["Authorization"] = f"Bearer {key}"
    return client, str(prefix_of(key))


async def make_without_owner(client: httpx.AsyncClient, session: AsyncSession) -> dict[str, Any]:
    """A schedule as it was made, which is due now, and whose owner is gone."""
    made = await make(client)
    await let_time_pass(session, "nightly", datetime.now(UTC) - timedelta(seconds=1))
    await revoke_key(session, made["owner"].removeprefix("key:"), act=Act("tester"))
    await session.commit()
    return made


async def page(client: httpx.AsyncClient, path: str, lang: str = "en") -> str:
    answer = await client.get(path, params={"f": "html", "lang": lang})
    assert answer.status_code == 200, answer.text
    assert "<script" not in answer.text
    return answer.text
