"""A site is checked: not known, then refused, allowed by an exception, and passed elsewhere."""

import json
from typing import Any

from tests.e2e.journeys.conftest import Caller, Found, named, polygon

LINE = "site-red-line"
ITEM = f"/collections/control_areas/items/{LINE}"
CHECK = "/processes/check-compliance/execution"


def check(caller: Caller, geometry: Any) -> Any:
    inputs = {"geometry": geometry, "activities": ["mining"]}
    return caller.post(CHECK, {"inputs": inputs}, status=200)["result"]


def page_of(caller: Caller, geometry: Any) -> str:
    """The answer as a person reads it."""
    asked = {"f": "html", "lang": "zh", "geometry": json.dumps(geometry), "activities": "mining"}
    answer = caller.client.get("/compliance/check", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_from_not_known_to_an_answer(found: Found, admin: Caller, public: Caller) -> None:
    bureau = found("site-district", "选址区", "Site District")
    planner, approver = bureau.planner, bureau.approver
    site, elsewhere = bureau.square(0.02, 0.02, 0.01), bureau.square(0.17, 0.17, 0.01)
    rule = {"code": "site-mining", "scope": "control_area", "subject": "red_line"}
    about = {"region": bureau.region, "activity": "mining", "decision": "forbidden"}
    admin.post("/control-rules", rule | about)

    unknown = check(public, site)
    assert unknown["verdict"] == "undetermined"
    assert [gap["reason"] for gap in unknown["gaps"]] == ["not_registered"]
    assert "无法判定" in page_of(public, site)
    names = named(LINE, "生态保护红线", "Red line") | {"approved_area_km2": 142.4}
    planner.make("control_areas", None, **names, kind="red_line", region=bureau.region)
    approver.change("control_areas", LINE, {"status": "published"})
    undrawn = check(public, site)
    assert undrawn["verdict"] == "undetermined"
    assert [gap["text_en"] for gap in undrawn["gaps"]] == [
        "Ecological red line of Site District, 142.4 km² approved, not drawn"
    ]
    asked = {"inputs": {"geometry": polygon(2.2, 48.8, 2.3, 48.9), "activities": ["mining"]}}
    refusal = public.post(CHECK, asked, status=400)
    assert refusal["errors"][0]["pointer"] == "/inputs/geometry"

    approver.change("control_areas", LINE, {"status": "draft"})
    planner.patch(ITEM, {"geometry": bureau.square(size=0.12)})
    approver.change("control_areas", LINE, {"status": "published"})
    assert check(public, site)["verdict"] == "refused"
    assert check(public, elsewhere)["verdict"] == "pass"
    assert "无法判定" not in page_of(public, elsewhere)

    allowed = {"rule": "site-mining", "geometry": site, "region": bureau.region, "reason": "批文"}
    planner.post("/compliance/exceptions", allowed, status=403)
    approver.post("/compliance/exceptions", allowed)
    assert check(public, site)["verdict"] == "conditional"
    assert "有条件" in page_of(public, site)
