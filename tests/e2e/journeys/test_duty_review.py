"""A year of an action plan's duties: reports by its leads, verdicts, a frozen PDF."""

import hashlib
import json
from typing import Any

import pytest

from tests.e2e.journeys.conftest import Bureau, Caller, Found, named

PLAN, SECOND = "journey-action-2025", "journey-action-2026"
REVIEW = f"/plans/{PLAN}/duty-reviews/2025"
ARTICLES = (("3", "建设山海一体化保护生态绿廊"), ("10", "强化司法保障"))
REPORT = {
    "text": "完成绿廊 12.50 公里。",
    "figures": [{"name": "greenway", "value": "12.50", "unit": "km"}],
}


def write_plan(bureau: Bureau) -> None:
    """An action plan with two articles, each a duty with a lead, and another plan beside it."""
    planner, region = bureau.planner, bureau.region
    for code in ("parks", "court"):
        body = named(f"journey-{code}", code, code) | {"kind": "department", "region": region}
        planner.post("/parties", body)
    about = {"kind": "action_plan", "level": "district", "region": region}
    for code, start in ((PLAN, 2025), (SECOND, 2026)):
        names = named(code, "先行区行动方案", "Action plan")
        planner.make("plans", None, **names, **about, period_start=start, period_end=2027)
        for (article, heading), party in zip(ARTICLES, ("parks", "court"), strict=True):
            said = named(f"article-{article}", heading, f"Article {article}")
            planner.post(
                f"/plans/{code}/provisions", said | {"kind": "article", "article": article}
            )
            duty = named(f"duty-{article}", heading, f"Duty of article {article}")
            answering = {"lead": [f"journey-{party}"], "article": article}
            years = {"start_year": start, "end_year": 2027}
            planner.post(f"/plans/{code}/duties", duty | answering | years)
        planner.change("plans", code, {"status": "submitted"})
        bureau.approver.change("plans", code, {"status": "approved"})


def place(article: str, party: str) -> str:
    return f"{REVIEW}/reports/duty-{article}/journey-{party}"


def judge(caller: Caller, where: str, verdict: str, why: str | None = None, **more: Any) -> None:
    caller.post(f"{where}/judgement", {"verdict": verdict, "judgement": why}, **more)


@pytest.mark.long
def test_from_reports_to_a_frozen_pdf(found: Found, public: Caller) -> None:
    bureau = found("duty-district", "职责区", "Duty District")
    owner, planner, supervisor = bureau.owner, bureau.planner, bureau.supervisor
    write_plan(bureau)
    board = public.get(f"/plans/{PLAN}/duty-board")
    assert {row["code"]: row["total"] for row in board["rows"]} == {
        "journey-parks": 1,
        "journey-court": 1,
    }
    begun = {"year": 2025, "reports_due_on": "2026-01-31"}
    bureau.viewer.post(f"/plans/{PLAN}/duty-reviews", begun, status=403)
    supervisor.post(f"/plans/{PLAN}/duty-reviews", begun)
    # The other plan begins later, and is not asked.
    supervisor.post(f"/plans/{SECOND}/duty-reviews", begun, status=409)
    public.get(REVIEW, status=404)

    parks, court = place("3", "parks"), place("10", "court")
    owner.put(place("3", "court"), REPORT, status=404)
    owner.put(parks, REPORT, status=201)
    planner.put(court, REPORT | {"text": "审结案件。"}, status=201)
    bureau.approver.post(f"{REVIEW}/freeze", {}, status=409)
    judge(planner, court, "met", status=403)
    judge(supervisor, parks, "partly_met", status=400)
    judge(supervisor, parks, "returned", "请补充里程", status=200)
    owner.put(parks, REPORT)
    judge(supervisor, parks, "partly_met", "尚缺一段", status=200)
    judge(supervisor, court, "met", status=200)
    owner.put(parks, REPORT, status=409)
    supervisor.post(f"{REVIEW}/freeze", {}, status=403)
    frozen = bureau.approver.post(f"{REVIEW}/freeze", {}, status=200)

    content = json.dumps(
        frozen["content"], ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    assert hashlib.sha256(content.encode()).hexdigest() == frozen["sha256"]
    counted = frozen["content"]["summary"]["reports"]
    assert {name: n for name, n in counted.items() if n} == {"met": 1, "partly_met": 1}
    for lang, words in (("zh", "年度职责考核"), ("en", "review of the duties in 2025")):
        told = public.client.get(REVIEW, params={"f": "pdf", "lang": lang})
        assert told.headers["content-type"] == "application/pdf"
        assert told.content.startswith(b"%PDF-")
        page = public.page(REVIEW, lang)
        assert words in page
        assert frozen["sha256"] in page
        assert "12.50" in page
    # What becomes of a duty later changes nothing of what was frozen.
    supervisor.patch(f"/plans/{PLAN}/duties/duty-3", {"state": "done"})
    assert public.get(REVIEW)["content"] == frozen["content"]
