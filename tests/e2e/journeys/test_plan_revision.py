"""A plan in force is revised: its next edition begins with all it holds and is compared with it."""

from tests.e2e.journeys.conftest import Bureau, Caller, Found, named

PLAN = "journey-plan"
SECOND = f"{PLAN}.v2"


def write_plan(bureau: Bureau) -> None:
    """A plan with a programme, a project, a problem and a line, in force."""
    planner = bureau.planner
    plan = {"kind": "special_plan", "level": "district", "region": bureau.region}
    period = {"period_start": 2021, "period_end": 2035}
    planner.make("plans", None, **named(PLAN, "生态修复规划", "Restoration plan"), **plan, **period)
    programme = named("journey-programme", "矿山修复工程", "Mine restoration") | {"order": 1}
    planner.post(f"/plans/{PLAN}/programmes", programme)
    planner.make(
        "projects",
        bureau.square(),
        **named("journey-project", "采石场复绿", "Quarry"),
        plan=PLAN,
        programme="journey-programme",
        region=bureau.region,
        start_year=2022,
        end_year=2025,
    )
    planner.make(
        "problems",
        bureau.square(0.05),
        **named("journey-problem", "裸露矿山", "Bare quarry"),
        plan=PLAN,
        region=bureau.region,
        type="mine_damage",
    )
    bureau.approver.change("problems", "journey-problem", {"visibility": "public"})
    planner.change("plans", PLAN, {"status": "submitted"})
    bureau.approver.change("plans", PLAN, {"status": "approved"})


def count(caller: Caller, collection: str, plan: str) -> int:
    found = caller.get(f"/collections/{collection}/items", plan=plan, limit=100)
    return int(found["numberMatched"])


def test_from_one_edition_to_the_next(found: Found, public: Caller) -> None:
    bureau = found("revision-district", "修编区", "Revision District")
    planner, approver = bureau.planner, bureau.approver
    write_plan(bureau)
    body = {"title": "中期修编", "reason": "中期评估", "revises": {"plan": PLAN}}
    change = {"name_en": "Restoration plan, revised"}
    proposal = planner.post("/proposals", body | {"change": change})["code"]
    steps = f"/proposals/{proposal}/transitions"
    planner.post(steps, {"to": "submitted"})
    approver.post(steps, {"to": "accepted", "reason": "依据充分"})
    assert planner.post(steps, {"to": "carried_out"})["made"]["code"] == SECOND
    for collection in ("projects", "problems"):
        assert count(planner, collection, SECOND) == count(planner, collection, PLAN) == 1
    public.get(f"/collections/plans/items/{SECOND}", status=404)
    planner.post(f"/plans/{PLAN}/editions", {"note": "再次修编"}, status=409)
    planner.change("problems", "journey-problem.v2", {"name_en": "Quarry, partly green"})
    compared = planner.get(f"/plans/{SECOND}/compare")
    changed = {part["collection"]: part["changed"] for part in compared["parts"] if part["changed"]}
    assert [one["former"] for one in changed["problems"]] == ["journey-problem"]
    assert "裸露矿山" in planner.page(f"/plans/{SECOND}/compare")
    assert planner.get(f"/plans/{SECOND}/totals")["projects"] == 1
    planner.change("plans", SECOND, {"status": "submitted"})
    approver.change("plans", SECOND, {"status": "approved"})
    assert public.get(f"/collections/plans/items/{PLAN}")["properties"]["status"] == "superseded"
    assert count(public, "problems", SECOND) == 1
    assert count(planner, "projects", SECOND) == 1
