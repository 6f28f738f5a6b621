"""Two districts of a basin settle a year: computed, disputed, made anew, confirmed, paid."""

from typing import Any

import pytest

from tests.e2e.journeys.conftest import PDF, Bureau, Caller, Found, named

AGREEMENTS = "/compensation-agreements"
OURS = f"{AGREEMENTS}/journey-creek"
YEAR = f"{OURS}/settlements/2024"
STATION = "journey-border"
RULE = {
    "kind": "classes",
    "target": "III",
    "better": ["100000.00", "250000.00"],
    "worse": ["200000.00"],
    "cap": "1000000.00",
}


def observe(bureau: Bureau, admin: Caller) -> None:
    """A section of class I in January and February 2024, and of class IV in March."""
    point = {"type": "Point", "coordinates": [bureau.box[0] + 0.1, 30.1]}
    names = named(STATION, "交界断面", "Border section")
    admin.make(
        "stations",
        point,
        **names,
        kind="water_section",
        region=bureau.region,
        visibility="signed_in",
    )
    rows = [
        {"station": STATION, "property": "cod", "value": value}
        | {"time": f"2024-{month:02}-15T08:00:00+08:00"}
        for month, value in ((1, 10.0), (2, 12.0), (3, 25.0))
    ]
    assert bureau.feed.post("/observations", rows, status=202)["accepted"] == len(rows)


def receipt(bureau: Bureau) -> str:
    """The document that shows a payment."""
    weir = named("journey-weir", "堰", "Weir") | {"start_year": 2024, "end_year": 2025}
    bureau.planner.make("projects", bureau.square(), **weir, region=bureau.region)
    about = {"kind": "other", "filename": "receipt.pdf", "title_zh": "付款凭证"}
    return bureau.planner.attach(
        "/projects/journey-weir/documents", PDF, "application/pdf", **about
    )


def step(caller: Caller, to: str, *, status: int = 200, **members: Any) -> Any:
    return caller.post(f"{YEAR}/steps", {"to": to, **members}, status=status)


@pytest.mark.long
def test_from_an_agreement_to_a_payment(found: Found, admin: Caller, public: Caller) -> None:
    up = found("creek-upper", "上游区", "Upper District")
    down = found("creek-lower", "下游区", "Lower District")
    other = found("creek-other", "别区", "Other District")
    observe(up, admin)
    agreement = named("journey-creek", "溪流补偿协议", "Creek agreement") | {
        "region": up.region,
        "upstream": up.region,
        "downstream": down.region,
        "basis": "section",
        "station": STATION,
        "rule": RULE,
        "start_year": 2024,
    }
    other.planner.post(AGREEMENTS, agreement, status=403)
    up.planner.post(AGREEMENTS, agreement)
    down.planner.get(OURS)
    public.get(OURS, status=404)
    up.planner.post(f"{OURS}/settlements", {"year": 2024}, status=409)
    down.approver.patch(OURS, {"state": "in_force"}, status=403)
    up.approver.patch(OURS, {"state": "in_force"})

    capped = {"year": 2024, "rule": RULE | {"cap": "50000.00"}}
    tried = down.planner.post(f"{OURS}/what-if", capped, status=200)["content"]
    assert (tried["amount"], tried["capped"]) == ("50000.00", True)
    other.approver.post(f"{OURS}/settlements", {"year": 2024}, status=403)
    made = up.planner.post(f"{OURS}/settlements", {"year": 2024})
    # Twice 250 000 for two classes better, 200 000 less for one class worse.
    assert (made["amount"], made["payer"]) == ("300000.00", "downstream")

    step(up.approver, "confirmed", side="upstream")
    step(down.approver, "disputed", side="downstream", status=400)
    disputed = step(down.approver, "disputed", side="downstream", reason="三月数据有误")
    assert (disputed["state"], disputed["upstream_confirmed"]) == ("disputed", False)
    evidence = [receipt(up)]
    step(up.approver, "paid", paid_on="2025-01-31", evidence=evidence, status=409)
    step(up.planner, "withdrawn", reason="重新核定")

    up.planner.post(f"{OURS}/settlements", {"year": 2024})
    step(up.planner, "confirmed", side="upstream", status=403)
    step(up.approver, "confirmed", side="downstream", status=403)
    step(up.approver, "confirmed", side="upstream")
    step(up.approver, "paid", paid_on="2025-01-31", evidence=evidence, status=409)
    assert step(down.approver, "confirmed", side="downstream")["state"] == "confirmed"
    step(up.approver, "paid", paid_on="2025-01-31", status=400)
    paid = step(up.approver, "paid", paid_on="2025-01-31", evidence=evidence)
    assert (paid["state"], paid["amount"]) == ("paid", "300000.00")
    step(down.approver, "disputed", side="downstream", reason="迟了", status=409)
    listed = public.get(f"{OURS}/settlements")["settlements"]
    assert [one["state"] for one in listed] == ["paid", "withdrawn"]
    assert "300000.00 元" in public.page(YEAR)
    assert "Downstream" in public.page(f"{OURS}/settlements", "en")
