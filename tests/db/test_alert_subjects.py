"""Alerts about targets of indicators and about cases, on PostGIS."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from shapely import MultiPolygon, box
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from shanhai.db.alerts.observation_evaluation import (
    end_expired,
    note_all_cases,
    note_all_lines,
    note_all_plans,
)
from shanhai.db.alerts.plan_evaluation import evaluate_cases, evaluate_lines, evaluate_plans
from shanhai.db.alerts.queries import describe_alert, events_after, find_alert, list_alerts
from shanhai.db.alerts.rules import create_rule, find_rule, replace_rule
from shanhai.db.cases.leads import CaseRule, Lead, LeadOutcome, receive_lead
from shanhai.db.cases.transitions import CaseTransitionRequest, Deadlines, take_step
from shanhai.db.deliveries.webhooks import HostlessLinks
from shanhai.db.engine import Sessions
from shanhai.db.identity import EVERYTHING, Grant, Identity, Viewer
from shanhai.db.indicators.plan_indicators import find_indicator, find_place, find_plan
from shanhai.db.indicators.targets import Rewriting, StatedFigure, state_targets
from shanhai.db.indicators.values import NewValue, add_value
from shanhai.db.queries.audit import Act
from shanhai.db.tables.indicator import PlanIndicator
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.zone import Region
from shanhai.errors import Forbidden, InvalidInput, NotFound
from shanhai.vocabulary import Role, Scope
from tests.support.alert_rows import events, rule
from tests.support.emptying import forget_rows
from tests.support.indicator_rows import add_indicator, add_plan
from tests.support.job_rows import add_region
from tests.support.known_lines import red_line
from tests.support.observation_rows import fetch

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ACT = Act("key:test")
ANYONE = Identity("key:test", frozenset({Scope.WRITE, Scope.OBSERVE, Scope.PROJECTS}))
BEHIND = rule(
    code="behind",
    name_zh="指标滞后",
    name_en="Behind",
    kind="indicator_behind_target",
    plan="plan",
    indicator="woods",
    limits={"blue": 0.0, "yellow": 10.0, "red": 50.0},
    reset=0.0,
)
LEADS = rule(
    code="leads",
    kind="red_line_lead",
    control_kind="red_line",
    limits={"yellow": 400.0, "red": 1e6},
    reset=0.0,
)
DECLINES = {**LEADS, "code": "declines", "kind": "line_decline"}
SHAPE = box(118.02, 24.42, 118.03, 24.43)
LEAD = Lead(
    "satellite", "1", "mining", date(2025, 1, 1), date(2025, 6, 1), None, MultiPolygon([SHAPE]).wkb
)


@pytest.fixture(autouse=True)
async def district_under_a_line(sessions: Sessions) -> None:
    """A city with a district under a red line, and a plan whose path rises by ten a year.

    Of 2024, a value of which is known, it asks for 40.
    """
    async with sessions.begin() as session:
        await forget_rows(session, ["lead_case", "region", "indicator", "alert_rule"])
        city = await add_region(session, "city")
        await add_region(session, "district", level="district", parent=city)
        plan = await add_plan(session, "plan", city)
        await add_indicator(
            session,
            plan,
            "woods",
            figures=[("base", 2020, "0"), ("target", 2090, "700")],
            values=[(2024, "40")],
        )
        line = red_line(city, SHAPE)
        session.add(line)


async def add_rule(sessions: Sessions, contents: dict[str, Any], **changes: Any) -> None:
    async with sessions.begin() as session:
        await create_rule(session, {**contents, **changes}, identity=ANYONE, act=ACT)
    await evaluate(sessions)


async def evaluate(sessions: Sessions) -> None:
    for judge in (evaluate_plans, evaluate_cases, evaluate_lines):
        async with sessions.begin() as session:
            await judge(session, now=NOW)


async def measure(sessions: Sessions, value: str) -> None:
    """Record a value of 2024, and evaluate."""
    async with sessions.begin() as session:
        plan = await find_plan(session, "plan", EVERYTHING)
        listed = await find_indicator(session, plan, "woods")
        place = await find_place(session, plan, None, pointer="")
        new = NewValue(2024, Decimal(value))
        await add_value(session, plan, listed, place, new, caller=ANYONE, act=ACT)
    await evaluate(sessions)


async def alerts(sessions: Sessions) -> list[tuple[Any, ...]]:
    return await fetch(sessions, "SELECT status, level, measure FROM alert ORDER BY id")


async def test_an_indicator_that_falls_behind_warns_until_it_is_back(sessions: Sessions) -> None:
    await add_rule(sessions, BEHIND)
    assert await alerts(sessions) == []
    # A tenth of the 40 asked for is on the limit of yellow, and so not beyond it.
    await measure(sessions, "36")
    assert await alerts(sessions) == [("open", "blue", 10)]
    await measure(sessions, "30")
    assert await alerts(sessions) == [("open", "yellow", 25)]
    assert await fetch(
        sessions, "SELECT facts->'value', facts->'value_year', facts->'path_value' FROM alert"
    ) == [(30, 2024, 40)]
    # Less behind is still behind.
    await measure(sessions, "39")
    assert await alerts(sessions) == [("open", "yellow", 25)]
    await measure(sessions, "40")
    assert await alerts(sessions) == [("closed", "yellow", 25)]
    assert await events(sessions) == ["opened", "raised", "recovered"]
    assert await fetch(sessions, "SELECT 1 FROM alert_due") == []
    async with sessions() as session:
        [row] = await list_alerts(session, EVERYTHING, {"subject": "indicator"}, limit=10)
    assert (row.plan, row.indicator, row.region, row[0].target_year) == (
        *("plan", "woods", "city"),
        2090,
    )


async def test_a_new_rule_judges_what_is_known_and_each_rule_warns_once(sessions: Sessions) -> None:
    await measure(sessions, "30")
    await add_rule(sessions, BEHIND)
    await add_rule(sessions, BEHIND, code="all", plan=None, indicator=None, region="city")
    await add_rule(sessions, BEHIND, code="elsewhere", plan=None, indicator=None, region="district")
    await add_rule(sessions, BEHIND, code="off", enabled=False)
    await measure(sessions, "29")
    query = "SELECT r.code, a.level FROM alert a JOIN alert_rule r ON r.id = a.rule_id ORDER BY 1"
    assert await fetch(sessions, query) == [("all", "yellow"), ("behind", "yellow")]


async def test_figures_stated_anew_end_an_alert_or_leave_it_without_a_target(
    sessions: Sessions,
) -> None:
    await add_rule(sessions, BEHIND)
    await measure(sessions, "30")
    base = StatedFigure("base", 2020, Decimal(0), revisable=True)

    async def state(*figures: StatedFigure) -> None:
        async with sessions.begin() as session:
            await session.execute(text("UPDATE plan SET status = 'draft'"))
            plan = await find_plan(session, "plan", EVERYTHING)
            listed = await find_indicator(session, plan, "woods")
            place = await find_place(session, plan, None, pointer="")
            what = Rewriting(plan, listed, place, ACT)
            await state_targets(session, what, figures, expected=None)
            await session.execute(text("UPDATE plan SET status = 'approved'"))
        await evaluate(sessions)

    # 525 by 2090 asks for 30 of 2024.
    await state(base, StatedFigure("target", 2090, Decimal(525)))
    assert await events(sessions) == ["opened", "recovered"]
    await state(base, StatedFigure("target", 2090, Decimal(700)))
    await state(base, StatedFigure("target", 2080, Decimal(700)))
    assert await events(sessions) == ["opened", "recovered", "opened", "subject_gone", "opened"]
    async with sessions.begin() as session:
        (await session.scalars(select(Plan))).one().status = "superseded"
        await note_all_plans(session)
    await evaluate(sessions)
    assert (await events(sessions))[5:] == ["subject_gone"]


async def test_time_that_passes_is_looked_at_now_and_then(sessions: Sessions) -> None:
    await add_rule(sessions, BEHIND)
    async with sessions.begin() as session:
        # As if it came by itself, the way a year passes or a project is accepted.
        query = """INSERT INTO indicator_value (indicator_id, region_id, year, value)
                   SELECT indicator_id, region_id, year, 10 FROM indicator_value"""
        await session.execute(text(query))
    await evaluate(sessions)
    assert await alerts(sessions) == []
    async with sessions.begin() as session:
        await note_all_plans(session)
        await note_all_plans(session)
    assert await fetch(sessions, "SELECT count(*) FROM alert_due") == [(1,)]
    await evaluate(sessions)
    assert await alerts(sessions) == [("open", "red", 75)]


async def receive(sessions: Sessions, lead: Lead = LEAD) -> LeadOutcome:
    async with sessions.begin() as session:
        received = await receive_lead(session, ANYONE, ACT, lead, CaseRule({"red_line": 400.0}, 15))
    await evaluate(sessions)
    return received


async def close_case(sessions: Sessions, code: str) -> None:
    async with sessions.begin() as session:
        query = text("UPDATE lead_case SET state = 'verified', result = 'lawful'")
        await session.execute(query)
        asked, days = CaseTransitionRequest("closed", note="合法"), Deadlines(1, 1, 1)
        await take_step(session, code, ANYONE, ACT, asked, days, expected=None)
    await evaluate(sessions)


async def test_a_case_warns_once_until_it_is_closed(sessions: Sessions) -> None:
    await add_rule(sessions, LEADS)
    await add_rule(sessions, LEADS, code="wetlands", control_kind="wetland")
    await add_rule(sessions, LEADS, code="large", limits={"red": 1e7})
    case = (await receive(sessions)).case
    assert case is not None
    await receive(sessions)
    # 1013.6 m by 1107.8 m: more than a million square metres, less than ten.
    [(status, level, area)] = await alerts(sessions)
    assert (status, level) == ("open", "red")
    assert area == pytest.approx(1013.6 * 1107.8, rel=1e-3)
    await close_case(sessions, case)
    assert [row[0] for row in await alerts(sessions)] == ["closed"]
    assert await events(sessions) == ["opened", "recovered"]


async def test_a_new_rule_judges_open_cases_and_what_is_undone_is_judged_again(
    sessions: Sessions,
) -> None:
    await receive(sessions)
    async with sessions.begin() as session:
        await create_rule(session, LEADS, identity=ANYONE, act=ACT)
    async with sessions() as session:
        assert await evaluate_cases(session, now=NOW) == 1
        await session.rollback()
    assert await alerts(sessions) == []
    await evaluate(sessions)
    await evaluate(sessions)
    assert await events(sessions) == ["opened"]


async def test_open_cases_are_judged_on_the_first_day_of_a_rule(sessions: Sessions) -> None:
    await receive(sessions)
    [(tomorrow,)] = await fetch(sessions, "SELECT current_date + 1")
    await add_rule(sessions, LEADS, valid_from=tomorrow.isoformat())
    await add_rule(sessions, LEADS, code="wetlands", control_kind="wetland")
    await add_rule(sessions, LEADS, code="off", enabled=False)
    await look_at_cases(sessions)
    assert await alerts(sessions) == []
    async with sessions.begin() as session:
        # As if the day had come.
        query = "UPDATE alert_rule SET valid_from = current_date WHERE code = 'leads'"
        await session.execute(text(query))
    await look_at_cases(sessions)
    assert [row[0] for row in await alerts(sessions)] == ["open"]
    await look_at_cases(sessions)
    assert await events(sessions) == ["opened"]


async def test_a_case_that_nothing_new_watches_is_not_looked_at_again(sessions: Sessions) -> None:
    await receive(sessions)
    await add_rule(sessions, LEADS)
    async with sessions.begin() as session:
        await add_region(session, "elsewhere", box=None)
    await add_rule(sessions, LEADS, code="elsewhere", region="elsewhere")
    await add_rule(sessions, LEADS, code="wetlands", control_kind="wetland")
    async with sessions.begin() as session:
        await note_all_cases(session)
    assert await fetch(sessions, "SELECT 1 FROM alert_due WHERE case_id IS NOT NULL") == []


async def look_at_cases(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await note_all_cases(session)
    await evaluate(sessions)


async def test_alerts_about_cases_are_for_those_who_see_the_cases(sessions: Sessions) -> None:
    await add_rule(sessions, LEADS)
    await add_rule(sessions, BEHIND)
    await measure(sessions, "30")
    await receive(sessions)
    async with sessions() as session:
        found = await session.execute(text("SELECT code, id FROM region"))
        ids = {row.code: row.id for row in found}
        for regions, seen in ((["district"], ["case", "indicator"]), ([], ["indicator"])):
            insider = frozenset(ids[code] for code in regions)
            viewer = Viewer(known=True, regions=insider, members=frozenset(ids.values()))
            rows = await list_alerts(session, viewer, {}, limit=10)
            kinds = ["indicator" if row[0].case_id is None else "case" for row in rows]
            assert sorted(kinds) == seen
        assert await list_alerts(session, Viewer(True, frozenset()), {}, limit=10) == []
        [row] = await list_alerts(session, EVERYTHING, {"subject": "case"}, limit=10)
        with pytest.raises(NotFound):
            await find_alert(session, viewer, row[0].id)
        # Events of others are passed over, and not waited for.
        newest, told = await events_after(session, viewer, 0, limit=10)
        assert [alert[0].case_id for _, alert in told] == [None]
        assert newest == (await events_after(session, EVERYTHING, 0, limit=10))[0]


async def test_a_rule_is_evaluated_on_its_days_only(sessions: Sessions) -> None:
    today = (await fetch(sessions, "SELECT current_date"))[0][0]
    day = timedelta(days=1)
    await measure(sessions, "30")
    early, late = (today + day).isoformat(), today.isoformat()
    await add_rule(sessions, BEHIND, code="early", valid_from=early)
    await add_rule(sessions, BEHIND, code="late", valid_to=late)
    assert await alerts(sessions) == []
    await add_rule(sessions, BEHIND, valid_from=late, valid_to=early)
    assert [row[0] for row in await alerts(sessions)] == ["open"]
    async with sessions.begin() as session:
        # As if the day had passed.
        query = "UPDATE alert_rule SET valid_from = current_date - 1, valid_to = current_date"
        await session.execute(text(f"{query} WHERE code = 'behind'"))
        await end_expired(session, now=NOW)
    assert await events(sessions) == ["opened", "rule_expired"]


async def test_rules_are_told_as_they_were_made(sessions: Sessions) -> None:
    quiet = {
        "from": "22:00",
        "to": "07:00",
        "days": [1],
        "time_zone": "Asia/Shanghai",
        "red_passes": True,
    }
    changes = {"quiet": quiet, "valid_from": "2020-01-01", "valid_to": "2099-01-01"}
    await add_rule(sessions, BEHIND, **changes)
    async with sessions.begin() as session:
        assert (await find_rule(session, "behind")).contents == {**BEHIND, **changes}
        await replace_rule(session, "behind", BEHIND, identity=ANYONE, act=ACT)
        assert (await find_rule(session, "behind")).contents == BEHIND


@pytest.mark.parametrize(
    ("changes", "pointer"), [({"plan": "none"}, "/plan"), ({"indicator": "none"}, "/indicator")]
)
async def test_plans_and_indicators_of_rules_must_be_known(
    sessions: Sessions, changes: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await add_rule(sessions, BEHIND, **changes)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]


async def test_a_rule_about_a_plan_is_for_those_who_plan_there(sessions: Sessions) -> None:
    async with sessions() as session:
        district = await session.scalar(text("SELECT id FROM region WHERE code = 'district'"))
    assert isinstance(district, int)
    grant = Grant(Role.PLANNER, frozenset({district}))
    local = Identity("key:local", frozenset({Scope.WRITE}), (grant,))
    async with sessions.begin() as session:
        with pytest.raises(Forbidden):
            await create_rule(session, BEHIND, identity=local, act=ACT)
        contents = {**BEHIND, "region": "district"}
        await create_rule(session, contents, identity=local, act=ACT)


async def test_an_alert_has_exactly_one_subject(sessions: Sessions) -> None:
    await add_rule(sessions, LEADS)
    await receive(sessions)
    async with sessions() as session:
        for change in ("case_id = NULL", "target_year = 2030", "target_region_id = 1"):
            with pytest.raises(IntegrityError):
                await session.execute(text(f"UPDATE alert SET {change}"))
            await session.rollback()


async def cut_line(sessions: Sessions, day: str, east: float, **columns: str) -> None:
    """Draw the red line anew from a day on, and evaluate."""
    said = "".join(f", {name} = '{value}'" for name, value in columns.items())
    async with sessions.begin() as session:
        await session.execute(
            text(
                "UPDATE control_area SET valid_from = CAST(:day AS text)::date,"
                f" geom = ST_MakeEnvelope(118.02, 24.42, :east, 24.43, 4490){said}"
                " WHERE code = 'red-1'"
            ),
            {"day": day, "east": east},
        )
    await evaluate(sessions)


async def test_a_cut_of_a_line_warns_until_it_is_regained(sessions: Sessions) -> None:
    await add_rule(sessions, DECLINES)
    await add_rule(sessions, DECLINES, code="farmland", control_kind="cultivated_land")
    await add_rule(sessions, DECLINES, code="elsewhere", region="district")
    assert await alerts(sessions) == []
    # A tenth of 1 013 m by 1 108 m.
    await cut_line(sessions, "2024-01-01", 118.029)
    [(status, level, lost)] = await alerts(sessions)
    assert (status, level) == ("open", "yellow")
    assert lost == pytest.approx(112_300, rel=1e-3)
    async with sessions() as session:
        [row] = await list_alerts(session, EVERYTHING, {"subject": "line"}, limit=10)
        assert await list_alerts(session, EVERYTHING, {"subject": "indicator"}, limit=10) == []
        told = describe_alert(row, HostlessLinks("en"))
    assert (told["kind"], told["subject"], told["region"], told["unit"]) == (
        *("line_decline", "line", "city"),
        "m2",
    )
    assert told["subject_name"] == "Region city · Ecological red line"
    assert (told["facts"]["codes"], told["facts"]["day"]) == (["red-1"], "2024-01-01")
    assert told["links"][-1]["href"].endswith("/regions/city/lines")
    await evaluate(sessions)
    async with sessions.begin() as session:
        await note_all_lines(session)
    await evaluate(sessions)
    assert await events(sessions) == ["opened"]
    await cut_line(sessions, "2024-06-01", 118.03)
    assert await events(sessions) == ["opened", "recovered"]
    assert await fetch(sessions, "SELECT 1 FROM alert_due") == []


async def test_a_new_delimitation_or_a_first_drawing_warns_of_nothing(sessions: Sessions) -> None:
    await add_rule(sessions, DECLINES)
    await cut_line(sessions, "2024-01-01", 118.025, delimitation="2024")
    assert await alerts(sessions) == []
    async with sessions.begin() as session:
        await session.execute(
            text(
                "INSERT INTO control_area (visibility, code,"
                " name_zh, name_en, kind, region_id, status,"
                " approved_area_km2, valid_from, delimitation) SELECT 'public',"
                " 'printed', '线', 'Line',"
                " 'red_line', region_id, 'published', 5, '2000-01-01', '2024'"
                " FROM control_area WHERE code = 'red-1'"
            )
        )
        await session.execute(
            text(
                "UPDATE control_area SET valid_from = '2024-02-01',"
                " geom = ST_MakeEnvelope(118.05, 24.42, 118.06, 24.43, 4490)"
                " WHERE code = 'printed'"
            )
        )
    await evaluate(sessions)
    assert await alerts(sessions) == []


async def test_a_rule_judges_what_was_lost_before_it_and_a_line_given_up(
    sessions: Sessions,
) -> None:
    async with sessions.begin() as session:
        await session.execute(text("UPDATE control_area SET valid_to = '2024-01-01'"))
    await evaluate(sessions)
    assert await alerts(sessions) == []
    await add_rule(sessions, DECLINES)
    [(status, level, lost)] = await alerts(sessions)
    assert (status, level) == ("open", "red")
    assert lost == pytest.approx(1.123e6, rel=1e-3)


async def test_a_rule_goes_on_with_an_indicator_that_left_its_plan(sessions: Sessions) -> None:
    await add_rule(sessions, BEHIND)
    async with sessions.begin() as session:
        await session.execute(text("UPDATE plan_indicator SET deleted_at = now()"))
        told = (await find_rule(session, "behind")).contents
        # Without it the rule would read as one for all indicators of the plan.
        assert (told["plan"], told["indicator"]) == ("plan", "woods")
        contents = {**told, "reset": -1.0}
        changed = await replace_rule(session, "behind", contents, identity=ANYONE, act=ACT)
        assert changed.contents == contents
        numbers = await session.execute(text("SELECT plan_id, indicator_id FROM alert_rule"))
        _, number = kept = numbers.one()
        assert None not in kept
        with pytest.raises(InvalidInput) as refused:
            await create_rule(session, {**told, "code": "new"}, identity=ANYONE, act=ACT)
        # Another plan of the same code is meant by who names it again.
        await session.execute(text("UPDATE plan SET deleted_at = now()"))
        city = (await session.scalars(select(Region).where(Region.code == "city"))).one()
        fresh = await add_plan(session, "plan", city)
        session.add(PlanIndicator(code="woods", plan_id=fresh.id, indicator_id=number, order_no=1))
        await session.flush()
        await replace_rule(session, "behind", contents, identity=ANYONE, act=ACT)
        assert await session.scalar(text("SELECT plan_id FROM alert_rule")) == fresh.id
    assert [fault.pointer for fault in refused.value.faults] == ["/indicator"]
