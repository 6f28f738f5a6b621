"""A year of monitoring becomes values of indicators, judged by the plan and stored for good."""

import hashlib
import json

from tests.e2e.journeys.conftest import Caller, Found, named

PLAN, INDICATOR, STATION = "yearly-plan", "journey_water", "yearly-section"
YEAR = 2024


def test_from_observations_to_a_stored_evaluation(found: Found, admin: Caller) -> None:
    bureau = found("yearly-district", "评价区", "Evaluation District")
    planner = bureau.planner
    plan = {"kind": "special_plan", "level": "district", "region": bureau.region}
    period = {"period_start": 2021, "period_end": 2035}
    planner.make("plans", None, **named(PLAN, "生态修复规划", "Restoration plan"), **plan, **period)
    indicator = {"unit": "%", "property": "binding", "direction": "higher"}
    admin.post("/indicators", named(INDICATOR, "优良水体比例", "Good water") | indicator)
    listed = {"code": INDICATOR, "indicator": INDICATOR, "order": 1}
    planner.post(f"/plans/{PLAN}/indicators", listed)
    targets = [
        {"role": "base", "year": 2020, "value": 60},
        {"role": "target", "year": 2025, "value": 90, "comparator": "ge"},
    ]
    planner.put(f"/plans/{PLAN}/indicators/{INDICATOR}/targets", {"targets": targets})
    planner.change("plans", PLAN, {"status": "submitted"})
    bureau.approver.change("plans", PLAN, {"status": "approved"})

    point = {"type": "Point", "coordinates": [bureau.box[0] + 0.1, 30.1]}
    names = named(STATION, "断面", "Section")
    admin.make("stations", point, **names, kind="water_section", region=bureau.region)
    rows = [
        {"station": STATION, "property": name, "time": f"{YEAR}-{month:02}-15T08:00:00+08:00"}
        | {"value": value}
        for month in range(1, 13)
        for name, value in (
            ("dissolved_oxygen", 7.8),
            ("permanganate_index", 2.1),
            ("ammonia_nitrogen", 0.12),
            ("total_phosphorus", 0.05),
        )
    ]
    assert bureau.feed.post("/observations", rows, status=202)["accepted"] == len(rows)
    wish = {
        "plan": PLAN,
        "years": [YEAR],
        "computations": {INDICATOR: "surface_water_good"},
        "stations": {INDICATOR: [STATION]},
    }
    bureau.analyst.run("evaluate-indicators", wish)
    progress = planner.get(f"/plans/{PLAN}/progress", year=YEAR)["indicators"][0]
    assert (progress["value"], progress["status"]) == (100, "reached")
    stored = planner.post(f"/plans/{PLAN}/evaluations", {"year": YEAR})
    content = json.dumps(
        stored["content"], ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    assert hashlib.sha256(content.encode()).hexdigest() == stored["sha256"]
    assert "优良水体比例" in planner.page(f"/plans/{PLAN}/evaluations/{stored['id']}")
