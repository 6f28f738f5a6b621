"""Mines from the inventory to acceptance and after, their funds, their reports, and reclamation."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.mines import MINES
from shanhai.db.features.input_validation import read_draft
from shanhai.db.features.write import WriteTarget, update
from shanhai.db.identity import Identity
from shanhai.db.indicators.progress import contributions
from shanhai.db.queries.audit import Act
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.indicator import IndicatorTarget
from shanhai.db.tables.project import Mine, ProjectMeasure
from shanhai.db.tables.zone import Region
from shanhai.errors import Conflict
from shanhai.vocabulary import Role, Scope
from tests.service.api.projects.conftest import MakeClient
from tests.support.indicator_rows import add_indicator, add_plan
from tests.support.job_rows import open_sessions
from tests.support.plan_features import feature, square
from tests.support.projects import add_paper, add_project

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

People = dict[str, httpx.AsyncClient]
MINE, LAND = "/collections/mines/items", "/collections/reclamations/items"
PIT = f"{MINE}/pit"
ADMIN = Identity("admin", frozenset({Scope.ADMIN}))


def mine(**more: Any) -> dict[str, Any]:
    named = {"code": "pit", "name_zh": "采石坑", "name_en": "Quarry"}
    stated = {"kind": "legacy", "region": "banan", "area_ha": 20, "listed_year": 2020}
    return feature(more.pop("geometry", None), **{**named, **stated, **more})


async def add_mine(client: httpx.AsyncClient, **more: Any) -> None:
    made = await client.post(MINE, json=mine(**more))
    assert made.status_code == 201, made.text


async def changed(client: httpx.AsyncClient, path: str, **members: Any) -> httpx.Response:
    return await client.patch(path, json={"type": "Feature", "properties": members})


async def accept(
    people: People, *, code: str = "pit", area: float = 20, day: str = "2024-06-30"
) -> httpx.Response:
    """Bring a mine with a project to its acceptance."""
    path = f"{MINE}/{code}"
    for who, state in (("planner", "planned"), ("owner", "in_work"), ("owner", "restored")):
        step = await changed(people[who], path, state=state)
        assert step.status_code == 200, step.text
    told = {"accepted_on": day, "accepted_area_ha": area, "evidence": ["mine-restoration.paper-0"]}
    return await changed(people["supervisor"], path, state="accepted", **told)


async def with_paper(session: AsyncSession) -> None:
    """A project at work with a document of its acceptance."""
    project = await add_project(session, state="implementation")
    await add_paper(session, project, "acceptance")
    await session.commit()


def pointers(answer: httpx.Response) -> list[str]:
    return [error["pointer"] for error in answer.json()["errors"]]


async def test_a_mine_is_worked_on_by_one_and_accepted_by_another(
    people: People, anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    await with_paper(session)
    assert (await anonymous.post(MINE, json=mine())).status_code == 401
    assert (await people["viewer"].post(MINE, json=mine())).status_code == 403
    await add_mine(people["planner"], minerals=["石灰岩"])
    early = await changed(people["planner"], PIT, state="planned")
    assert early.status_code == 409
    assert pointers(early) == ["/properties/plan"]
    assert (await changed(people["planner"], PIT, project="mine-restoration")).status_code == 200
    assert (await changed(people["owner"], PIT, state="planned")).status_code == 403
    for who, state in (("planner", "planned"), ("owner", "in_work"), ("owner", "restored")):
        assert (await changed(people[who], PIT, state=state)).status_code == 200, state
    assert (await changed(people["owner"], PIT, state="accepted")).status_code == 403

    bare = await changed(people["supervisor"], PIT, state="accepted")
    assert bare.status_code == 409
    members = ("accepted_on", "evidence", "accepted_area_ha")
    assert pointers(bare) == [f"/properties/{name}" for name in members]
    tomorrow = str(datetime.now(UTC).date() + timedelta(days=2))
    wrong = {"accepted_on": tomorrow, "accepted_area_ha": 20.5, "evidence": ["nowhere"]}
    refused = await changed(people["supervisor"], PIT, state="accepted", **wrong)
    assert refused.status_code == 409
    assert pointers(refused) == [f"/properties/{name}" for name in members]
    assert "20 ha" in refused.json()["detail"]
    right = {"accepted_on": "2024-06-30", "accepted_area_ha": 18.5}
    right["evidence"] = ["mine-restoration.paper-0"]
    accepted = await changed(people["supervisor"], PIT, state="accepted", **right)
    assert accepted.status_code == 200, accepted.text
    kept = await changed(people["planner"], PIT, area_ha=30)
    assert kept.status_code == 409
    assert (await people["planner"].delete(PIT)).status_code == 409
    assert (await changed(people["supervisor"], PIT, state="watched")).status_code == 200
    shown = (await anonymous.get(PIT)).json()["properties"]
    assert (shown["state"], shown["accepted_area_ha"]) == ("watched", 18.5)

    assert (await changed(people["supervisor"], PIT, state="restored")).status_code == 403
    back = await changed(people["approver"], PIT, state="restored")
    assert back.status_code == 200, back.text
    shown = back.json()["properties"]
    assert (shown["accepted_on"], shown["accepted_area_ha"]) == (None, None)
    steps = await session.scalars(
        select(AuditLog.after["state"].astext)
        .where(AuditLog.object_table == "mine", AuditLog.object_id == "pit")
        .order_by(AuditLog.id)
    )
    assert list(steps)[-3:] == ["accepted", "watched", "restored"]


async def test_no_ground_is_accepted_twice(people: People, session: AsyncSession) -> None:
    await with_paper(session)
    for code, west in (("pit", 106.5), ("again", 106.5005), ("beside", 106.51)):
        shape = square(west, 29.4, 0.01)
        more = {"code": code, "project": "mine-restoration", "area_ha": 120}
        await add_mine(people["planner"], geometry=shape, **more)
    assert (await accept(people, area=100)).status_code == 200
    refused = await accept(people, code="again", area=100)
    assert refused.status_code == 409
    assert pointers(refused) == ["/properties/state"]
    assert "'pit'" in refused.json()["detail"]
    assert (await accept(people, code="beside", area=100)).status_code == 200


async def test_two_who_accept_the_same_ground_at_once_accept_one(
    people: People, session: AsyncSession, database_url: str
) -> None:
    await with_paper(session)
    for code, west in (("pit", 106.5), ("again", 106.5005)):
        more = {"code": code, "project": "mine-restoration", "area_ha": 120}
        await add_mine(people["planner"], geometry=square(west, 29.4, 0.01), **more)
        for who, state in (("planner", "planned"), ("owner", "in_work"), ("owner", "restored")):
            assert (await changed(people[who], f"{MINE}/{code}", state=state)).status_code == 200
    told = {"state": "accepted", "accepted_on": "2024-06-30", "accepted_area_ha": 100}
    body = {"type": "Feature", "properties": told | {"evidence": ["mine-restoration.paper-0"]}}

    async def step(writer: AsyncSession, code: str) -> None:
        draft = await read_draft(MINES, body, whole=False)
        await update(writer, MINES, ADMIN, Act("tester"), WriteTarget(code), draft)
        await writer.commit()

    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    async with (
        open_sessions(database_url) as sessions,
        sessions() as first,
        sessions() as second,
        sessions() as watch,
    ):
        draft = await read_draft(MINES, body, whole=False)
        await update(first, MINES, ADMIN, Act("tester"), WriteTarget("pit"), draft)
        late = asyncio.create_task(step(second, "again"))
        for _ in range(1_000):
            if late.done() or await watch.scalar(waiting):
                break
            await asyncio.sleep(0.01)
        await first.commit()
        with pytest.raises(Conflict, match="'pit'"):
            await late
    states = await session.execute(select(Mine.code, Mine.state).order_by(Mine.code))
    assert [tuple(row) for row in states] == [("again", "restored"), ("pit", "accepted")]


async def test_a_mine_is_accepted_with_the_area_that_is_shown(
    people: People, session: AsyncSession
) -> None:
    await with_paper(session)
    for k in range(6):
        code, path = f"m{k}", f"{MINE}/m{k}"
        shape = square(106.5 + 0.01 * k, 29.4, 0.001 + 0.00013 * k)
        about = {"project": "mine-restoration", "area_ha": None}
        await add_mine(people["planner"], code=code, geometry=shape, **about)
        shown = (await people["planner"].get(path)).json()["properties"]["measured_area_ha"]
        more = await accept(people, code=code, area=round(shown + 0.0001, 4))
        assert more.status_code == 409, more.text
        assert f"the mine's {shown} ha" in more.json()["detail"]
        told = {"accepted_on": "2024-06-30", "evidence": ["mine-restoration.paper-0"]}
        done = await changed(
            people["supervisor"], path, state="accepted", accepted_area_ha=shown, **told
        )
        assert done.status_code == 200, done.text


async def test_an_entry_is_accepted_part_by_part(people: People, session: AsyncSession) -> None:
    await with_paper(session)
    project = {"project": "mine-restoration"}
    await add_mine(people["planner"], code="all", area_ha=254, **project)
    await add_mine(people["planner"], area_ha=100, part_of="all", **project)
    refused = await accept(people, code="all", area=254)
    assert refused.status_code == 409
    assert "'pit'" in refused.json()["detail"]
    assert (await accept(people, area=100)).status_code == 200
    late = mine(code="late", part_of="pit")
    assert pointers(await people["planner"].post(MINE, json=late)) == ["/properties/part_of"]
    circle = await changed(people["planner"], f"{MINE}/all", part_of="pit")
    assert circle.status_code == 409

    stock = (await people["viewer"].get("/mines/stock", params={"region": "banan"})).json()
    year = {item["year"]: item for item in stock["years"]}
    assert year[2023]["open_ha"] == "254"
    assert (year[2024]["open_ha"], year[2024]["restored_ha"]) == ("154", "100")
    assert year[2024]["listed_ha"] == "254"
    table = await people["viewer"].get("/mines/stock", params={"f": "csv"})
    assert "2024,254,154,100,1" in table.text.splitlines()
    for lang, title, colon in (("zh", "矿山修复存量", "："), ("en", "Stock of mines", ": ")):
        page = await people["viewer"].get("/mines/stock", params={"f": "html", "lang": lang})
        assert title in page.text
        assert f"<title>2024{colon}154 ha</title>" in page.text
    assert (await people["viewer"].get("/mines/stock?region=nowhere")).status_code == 404
    assert (await people["viewer"].get("/mines/stock?plan=nowhere")).status_code == 404
    none = (await people["viewer"].get("/mines/stock?region=elsewhere")).json()
    assert (none["mine_count"], none["years"]) == (0, [])


async def mine_plan(session: AsyncSession) -> tuple[int, int, int]:
    """A plan of Banan with the indicator of restored mines counted from 2021 on; their ids."""
    banan = await session.scalar(select(Region).where(Region.code == "banan"))
    assert banan is not None
    plan = await add_plan(session, "plan", banan)
    indicator = await add_indicator(session, plan, "mine_restored_area", unit="ha")
    session.add(
        IndicatorTarget(
            indicator_id=indicator.id,
            region_id=banan.id,
            plan_id=plan.id,
            role="target",
            year=2030,
            value=Decimal(254),
            sense="at_least",
            cumulative_from=2021,
        )
    )
    await session.commit()
    return plan.id, indicator.id, banan.id


async def test_an_accepted_area_counts_once_for_the_indicator(
    people: People, session: AsyncSession
) -> None:
    await with_paper(session)
    await mine_plan(session)

    async def told() -> dict[str, Any]:
        answer = await people["viewer"].get("/plans/plan/progress", params={"year": 2027})
        assert answer.status_code == 200, answer.text
        (item,) = answer.json()["indicators"]
        found: dict[str, Any] = item
        return found

    await add_mine(people["planner"], project="mine-restoration")
    assert (await told())["value"] is None
    assert (await accept(people, area=18.5)).status_code == 200
    counted = await told()
    assert (counted["value"], counted["projects"]["mines"]) == (18.5, 1)
    assert "measures_counted" in {each["code"] for each in counted["remarks"]}
    again = await changed(people["supervisor"], PIT, state="accepted")
    assert again.status_code == 200, "nothing changed"
    assert (await told())["value"] == 18.5
    assert (await changed(people["approver"], PIT, state="restored")).status_code == 200
    assert (await told())["value"] is None
    corrected = {"accepted_on": "2025-03-01", "accepted_area_ha": 19}
    assert (
        await changed(people["supervisor"], PIT, state="accepted", **corrected)
    ).status_code == 200
    assert (await told())["value"] == 19
    assert (await told())["value_year"] == 2025

    # What the project reports of the same ground takes the place of its mines, once it counts.
    project_id, plan_id, indicator_id = (
        await session.execute(
            text(
                "SELECT pj.id, p.id, i.id FROM project pj, plan p, indicator i"
                " WHERE i.code = 'mine_restored_area'"
            )
        )
    ).one()
    session.add(
        ProjectMeasure(
            project_id=project_id,
            order_no=1,
            measure="mine_restoration",
            planned=25,
            done=24,
            unit="ha",
            indicator_id=indicator_id,
        )
    )
    await session.execute(text("UPDATE project SET plan_id = :plan"), {"plan": plan_id})
    await session.commit()
    assert (await told())["value"] == 19
    await session.execute(text("UPDATE project SET state = 'monitoring'"))
    await session.commit()
    assert (await told())["value"] == 24


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["first", "second"]),
        st.sampled_from(["accepted", "watched", "restored"]),
        st.decimals(min_value="0.01", max_value="20", places=2),
        st.integers(2021, 2024),
    ),
    max_size=8,
)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moves=MOVES)
def test_whatever_is_accepted_sent_back_or_corrected_counts_as_it_stands(
    moves: list[tuple[str, str, Decimal, int]], play: Any
) -> None:
    play(moves)


@pytest.fixture
def play(database_url: str) -> Any:
    """Takes steps of two mines that are never committed, and compares what they count for."""

    async def run(moves: list[tuple[str, str, Decimal, int]]) -> None:
        async with open_sessions(database_url) as sessions, sessions() as session:
            region = Region(code="played", name_zh="区", name_en="Region", level="district")
            session.add(region)
            await session.flush()
            project = await add_project(session, code="played", region="played")
            await add_paper(session, project, "acceptance")
            plan = await add_plan(session, "played", region)
            indicator = await add_indicator(session, plan, "mine_bare_slope_restored_area")
            for code in ("first", "second"):
                row = Mine(code=code, name_zh="坑", name_en="Pit", kind="legacy", state="restored")
                row.region_id, row.project_id, row.area_ha = region.id, project.id, Decimal(20)
                session.add(row)
            await session.flush()
            standing: dict[str, tuple[int, Decimal]] = {}
            states = dict.fromkeys(("first", "second"), "restored")
            for code, state, area, year in moves:
                told: dict[str, Any] = {"state": state}
                if (states[code], state) == ("restored", "accepted"):
                    papers = list(await session.scalars(text("SELECT code FROM document")))
                    told |= {"accepted_on": f"{year}-05-01", "accepted_area_ha": float(area)}
                    told["evidence"] = papers[:1]
                    standing[code] = (year, area)
                elif state == "restored":
                    standing.pop(code, None)
                elif (states[code], state) not in {("accepted", "watched"), (state, state)}:
                    continue
                body = {"type": "Feature", "properties": told}
                draft = await read_draft(MINES, body, whole=False)
                await update(session, MINES, ADMIN, Act("tester"), WriteTarget(code), draft)
                states[code] = state
                counted = await contributions(session, plan.id, {indicator.id: "km2"}, [region.id])
                by_year: dict[int, Decimal] = {}
                for when, amount in standing.values():
                    by_year[when] = by_year.get(when, Decimal(0)) + amount / 100
                found = counted.get((indicator.id, region.id))
                assert (found.accepted if found is not None else {}) == by_year

    return lambda moves: asyncio.run(run(moves))


PRODUCING = {"kind": "producing", "owner": "firm", "licence": "C5001", "restoration_plan": "方案"}
FUND, REPORTS = "/mines/pit/deposits", "/mines/pit/reports"


async def producing(people: People, admin: httpx.AsyncClient) -> None:
    firm = {"code": "firm", "name_zh": "采石公司", "name_en": "Quarry firm", "kind": "firm"}
    made = await admin.post("/parties", json=firm)
    assert made.status_code == 201, made.text
    await add_mine(people["planner"], geometry=square(106.5, 29.4, 0.01), **PRODUCING)


def deposit(kind: str, amount: Any, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "amount": amount, "year": 2024, **more}


async def test_a_fund_holds_what_was_paid_and_not_taken_out(
    people: People,
    admin: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    session: AsyncSession,
) -> None:
    bare = await people["planner"].post(MINE, json=mine(kind="producing"))
    lacking = ["/properties/owner", "/properties/licence"]
    assert (bare.status_code, pointers(bare)) == (400, lacking)
    await producing(people, admin)
    for who, body in (
        ("owner", deposit("due", "100")),
        ("planner", deposit("paid", "100")),
        ("owner", deposit("withdrawn", "1")),
    ):
        assert (await people[who].post(FUND, json=body)).status_code == 403, body
    numbers = []
    for who, body in (
        ("supervisor", deposit("due", "1000.10")),
        ("owner", deposit("paid", 600.1)),
        ("approver", deposit("withdrawn", "150.05")),
        ("approver", deposit("forfeited", "0.05", note="未按方案修复")),
    ):
        made = await people[who].post(FUND, json=body)
        assert made.status_code == 201, made.text
        numbers.append(made.json()["id"])
    fund = (await people["viewer"].get(FUND)).json()
    sums = ("fund_due", "fund_paid", "withdrawn", "forfeited", "balance", "fund_missing")
    wanted = ["1000.10", "600.10", "150.05", "0.05", "450.00", "400.00"]
    assert [fund[name] for name in sums] == wanted
    assert (await anonymous.get(FUND)).status_code == 401

    for body, status, pointer in (
        (deposit("withdrawn", "450.01"), 409, "/amount"),
        (deposit("forfeited", "1"), 400, "/note"),
        ({"reverses": numbers[1]}, 409, "/reverses"),
        ({"reverses": 2**40}, 400, "/reverses"),
    ):
        refused = await admin.post(FUND, json=body)
        assert refused.status_code == status, body
        assert pointers(refused) == [pointer]
    assert (await people["owner"].post(FUND, json={"reverses": numbers[2]})).status_code == 403
    back = await people["approver"].post(FUND, json={"reverses": numbers[2], "note": "误提"})
    assert back.status_code == 201, back.text
    assert (back.json()["kind"], back.json()["amount"]) == ("withdrawn", "-150.05")
    for number in (numbers[2], back.json()["id"]):
        twice = await people["approver"].post(FUND, json={"reverses": number})
        assert twice.status_code == 409
    assert (await people["viewer"].get(FUND)).json()["balance"] == "600.05"
    assert (await people["planner"].delete(PIT)).status_code == 409
    page = await people["viewer"].get(FUND, params={"f": "html", "lang": "zh"})
    assert "采石坑" in page.text
    assert "600.05" in page.text
    with pytest.raises(DBAPIError, match="append-only"):
        await session.execute(text("UPDATE mine_deposit_entry SET amount = 1"))


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (deposit("paid", "0"), "/amount"),
        (deposit("paid", "1.001"), "/amount"),
        (deposit("paid", "x"), "/amount"),
        (deposit("gift", "1"), "/kind"),
        (deposit("paid", "1", year=12), "/year"),
        (deposit("paid", "1", colour="red"), "/colour"),
        ({"kind": "paid"}, "/year"),
        (deposit("paid", "1", reverses=1), "/kind"),
    ],
)
async def test_bad_entries_of_a_fund(people: People, body: dict[str, Any], pointer: str) -> None:
    answer = await people["owner"].post(FUND, json=body)
    assert answer.status_code == 400, answer.text
    assert pointer in pointers(answer)


def report(**more: Any) -> dict[str, Any]:
    return {"year": 2024, "disturbed_ha": 3, "planned_ha": 2.5, "restored_ha": 2.5, **more}


async def test_a_report_that_falls_short_opens_one_case(
    people: People, admin: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    await producing(people, admin)
    assert (await people["planner"].post(REPORTS, json=report())).status_code == 403
    kept = await people["owner"].post(REPORTS, json=report())
    assert kept.status_code == 201, kept.text
    assert kept.json()["case"] is None

    short = await people["owner"].post(REPORTS, json=report(restored_ha=1.25))
    assert short.status_code == 201, short.text
    told = short.json()
    assert (told["area_missing_ha"], told["newest"]) == ("1.25", True)
    case = (await people["supervisor"].get(f"/cases/{told['case']}")).json()
    assert case["external_id"] == "pit/2024"
    assert case["state"] == "new"
    assert case["region"] == "banan"
    page = await people["supervisor"].get(f"/cases/{told['case']}", params={"f": "html"})
    assert page.status_code == 200

    # Money that is owed is a shortfall, too; the year has its case already.
    due = await people["supervisor"].post(FUND, json=deposit("due", "10"))
    assert due.status_code == 201, due.text
    owing = (await people["owner"].post(REPORTS, json=report())).json()
    assert (owing["fund_missing"], owing["case"]) == ("10.00", told["case"])
    before = (await people["owner"].post(REPORTS, json=report(year=2023))).json()
    assert (before["fund_missing"], before["case"]) == ("0.00", None)
    assert (
        await people["owner"].post(FUND, json=deposit("paid", "10", year=2023))
    ).status_code == 201
    paid = (await people["owner"].post(REPORTS, json=report())).json()
    assert paid["case"] is None
    listed = (await people["viewer"].get(REPORTS)).json()["reports"]
    newest = [(item["year"], item["newest"]) for item in listed]
    assert newest == [(2024, True), (2024, False), (2024, False), (2024, False), (2023, True)]
    assert (await anonymous.get(REPORTS)).status_code == 401
    page = await people["viewer"].get(REPORTS, params={"f": "html", "lang": "en"})
    assert "Yearly reports · Quarry" in page.text


async def test_who_wrote_of_a_mine_and_why_is_for_those_at_work_there(
    people: People, admin: httpx.AsyncClient, with_role: MakeClient
) -> None:
    await producing(people, admin)
    paid = await people["owner"].post(FUND, json=deposit("paid", "1", note="第一笔"))
    short = await people["owner"].post(REPORTS, json=report(restored_ha=1, note="暴雨停工"))
    entry, told = paid.json(), short.json()
    assert None not in (entry["actor"], told["actor"], told["case"])

    async def read(client: httpx.AsyncClient) -> tuple[Any, ...]:
        one = (await client.get(FUND)).json()["entries"][0]
        year = (await client.get(REPORTS)).json()["reports"][0]
        assert (one["amount"], year["restored_ha"]) == ("1.00", "1")
        return one["actor"], one["note"], year["actor"], year["note"], year["case"]

    known = (entry["actor"], "第一笔", told["actor"], "暴雨停工")
    assert await read(people["supervisor"]) == (*known, told["case"])
    assert await read(await with_role(Role.SUPERVISOR, "elsewhere")) == (None,) * 5


async def test_only_mines_that_produce_and_are_drawn_report(
    people: People, admin: httpx.AsyncClient
) -> None:
    await producing(people, admin)
    await add_mine(people["planner"], code="old")
    await add_mine(people["planner"], code="undrawn", **PRODUCING)
    coming = await people["owner"].post(REPORTS, json=report(year=2190))
    assert (coming.status_code, pointers(coming)) == (400, ["/year"])
    for code in ("old", "undrawn"):
        refused = await people["owner"].post(f"/mines/{code}/reports", json=report())
        assert refused.status_code == 409, code
    assert (
        await people["owner"].post("/mines/old/deposits", json=deposit("paid", "1"))
    ).status_code == 409
    assert (await people["owner"].post("/mines/none/reports", json=report())).status_code == 404
    wrong = await people["owner"].post(REPORTS, json=report(restored_ha=-1))
    assert wrong.status_code == 400


async def test_land_is_used_once_its_deposit_is_paid_and_given_back(
    people: People, session: AsyncSession
) -> None:
    await with_paper(session)
    told = {"code": "camp", "name_zh": "施工营地", "name_en": "Camp", "region": "banan"}
    told |= {"start_on": "2023-01-01", "end_on": "2024-12-31", "land_class_before": "0103"}
    backwards = feature(None, **{**told, "end_on": "2022-01-01"})
    assert (await people["planner"].post(LAND, json=backwards)).status_code == 400
    made = await people["planner"].post(LAND, json=feature(None, **told))
    assert made.status_code == 201, made.text
    camp = f"{LAND}/camp"
    # There is no way to use it that leaves out the deposit.
    assert (await changed(people["owner"], camp, state="in_use")).status_code == 409
    unset = await changed(people["supervisor"], camp, state="deposit_paid")
    assert pointers(unset) == ["/properties/deposit_required"]
    part = {"deposit_required": "5000.00", "deposit_paid": "4999.99"}
    short = await changed(people["supervisor"], camp, state="deposit_paid", **part)
    assert pointers(short) == ["/properties/deposit_paid"]
    full = {"deposit_required": "5000.00", "deposit_paid": "5000.00"}
    paid = await changed(people["supervisor"], camp, state="deposit_paid", **full)
    assert paid.status_code == 200, paid.text
    assert paid.json()["properties"]["deposit_paid"] == "5000.00"
    assert (await changed(people["owner"], camp, state="in_use")).status_code == 200
    emptied = await changed(people["owner"], camp, deposit_paid="0")
    assert pointers(emptied) == ["/properties/deposit_paid"]
    assert (await changed(people["owner"], camp, state="reclaimed")).status_code == 200
    assert (await changed(people["owner"], camp, state="accepted")).status_code == 403
    bare = await changed(people["approver"], camp, state="accepted")
    members = ("accepted_on", "evidence", "land_class_after")
    assert pointers(bare) == [f"/properties/{name}" for name in members]
    reasonless = await changed(people["approver"], camp, state="forfeited")
    assert pointers(reasonless) == ["/properties/forfeit_reason"]
    proof = {"accepted_on": "2024-12-01", "evidence": ["mine-restoration.paper-0"]}
    proof["land_class_after"] = "0103"
    accepted = await changed(people["approver"], camp, state="accepted", **proof)
    assert accepted.status_code == 200, accepted.text
    assert (await changed(people["owner"], camp, land_class_after="0601")).status_code == 409
    back = await changed(people["approver"], camp, state="reclaimed")
    assert back.json()["properties"]["accepted_on"] is None
    lost = await changed(people["approver"], camp, state="forfeited", forfeit_reason="逾期未复垦")
    assert lost.status_code == 200, lost.text
    assert (await changed(people["approver"], camp, state="in_use")).status_code == 409


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"area_ha": 0}, "/properties/area_ha"),
        ({"area_ha": "big"}, "/properties/area_ha"),
        ({"kind": "sunken"}, "/properties/kind"),
        ({"listed_year": 20}, "/properties/listed_year"),
        ({"minerals": "石灰岩"}, "/properties/minerals"),
        ({"towns": ["nowhere"]}, "/properties/towns"),
        ({"problem": "nowhere"}, "/properties/problem"),
        ({"owner": "nobody"}, "/properties/owner"),
        ({"accepted_on": "2024-02-30"}, "/properties/accepted_on"),
        ({"colour": "red"}, "/properties/colour"),
    ],
)
async def test_bad_mines_are_refused_whole(
    people: People, members: dict[str, Any], pointer: str
) -> None:
    refused = await people["planner"].post(MINE, json=mine(**members))
    assert refused.status_code == 400, refused.text
    assert any(place.startswith(pointer) for place in pointers(refused))
    assert (await people["planner"].get(PIT)).status_code == 404
