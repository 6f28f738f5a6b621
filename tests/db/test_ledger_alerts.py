"""Balances that are short, settlements that wait, mines and land that are behind, on PostGIS."""

from typing import Any

import pytest
from sqlalchemy import text

from shanhai.db.alerts.observation_evaluation import note_all_ledgers
from shanhai.db.alerts.plan_evaluation import evaluate_ledgers
from shanhai.db.alerts.queries import describe_alert, list_alerts, region_of
from shanhai.db.alerts.rules import create_rule, drop_rule
from shanhai.db.deliveries.webhooks import HostlessLinks
from shanhai.db.engine import Sessions
from shanhai.db.identity import EVERYTHING, Identity
from shanhai.db.queries.audit import Act
from shanhai.vocabulary import Scope
from tests.support.alert_rows import events, rule
from tests.support.emptying import forget_rows
from tests.support.job_rows import add_region

ACT = Act("key:test")
ANYONE = Identity("key:test", frozenset({Scope.WRITE, Scope.PROJECTS}))
RULE = rule(limits={"yellow": 0.0}, reset=0.0)
SHORE = {"kind": "balance_short", "balance_kind": "natural_shoreline"}
LAND = {"kind": "balance_short", "balance_kind": "cultivated_land"}
Told = set[tuple[str, str, float, str | None]]


@pytest.fixture(autouse=True)
async def regions(sessions: Sessions) -> dict[str, int]:
    """A province, a city in it, and two districts of the city; ids by code."""
    async with sessions.begin() as session:
        await forget_rows(session, ["region", "indicator", "alert_rule", "alert_due"])
        province = await add_region(session, "province", level="province")
        city = await add_region(session, "city", parent=province)
        both = [
            await add_region(session, code, level="district", parent=city) for code in ("east", "w")
        ]
        return {region.code: region.id for region in (province, city, *both)}


async def run(sessions: Sessions, *statements: str, **values: Any) -> None:
    async with sessions.begin() as session:
        for statement in statements:
            await session.execute(text(statement), values)


async def add_rule(sessions: Sessions, **changes: Any) -> None:
    async with sessions.begin() as session:
        await create_rule(session, {**RULE, **changes}, identity=ANYONE, act=ACT)
    await evaluate(sessions)


async def evaluate(sessions: Sessions) -> int:
    async with sessions.begin() as session:
        return await evaluate_ledgers(session)


async def sweep(sessions: Sessions) -> None:
    """As the ten minutes' look has it, on which nothing need have changed."""
    async with sessions.begin() as session:
        await note_all_ledgers(session)
    await evaluate(sessions)


async def told(sessions: Sessions, **equal: str) -> list[dict[str, Any]]:
    """The alerts, the newest first."""
    async with sessions() as session:
        rows = await list_alerts(session, EVERYTHING, equal, limit=50)
        return [describe_alert(row, HostlessLinks("en")) for row in rows]


async def standing(sessions: Sessions) -> Told:
    """What is not closed: what it is about, its level, its measure and unit."""
    return {
        (one["subject_name"], one["level"], one["measure"], one["unit"])
        for one in await told(sessions)
        if one["status"] != "closed"
    }


async def book(
    sessions: Sessions, region: int, direction: str, amount: str, **more: str | int | None
) -> None:
    """An accepted entry of natural shoreline, or of what `more` says."""
    given = {
        "kind": "natural_shoreline",
        "unit": "m",
        "quality_grade": None,
        "state": "accepted",
        "reverses_id": None,
        "code": f"{direction}-{amount}-{region}",
        **more,
    }
    await run(
        sessions,
        "INSERT INTO balance_entry (code, title_zh, kind, direction, amount, unit, quality_grade,"
        " region_id, year, state, accepted_on, reverses_id) VALUES (:code, '记录', :kind,"
        " :direction, CAST(CAST(:amount AS text) AS numeric), :unit, :quality_grade, :region, 2026,"
        " CAST(:state AS text), CASE WHEN CAST(:state AS text) <> 'proposed' THEN current_date"
        " END, :reverses_id)",
        direction=direction,
        amount=amount,
        region=region,
        **given,
    )
    await evaluate(sessions)


async def test_a_short_balance_is_warned_of_once_until_it_is_covered(
    sessions: Sessions, regions: dict[str, int]
) -> None:
    await add_rule(sessions, **SHORE, limits={"yellow": 0.0, "red": 400.0})
    await book(sessions, regions["east"], "taken", "300")
    name = "Region east · Natural shoreline"
    assert await standing(sessions) == {(name, "yellow", 300.0, "m")}
    # Once for each balance, however often it is looked at.
    for _ in range(3):
        await sweep(sessions)
    assert await events(sessions) == ["opened"]
    [one] = await told(sessions, subject="balance")
    assert (one["subject"], one["region"], one["balance_kind"]) == (
        *("balance", "east", "natural_shoreline"),
    )
    assert one["facts"] == {"required": "300", "counted": "0", "grade_kept": True}
    assert one["links"][2]["href"].endswith("/balances?region=east&kind=natural_shoreline")
    # What is only proposed covers nothing, and what is given elsewhere nothing here.
    await book(sessions, regions["east"], "given", "300", state="proposed")
    await book(sessions, regions["w"], "given", "900")
    assert await standing(sessions) == {(name, "yellow", 300.0, "m")}
    # It grows worse, then a part is covered, which does not lower it, then all.
    await book(sessions, regions["east"], "taken", "150.5")
    assert await standing(sessions) == {(name, "red", 450.5, "m")}
    await book(sessions, regions["east"], "given", "450")
    assert await standing(sessions) == {(name, "red", 450.5, "m")}
    await book(sessions, regions["east"], "given", "0.5")
    assert await standing(sessions) == set()
    assert await events(sessions) == ["opened", "raised", "recovered"]
    # What is reversed later is lacking again: another alert.
    await run(sessions, "UPDATE balance_entry SET state = 'reversed' WHERE code LIKE 'given-450-%'")
    async with sessions() as session:
        was = await session.scalar(
            text("SELECT id FROM balance_entry WHERE code LIKE 'given-450-%'")
        )
    await book(sessions, regions["east"], "given", "450", code="back", reverses_id=was)
    assert await standing(sessions) == {(name, "red", 450.0, "m")}
    assert await events(sessions) == ["opened", "raised", "recovered", "opened"]


async def test_a_region_counts_with_all_below_it(
    sessions: Sessions, regions: dict[str, int]
) -> None:
    await add_rule(sessions, **SHORE)
    await book(sessions, regions["city"], "given", "100")
    await book(sessions, regions["east"], "taken", "250")
    names = {"Region east · Natural shoreline": 250.0, "Region city · Natural shoreline": 150.0}
    assert await standing(sessions) == {(name, "yellow", n, "m") for name, n in names.items()}
    await book(sessions, regions["w"], "given", "150")
    assert {one[0] for one in await standing(sessions)} == {"Region east · Natural shoreline"}


async def test_the_pool_of_the_province_supplies_land_and_quality_counts(
    sessions: Sessions, regions: dict[str, int]
) -> None:
    mu = {"kind": "cultivated_land", "unit": "mu"}
    await add_rule(sessions, **LAND)
    await book(sessions, regions["east"], "taken", "60", quality_grade=5, **mu)
    found = {(one[0], one[2]) for one in await standing(sessions)}
    assert found == {("Region east · Cultivated land", 60.0)}
    # The pool is 60 short, then 20; the district's lack is no more than that of the pool.
    await book(sessions, regions["province"], "given", "40", quality_grade=5, **mu)
    await sweep(sessions)
    assert ("Region province · Cultivated land", "yellow", 20.0, "mu") in await standing(sessions)
    await book(sessions, regions["province"], "given", "20.5", quality_grade=5, **mu)
    await sweep(sessions)
    assert await standing(sessions) == set()
    # As much of a worse grade replaces nothing: (60.5 * 5 + 60 * 9) / 120.5 = 6.99.
    await book(sessions, regions["east"], "given", "60", quality_grade=9, **mu)
    assert {(one[0], one[2]) for one in await standing(sessions)} == {
        ("Region east · Cultivated land", 60.0),
        ("Region province · Cultivated land", 60.0),
    }
    assert [one["facts"]["grade_kept"] for one in await told(sessions, status="open")] == [
        False
    ] * 2


async def add_agreement(sessions: Sessions, regions: dict[str, int], **more: Any) -> None:
    given = {"first": 2024, "last": None, "state": "in_force", **more}
    await run(
        sessions,
        "INSERT INTO compensation_agreement (code, name_zh, name_en, region_id, upstream_id,"
        " downstream_id, basis, service, scheme, rule, first_year, last_year, state) VALUES"
        " ('river', '协议', 'River', :city, :east, :w, 'service', 'water', 'zones', '{}',"
        " extract(year FROM current_date) - 2026 + CAST(:first AS integer),"
        " extract(year FROM current_date) - 2026 + CAST(:last AS integer), :state)",
        **regions,
        **given,
    )
    await evaluate(sessions)


async def settle(sessions: Sessions, state: str, days_ago: int) -> None:
    """The settlement of the year before last, proposed and stepped to a state so many days ago."""
    await run(
        sessions,
        "UPDATE compensation_settlement SET state = 'withdrawn' WHERE state <> 'withdrawn'",
        "INSERT INTO compensation_settlement (agreement_id, year, content, sha256, amount, state)"
        " SELECT id, extract(year FROM current_date) - 2, '{}', '', 100,"
        " CAST(:state AS varchar) FROM compensation_agreement",
        "INSERT INTO compensation_event (settlement_id, state, actor, at)"
        " SELECT id, state, 'x', now() - CAST(:days AS integer) * interval '1 day'"
        " FROM compensation_settlement WHERE state <> 'withdrawn'",
        state=state,
        days=days_ago,
    )
    await evaluate(sessions)


async def days_since(sessions: Sessions, years_ago: int) -> float:
    """Days since the end of a year."""
    async with sessions() as session:
        query = text(
            "SELECT current_date - make_date(CAST(extract(year FROM current_date) AS int)"
            " - CAST(:ago AS int), 12, 31)"
        )
        return float(await session.scalar(query, {"ago": years_ago}) or 0)


async def test_settlements_wait_for_a_proposal_a_side_and_payment(
    sessions: Sessions, regions: dict[str, int]
) -> None:
    await add_rule(sessions, kind="settlement_waiting", limits={"yellow": 30.0}, reset=30.0)
    # Years that ended longer ago than the rule waits, in January too.
    await add_agreement(sessions, regions, state="draft", first=2023, last=2024)
    assert await standing(sessions) == set()
    await run(sessions, "UPDATE compensation_agreement SET state = 'in_force'")
    await evaluate(sessions)
    waiting = [one for one in await told(sessions) if one["status"] == "open"]
    assert {one["facts"]["state"] for one in waiting} == {"unproposed"}
    years = sorted(one["target_year"] for one in waiting)
    last = years[-1]
    assert years == [last - 1, last]
    assert {one["measure"] for one in waiting} >= {await days_since(sessions, 2)}
    # A step begins the time anew; nothing of the other year changes.
    await settle(sessions, "proposed", 30)
    assert [one["target_year"] for one in await told(sessions, status="open")] == [last - 1]
    await settle(sessions, "proposed", 31)
    [new] = [one for one in await told(sessions, status="open") if one["target_year"] == last]
    assert (new["measure"], new["unit"], new["agreement"]) == (31.0, "d", "river")
    assert new["facts"]["unconfirmed"] == ["upstream", "downstream"]
    assert new["links"][-1]["href"].endswith("/compensation-agreements/river/settlements")
    for _ in range(2):
        await sweep(sessions)
    assert len(await told(sessions, status="open")) == 2
    await settle(sessions, "confirmed", 31)
    assert len(await told(sessions, status="open")) == 2
    await settle(sessions, "paid", 31)
    assert [one["target_year"] for one in await told(sessions, status="open")] == [last - 1]
    assert (await told(sessions, status="closed"))[0]["target_year"] == last
    assert (await events(sessions))[-1] == "recovered"


async def test_a_rule_may_watch_disputes_alone(sessions: Sessions, regions: dict[str, int]) -> None:
    disputes = {"kind": "settlement_waiting", "settlement_state": "disputed", "reset": 0.0}
    await add_rule(sessions, **disputes)
    await add_agreement(sessions, regions)
    assert await standing(sessions) == set()
    await settle(sessions, "disputed", 2)
    [one] = await told(sessions, subject="settlement")
    assert (one["measure"], one["facts"]["state"]) == (2.0, "disputed")
    async with sessions() as session:
        assert await session.scalar(region_of(one["id"])) == regions["city"]
    await run(sessions, "UPDATE compensation_settlement SET state = 'withdrawn'")
    await evaluate(sessions)
    assert await events(sessions) == ["opened", "recovered"]


async def test_an_agreement_that_ended_settles_its_years_alone(
    sessions: Sessions, regions: dict[str, int]
) -> None:
    await add_rule(sessions, kind="settlement_waiting")
    await add_agreement(sessions, regions, first=2023, last=2023)
    assert len(await standing(sessions)) == 1
    await run(sessions, "UPDATE compensation_agreement SET state = 'ended'")
    await evaluate(sessions)
    assert await standing(sessions) == set()


async def add_mine(sessions: Sessions, regions: dict[str, int], **more: Any) -> None:
    """A producing mine that has reported of the year before last."""
    await run(
        sessions,
        "INSERT INTO mine (code, name_zh, name_en, kind, region_id) VALUES"
        " ('quarry', '矿', 'Quarry', 'producing', :east)",
        east=regions["east"],
    )
    await report(sessions, 2)


async def report(sessions: Sessions, years_ago: int) -> None:
    await run(
        sessions,
        "INSERT INTO mine_report (mine_id, year, disturbed_ha, planned_ha, restored_ha, due, paid,"
        " actor) SELECT id, extract(year FROM current_date) - CAST(:ago AS int), 0, 0, 0, 0, 0, 'x'"
        " FROM mine",
        ago=years_ago,
    )
    await evaluate(sessions)


async def test_a_mine_that_does_not_report_is_warned_of_by_year(
    sessions: Sessions, regions: dict[str, int]
) -> None:
    await add_rule(sessions, kind="mine_report_due")
    await add_mine(sessions, regions)
    [one] = await told(sessions, subject="mine")
    days = await days_since(sessions, 1)
    assert (one["mine"], one["measure"], one["unit"]) == ("quarry", days, "d")
    assert one["links"][-1]["href"].endswith("/mines/quarry/reports")
    await sweep(sessions)
    await report(sessions, 1)
    assert await events(sessions) == ["opened", "recovered"]


async def test_a_closed_mine_reports_up_to_its_last_year(
    sessions: Sessions, regions: dict[str, int]
) -> None:
    await add_rule(sessions, kind="mine_report_due")
    await add_mine(sessions, regions)
    await run(sessions, "UPDATE mine SET closed_on = current_date - interval '2 years'")
    await evaluate(sessions)
    assert await events(sessions) == ["opened", "recovered"]
    await run(sessions, "UPDATE mine SET closed_on = NULL")
    await evaluate(sessions)
    await run(sessions, "UPDATE mine SET deleted_at = now()")
    await evaluate(sessions)
    assert await events(sessions) == ["opened", "recovered", "opened", "subject_gone"]


async def pay(sessions: Sessions, kind: str, amount: str, years: int = 0) -> None:
    await run(
        sessions,
        "INSERT INTO mine_deposit_entry (mine_id, kind, year, amount, actor) SELECT id, :kind,"
        " extract(year FROM current_date) + CAST(:years AS int),"
        " CAST(CAST(:amount AS text) AS numeric), 'x' FROM mine",
        kind=kind,
        amount=amount,
        years=years,
    )
    await evaluate(sessions)


async def test_a_fund_is_short_of_what_is_due_and_not_paid(
    sessions: Sessions, regions: dict[str, int]
) -> None:
    await add_rule(sessions, kind="mine_fund_short", limits={"yellow": 0.0, "red": 1000.0})
    await add_mine(sessions, regions)
    await pay(sessions, "due", "9000", years=1)
    assert await standing(sessions) == set(), "what is due next year is not lacking yet"
    await pay(sessions, "due", "1500.25")
    assert await standing(sessions) == {("Quarry", "red", 1500.25, "CNY")}
    [one] = await told(sessions)
    assert one["facts"] == {"due": "1500.25", "paid": "0.00", "missing": "1500.25"}
    assert one["links"][-1]["href"].endswith("/mines/quarry/deposits")
    await pay(sessions, "paid", "1500.24")
    assert len(await standing(sessions)) == 1
    await pay(sessions, "paid", "0.01")
    assert await events(sessions) == ["opened", "recovered"]
    # What is taken out of the fund is not owed to it again.
    await pay(sessions, "withdrawn", "500")
    assert await standing(sessions) == set()


async def test_land_whose_use_is_over_is_given_back(
    sessions: Sessions, regions: dict[str, int]
) -> None:
    limits = {"blue": -30.0, "yellow": 0.0, "red": 365.0}
    await add_rule(sessions, kind="reclamation_due", limits=limits, reset=-30.0)
    for code, state, ends in (
        ("near", "in_use", 10),
        ("over", "in_use", -1),
        ("long", "reclaimed", -400),
        ("done", "accepted", -400),
        ("paid", "deposit_paid", -400),
    ):
        await run(
            sessions,
            "INSERT INTO reclamation (visibility, code,"
            " name_zh, name_en, region_id, state, start_on, end_on,"
            " land_class_before) VALUES ('public', :code, '地', :code, :east, :state,"
            " current_date - 1000, current_date + CAST(:ends AS int), '旱地')",
            code=code,
            state=state,
            ends=ends,
            east=regions["east"],
        )
    await evaluate(sessions)
    expected = {
        *(("near", "blue", -10.0, "d"), ("over", "yellow", 1.0, "d"), ("long", "red", 400.0, "d")),
    }
    assert await standing(sessions) == expected
    await sweep(sessions)
    await run(
        sessions,
        "UPDATE reclamation SET state = 'accepted' WHERE code = 'long'",
        "UPDATE reclamation SET end_on = current_date + 100 WHERE code = 'over'",
    )
    await evaluate(sessions)
    assert await standing(sessions) == {("near", "blue", -10.0, "d")}
    assert await events(sessions) == ["opened"] * 3 + ["recovered"] * 2


async def test_a_rule_holds_in_its_region_and_ends_what_it_raised(
    sessions: Sessions, regions: dict[str, int]
) -> None:
    await book(sessions, regions["east"], "taken", "10")
    await book(sessions, regions["w"], "taken", "10")
    assert await evaluate(sessions) == 0, "nothing waits that no rule watches"
    await add_rule(sessions, **SHORE, region="w")
    assert {one[0] for one in await standing(sessions)} == {"Region w · Natural shoreline"}
    async with sessions.begin() as session:
        await drop_rule(session, "rule", identity=ANYONE, act=ACT)
    assert await standing(sessions) == set()
    await book(sessions, regions["w"], "taken", "20")
    assert await events(sessions) == ["opened", "rule_changed"]
