"""A target that is missed raises an alert; from it comes a proposal, on which another decides."""

from datetime import datetime
from zoneinfo import ZoneInfo

from tests.e2e.conftest import wait_until
from tests.e2e.journeys.conftest import Caller, Found, named

PLAN, INDICATOR, RULE = "behind-plan", "journey_forest", "journey-behind"
TARGETS = f"/plans/{PLAN}/indicators/{INDICATOR}/targets"
YEAR = datetime.now(ZoneInfo("Asia/Shanghai")).year


def test_from_a_missed_target_to_a_revised_one(found: Found, admin: Caller) -> None:
    bureau = found("behind-district", "滞后区", "Behind District")
    planner, approver = bureau.planner, bureau.approver
    plan = named(PLAN, "生态修复规划", "Restoration plan") | {
        "kind": "special_plan",
        "level": "district",
        "region": bureau.region,
        "period_start": YEAR - 5,
        "period_end": YEAR + 9,
    }
    planner.make("plans", None, **plan)
    indicator = {"unit": "%", "property": "binding", "direction": "higher"}
    admin.post("/indicators", named(INDICATOR, "森林覆盖率", "Forest cover") | indicator)
    listed = {"code": INDICATOR, "indicator": INDICATOR, "order": 1}
    planner.post(f"/plans/{PLAN}/indicators", listed)
    target = {"role": "target", "year": YEAR, "value": 50, "comparator": "ge", "revisable": True}
    base = {"role": "base", "year": YEAR - 6, "value": 40}
    planner.put(TARGETS, {"targets": [base, target]})
    planner.change("plans", PLAN, {"status": "submitted"})
    approver.change("plans", PLAN, {"status": "approved"})

    rule = {"kind": "indicator_behind_target", "plan": PLAN, "limits": {"blue": 0, "orange": 10}}
    planner.post("/alert-rules", named(RULE, "指标滞后", "Behind") | rule)
    value = {"year": YEAR, "value": 41, "unit": "%", "source": "survey", "method": "survey"}
    bureau.supervisor.post(f"/plans/{PLAN}/indicators/{INDICATOR}/values", value)
    wait_until(lambda: bool(planner.get("/alerts", rule=RULE)["alerts"]), seconds=60)
    [alert] = planner.get("/alerts", rule=RULE)["alerts"]
    assert alert["level"] == "orange"
    approver.post(f"/alerts/{alert['id']}/acknowledge", {"note": "已知悉"}, status=200)

    blank = planner.get("/proposals/blank", alert=alert["id"])["body"]
    revised = {"targets": [base, {**target, "year": YEAR + 2}]}
    said = {"title": "延后森林覆盖率目标", "reason": "造林受旱", "change": revised}
    proposal = planner.post("/proposals", blank | said)["code"]
    steps = f"/proposals/{proposal}/transitions"
    planner.post(steps, {"to": "submitted"})
    planner.post(steps, {"to": "accepted", "reason": "自批"}, status=403)
    approver.post(steps, {"to": "accepted", "reason": "依据充分"})
    planner.post(steps, {"to": "carried_out"})
    years = [one["year"] for one in planner.get(TARGETS)["targets"]]
    assert years == [YEAR - 6, YEAR + 2]
    wait_until(lambda: planner.get(f"/alerts/{alert['id']}")["status"] == "closed", seconds=60)
    assert "延后森林覆盖率目标" in approver.page(f"/proposals/{proposal}")
