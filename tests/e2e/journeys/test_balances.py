"""What is taken must be given back: the step of a project waits for the ledger."""

import asyncio
from typing import Any

import pytest

from shanhai.db.projects.reserve import comment_days
from shanhai.local.stack import Stack
from tests.e2e.journeys.conftest import PDF, Bureau, Caller, Found, named
from tests.e2e.journeys.test_project_to_after_care import (
    TODAY,
    YESTERDAY,
    draw_lines,
    let_the_notice_hang,
)

ENTRIES = "/balances/entries"
KINDS = {
    "natural_shoreline": ("m", "shoreline", "natural_shoreline_share_kept", {}),
    "cultivated_land": ("mu", "cultivated_land", "farmland_balance_met", {"quality_grade": 6}),
}


class Office:
    """A project of a bureau that takes something of one kind."""

    def __init__(self, bureau: Bureau, kind: str) -> None:
        self.bureau, self.kind = bureau, kind
        self.code = f"{kind.replace('_', '-')}-quay"
        self.unit, self.subject, self.condition, self.more = KINDS[kind]
        self.path = f"/projects/{self.code}"

    def go(self, caller: Caller, to: str, *, status: int = 201) -> Any:
        return caller.post(
            f"{self.path}/transitions", {"to": to, "note": "按期推进"}, status=status
        )

    def file(self, caller: Caller, kind: str, **about: Any) -> str:
        asked = {"kind": kind, "filename": f"{kind}.pdf", "title_zh": kind, **about}
        return caller.attach(f"{self.path}/documents", PDF, "application/pdf", **asked)

    def enter(
        self, code: str, direction: str, amount: str, *, status: int = 201, **more: Any
    ) -> Any:
        given = {
            "code": f"{self.code}.{code}",
            "title_zh": "占补",
            "kind": self.kind,
            "direction": direction,
            "amount": amount,
            "unit": self.unit,
            "region": self.bureau.region,
            "project": self.code,
            "year": TODAY.year,
            **self.more,
            **more,
        }
        return self.bureau.planner.post(ENTRIES, given, status=status)

    def accept(self, caller: Caller, code: str, *, status: int = 200) -> None:
        caller.patch(f"{ENTRIES}/{self.code}.{code}", {"state": "accepted"}, status=status)

    def check(self) -> Any:
        asked = {"project": self.code, "activities": ["building"]}
        run = {"inputs": asked}
        return self.bureau.planner.post("/processes/check-compliance/execution", run, status=200)[
            "result"
        ]

    def draw(self, admin: Caller) -> None:
        """The lines of the region, one of them under the project, with a rule that sets it."""
        draw_lines(self.bureau)
        line = named(f"{self.code}-line", "管控线", "Line") | {"kind": self.subject}
        area = self.bureau.square(size=0.05)
        self.bureau.planner.make(
            "control_areas", area, region=self.bureau.region, valid_from="2020-01-01", **line
        )
        published = {"status": "published", "valid_from": "2020-01-01"}
        self.bureau.approver.change("control_areas", f"{self.code}-line", published)
        rule = {"code": f"{self.code}-rule", "scope": "control_area", "subject": self.subject}
        about = {"region": self.bureau.region, "activity": "building", "decision": "conditional"}
        admin.post("/control-rules", rule | about | {"conditions": [self.condition]})

    def prepare(self, stack: Stack) -> None:
        """A project in the reserve with all that its approval asks for, the ledger left aside."""
        owner, planner, approver = self.bureau.owner, self.bureau.planner, self.bureau.approver
        about = {"region": self.bureau.region, "start_year": 2025, "end_year": 2027}
        owner.make("projects", self.bureau.square(), **named(self.code, "码头", "Quay"), **about)
        measure = {"planned": 12.5, "unit": "ha"}
        owner.put(f"{self.path}/measures/mine_restoration", measure, status=201)
        told = {"type": "mine_restoration", "cost": 350.5, "fund_share_percent": 50}
        owner.change("projects", self.code, told)
        self.go(owner, "proposed")
        run = {"inputs": {"project": self.code}}
        checked = planner.post("/processes/check-compliance/execution", run, status=200)["result"]
        for gap in checked["gaps"]:
            decided = {"gap": gap["code"], "project": self.code, "reason": "不涉及"}
            approver.post("/compliance/exceptions", decided)
        self.go(planner, "reserve")
        for kind in ("proposal", "design"):
            self.file(owner, kind)
        self.file(planner, "notice", visibility="public")
        owner.change("projects", self.code, {"comment_until": TODAY.isoformat()})
        asyncio.run(let_the_notice_hang(stack.database_url, days=comment_days() + 1))
        owner.change("projects", self.code, {"comment_until": YESTERDAY.isoformat()})


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_waits_for_the_ledger(
    stack: Stack, found: Found, admin: Caller, public: Caller, kind: str
) -> None:
    region = f"balance-{kind.replace('_', '-')}"
    office = Office(found(region, "占补区", "Balance District"), kind)
    approver, supervisor = office.bureau.approver, office.bureau.supervisor
    office.draw(admin)
    office.prepare(stack)
    paper = office.file(office.bureau.owner, "design")

    office.enter("taken", "taken", "300")
    refused = office.check()
    judged = [(one["code"], one["met"]) for one in refused["conditions_judged"]]
    assert (refused["verdict"], judged) == ("refused", [(office.condition, False)])
    stopped = office.go(approver, "approved", status=409)
    assert f"300 {office.unit} are lacking" in stopped["detail"]

    office.enter("first", "given", "200", evidence=[paper])
    office.enter("second", "given", "100", evidence=[paper])
    office.accept(office.bureau.planner, "first", status=403)
    office.accept(supervisor, "first")
    assert f"100 {office.unit} are lacking" in office.go(approver, "approved", status=409)["detail"]
    office.accept(approver, "second")
    passed = office.check()
    assert [(one["code"], one["met"]) for one in passed["conditions_judged"]] == [
        (office.condition, True)
    ]
    assert passed["verdict"] != "refused"
    told = office.bureau.planner.get(f"{office.path}/balance")
    assert (told["met"], told["balances"][0]["after"]) == (True, "0.0000")
    office.go(approver, "approved")
    office.accept(approver, "taken")

    # What was given back turns out not to be there: an entry reverses it, and the next step waits.
    office.go(office.bureau.owner, "design")
    office.bureau.owner.change("projects", office.code, {"geometry_final": True})
    office.enter("undo", "given", "100", reverses=f"{office.code}.second", evidence=[paper])
    office.accept(approver, "undo")
    office.go(approver, "implementation", status=409)
    office.enter("third", "given", "100", evidence=[paper])
    office.accept(approver, "third")
    office.go(approver, "implementation")
    [whole] = public.get("/balances", region=region)["balances"]
    assert (whole["taken"], whole["given"], whole["carried"]) == ("300.0000", "300.0000", "0.0000")
    assert "占补平衡" in public.page("/balances")
