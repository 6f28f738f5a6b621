"""A change seen inside the red line: a case, a visit, an order, made good, closed, counted."""

from tests.e2e.journeys.conftest import PNG, Caller, Found, feature, named


def test_from_a_lead_to_a_closed_case(found: Found, public: Caller) -> None:
    bureau = found("lead-district", "线索区", "Lead District")
    names = named("lead-red-line", "生态保护红线", "Red line")
    line = names | {"kind": "red_line", "region": bureau.region, "valid_from": "2020-01-01"}
    bureau.planner.make("control_areas", bureau.square(size=0.1), **line)
    published = {"status": "published", "valid_from": "2020-01-01"}
    bureau.planner.change("control_areas", "lead-red-line", published, status=403)
    bureau.approver.change("control_areas", "lead-red-line", published)
    lead = feature(
        bureau.square(0.02, 0.02, 0.01),
        source="satellite-monthly",
        external_id="2025-06-0017",
        kind="mining",
        sensed_before="2025-01-01",
        sensed_after="2025-06-01",
    )
    [opened] = bureau.feed.post("/cases", lead, status=200)["results"]
    assert opened["outcome"] == "opened"
    [again] = bureau.feed.post("/cases", lead, status=200)["results"]
    assert again["outcome"] == "duplicate"
    case = f"/cases/{opened['case']}"
    public.get(case, status=401)
    steps = f"{case}/transitions"
    supervisor, approver = bureau.supervisor, bureau.approver
    supervisor.post(steps, {"to": "assigned", "assignee": "李工"})
    photo = supervisor.attach(
        f"{case}/documents", PNG, "image/png", kind="photo", filename="site.png", title_zh="现场"
    )
    verified = {"to": "verified", "result": "confirmed", "note": "采石", "documents": [photo]}
    supervisor.post(steps, verified)
    supervisor.post(steps, {"to": "rectification", "note": "限期恢复"})
    approver.post(steps, {"to": "closed", "note": "未附证明"}, status=400)
    proof = supervisor.attach(
        f"{case}/documents", PNG, "image/png", kind="photo", filename="green.png", title_zh="复绿"
    )
    approver.post(steps, {"to": "closed", "note": "已复绿", "documents": [proof]})
    assert bureau.viewer.get(case, status=404)
    months = supervisor.get("/cases/statistics")
    assert "lead-district" in str(months)
    assert "已复绿" in approver.page(case)
