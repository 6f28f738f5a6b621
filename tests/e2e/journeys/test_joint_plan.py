"""Two regions plan together: each writes its part, both approve, and sums are told by region."""

import pytest

from tests.e2e.journeys.conftest import Caller, Found, named

PLAN = "journey-joint"
APPROVALS = f"/plans/{PLAN}/approvals"


@pytest.mark.long
def test_two_regions_make_one_plan(found: Found, public: Caller) -> None:
    north = found("joint-north", "北区", "North District")
    south = found("joint-south", "南区", "South District")
    other = found("joint-other", "别区", "Other District")
    plan = {"kind": "special_plan", "level": "city", "period_start": 2026, "period_end": 2035}
    regions = {"region": north.region, "regions": [north.region, south.region]}
    names = named(PLAN, "两区联合规划", "Joint plan of two districts")
    north.planner.make("plans", None, **names, **plan, **regions)
    for bureau, cost in ((north, 100.25), (south, 200.5)):
        code = f"{bureau.region}-project"
        bureau.planner.make(
            "projects",
            bureau.square(),
            **named(code, "河道修复", "River restoration"),
            plan=PLAN,
            region=bureau.region,
            start_year=2026,
            end_year=2028,
            cost=cost,
        )
        bureau.planner.put(
            f"/projects/{code}/measures/river_restoration", {"planned": 3, "unit": "km"}, status=201
        )
    item = f"/collections/plans/items/{PLAN}"
    south.planner.get(item)
    south.planner.get(f"/collections/projects/items/{north.region}-project")
    denied = {"name_en": "Another's"}
    south.planner.change("projects", f"{north.region}-project", denied, status=403)
    for stranger in (other.planner, public):
        stranger.get(item, status=404)
        stranger.get(f"/collections/projects/items/{north.region}-project", status=404)
    totals = south.planner.get(f"/plans/{PLAN}/totals")
    parts = {part["region"]: part["cost"] for part in totals["regions"]}
    assert parts == {north.region: "100.25", south.region: "200.50"}
    north.planner.change("plans", PLAN, {"status": "submitted"})
    north.approver.post(APPROVALS, {"region": north.region, "decision": "approved"})
    public.get(item, status=404)
    north.approver.post(APPROVALS, {"region": south.region, "decision": "approved"}, status=403)
    south.approver.post(APPROVALS, {"region": south.region, "decision": "approved"})
    assert public.get(item)["properties"]["status"] == "approved"
    assert "两区联合规划" in public.page(item)
