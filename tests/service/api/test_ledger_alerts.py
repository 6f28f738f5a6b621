"""Rules that watch ledgers, over HTTP: made, refused, by role, and the pages of their alerts."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from shanhai.db.alerts.plan_evaluation import evaluate_ledgers
from shanhai_api.kit.state import ServiceState
from tests.support.emptying import forget_rows
from tests.support.joint_plans import People

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

RULES = "/alert-rules"
ENTRIES = "/balances/entries"
SHORE: dict[str, Any] = {
    "code": "shore",
    "name_zh": "岸线占补不足",
    "name_en": "Shoreline short",
    "kind": "balance_short",
    "balance_kind": "natural_shoreline",
    "limits": {"yellow": 0, "red": 100},
}

WAITING = {"kind": "settlement_waiting", "balance_kind": None}


@pytest.fixture(autouse=True)
async def no_rules(people: People, state: ServiceState) -> None:
    async with state.sessions.begin() as session:
        await forget_rows(session, ["alert_rule", "alert_due"])


async def judge(state: ServiceState) -> None:
    async with state.sessions.begin() as session:
        await evaluate_ledgers(session)


async def accepted(people: People, code: str, direction: str, amount: str, **more: Any) -> None:
    """An entry of natural shoreline that a planner proposes and an approver accepts."""
    entry = {
        "code": code,
        "title_zh": code,
        "kind": "natural_shoreline",
        "direction": direction,
        "amount": amount,
        "unit": "m",
        "region": "a",
        "year": 2026,
        **more,
    }
    made = await people["planner@a"].post(ENTRIES, json=entry)
    assert made.status_code == 201, made.text
    done = await people["approver@a"].patch(f"{ENTRIES}/{code}", json={"state": "accepted"})
    assert done.status_code == 200, done.text


async def add_document(state: ServiceState) -> None:
    async with state.sessions.begin() as session:
        await session.execute(
            text(
                "INSERT INTO document (code, owner_collection, owner_code, title_zh, kind,"
                " filename, media_type, bytes, sha256, uri, uploaded_by, region_id)"
                " SELECT 'proof', 'regions', 'a', '验收', 'other', 'a.pdf', 'application/pdf',"
                " 1, repeat('0', 64), 'x', 'x', id FROM region WHERE code = 'a'"
            )
        )


async def shown(client: httpx.AsyncClient, path: str, lang: str) -> str:
    page = await client.get(path, params={"f": "html", "lang": lang})
    assert page.status_code == 200, page.text
    return page.text


async def test_a_balance_is_warned_of_until_an_accepted_entry_covers_it(
    people: People, state: ServiceState
) -> None:
    planner, anonymous = people["planner@a"], people["anonymous"]
    assert (await anonymous.post(RULES, json=SHORE)).status_code == 401
    assert (await people["approver@a"].post(RULES, json=SHORE)).status_code == 403
    assert (await people["planner@b"].post(RULES, json={**SHORE, "region": "a"})).status_code == 403
    made = await planner.post(RULES, json={**SHORE, "region": "a"})
    assert made.status_code == 201, made.text
    assert (made.json()["unit"], made.json()["reset"]) == ("m", 0)
    assert made.json()["kind_name"] == "Balance short"

    await accepted(people, "quay", "taken", "300.0000")
    await judge(state)
    await judge(state)
    asked = {"subject": "balance", "status": "open"}
    (alert,) = (await planner.get("/alerts", params=asked)).json()["alerts"]
    assert (alert["level"], alert["measure"], alert["unit"]) == ("red", 300, "m")
    assert (alert["region"], alert["balance_kind"]) == ("a", "natural_shoreline")
    related = next(link["href"] for link in alert["links"] if link["rel"] == "related")
    assert (await planner.get(related.removeprefix("http://api.test"))).status_code == 200
    assert (await planner.get("/alerts", params={"subject": "line"})).json()["alerts"] == []
    assert (await anonymous.get("/alerts")).status_code == 401
    path = f"/alerts/{alert['id']}"
    chinese, english = [await shown(planner, path, lang) for lang in ("zh", "en")]
    assert "自然岸线" in chinese
    assert "须补充 300 米 · 已计补充 0 米" in chinese
    assert "Must be given back 300 m · Counted 0 m" in english
    assert "占补平衡" in await shown(planner, "/alerts", "zh")

    await add_document(state)
    await accepted(people, "shore", "given", "300", evidence=["proof"])
    await judge(state)
    told = (await planner.get(path)).json()
    assert [event["event"] for event in told["events"]] == ["opened", "recovered"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"balance_kind": None}, "/balance_kind"),
        ({"balance_kind": "air"}, "/balance_kind"),
        ({"limits": {"red": -1}}, "/limits"),
        ({"reset": 5}, "/reset"),
        ({"control_kind": "red_line"}, "/control_kind"),
        ({"settlement_state": "disputed"}, "/settlement_state"),
        ({"kind": "settlement_waiting"}, "/balance_kind"),
        ({**WAITING, "settlement_state": "paid"}, "/settlement_state"),
        ({**WAITING, "limits": {"red": -1}}, "/limits"),
        ({"kind": "mine_fund_short", "balance_kind": None, "limits": {"red": -1}}, "/limits"),
        ({"kind": "mine_report_due", "balance_kind": None, "limits": {"red": -1}}, "/limits"),
        ({"kind": "reclamation_due", "balance_kind": None, "plan": "p"}, "/plan"),
        ({"kind": "reclamation_due", "balance_kind": None, "max_age_s": 60}, "/max_age_s"),
    ],
)
async def test_rules_of_ledgers_that_make_no_sense_are_refused(
    people: People, changes: dict[str, Any], pointer: str
) -> None:
    answer = await people["planner@a"].post(RULES, json={**SHORE, "region": "a", **changes})
    assert answer.status_code == 400, answer.text
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


async def test_mines_land_and_settlements_have_pages_of_their_alerts(
    people: People, state: ServiceState
) -> None:
    planner = people["planner@a"]
    for kind, limits in (
        ("mine_fund_short", {"red": 0}),
        ("mine_report_due", {"red": 0}),
        ("reclamation_due", {"blue": -30, "red": 365}),
        ("settlement_waiting", {"yellow": 30}),
    ):
        rule = {**SHORE, "code": kind, "kind": kind, "region": "a", "limits": limits}
        made = await planner.post(RULES, json={**rule, "balance_kind": None})
        assert made.status_code == 201, made.text
    async with state.sessions.begin() as session:
        await session.execute(text(LEDGERS))
    await judge(state)
    alerts = (await planner.get("/alerts")).json()["alerts"]
    assert sorted((one["subject"], one["kind"], one["unit"]) for one in alerts) == [
        ("mine", "mine_fund_short", "CNY"),
        ("mine", "mine_report_due", "d"),
        ("reclamation", "reclamation_due", "d"),
        ("settlement", "settlement_waiting", "d"),
    ]
    words = {
        "mine_fund_short": ("应计提基金 12.50", "Due to the fund 12.50"),
        "mine_report_due": ("采石场", "Quarry"),
        "reclamation_due": ("使用中 · 使用终止日", "In use · Use until"),
        "settlement_waiting": ("未提出", "Not proposed"),
    }
    for one in alerts:
        assert one["region"] is None
        for link in one["links"]:
            answer = await planner.get(link["href"].removeprefix("http://api.test"))
            assert answer.status_code == 200, answer.text
        for lang, told in zip(("zh", "en"), words[one["kind"]], strict=True):
            assert told in await shown(planner, f"/alerts/{one['id']}", lang)
        # Its region decides who may answer it.
        note = {"note": "seen"}
        foreign = await people["planner@b"].post(f"/alerts/{one['id']}/acknowledge", json=note)
        # Both sides of an agreement know of it.
        assert foreign.status_code == (403 if one["subject"] == "settlement" else 404), foreign.text
        own = await planner.post(f"/alerts/{one['id']}/acknowledge", json=note)
        assert own.status_code == 200, own.text


LEDGERS = """
WITH a AS (SELECT id FROM region WHERE code = 'a'), b AS (SELECT id FROM region WHERE code = 'b'),
quarry AS (
  INSERT INTO mine (code, name_zh, name_en, kind, region_id)
  SELECT 'quarry', '采石场', 'Quarry', 'producing', id FROM a RETURNING id
), reported AS (
  INSERT INTO mine_report (mine_id, year, disturbed_ha, planned_ha, restored_ha, due, paid, actor)
  SELECT id, extract(year FROM current_date) - 2, 1, 1, 1, 0, 0, 'x' FROM quarry
), due AS (
  INSERT INTO mine_deposit_entry (mine_id, kind, year, amount, actor)
  SELECT id, 'due', 2020, 12.5, 'x' FROM quarry
), road AS (
  INSERT INTO reclamation (visibility, code, name_zh, name_en, region_id, state, start_on, end_on,
                           land_class_before)
  SELECT 'public',
         'road', '便道', 'Road', id, 'in_use', '2020-01-01', current_date + 3, '旱地' FROM a
)
INSERT INTO compensation_agreement (code, name_zh, name_en, region_id, upstream_id, downstream_id,
  basis, service, scheme, rule, first_year, last_year, state)
SELECT 'creek', '溪流协议', 'Creek agreement', a.id, a.id, b.id, 'service', 'water', 'zones', '{}',
       extract(year FROM current_date) - 2, extract(year FROM current_date) - 2, 'in_force'
  FROM a, b
"""
