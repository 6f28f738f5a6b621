"""What the checks find in ledgers: of the two seeded plans, and of rows made up for each check."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from shanhai.db.quality.findings import check_plan
from shanhai.db.quality.plan_figures import PlanFigures, PlanFinding
from tests.unit.db.test_plan_figures import BANAN, figures_of, findings_of

PLAN = {"code": "p", "region": "r", "first_year": 2021, "last_year": 2025, "kind": "special_plan"}
PARTS: dict[str, Any] = {"leads": [], "cooperatings": [], "supervisings": [], "nameds": []}
REGION: dict[str, Any] = {"parent": None, "level": "city", "attrs": {}}


def named(code: str, **members: Any) -> dict[str, Any]:
    return {"code": code, "name_zh": f"名{code}", "name_en": f"Name {code}", **members}


def found_in(plan: dict[str, Any] | None = None, **tables: Any) -> dict[str, PlanFinding]:
    """The findings of a plan that has these rows alone, by code."""
    figures = PlanFigures({**PLAN, **(plan or {}), "attrs": {}}, tables)
    found = {finding.code: finding for finding in check_plan(figures)}
    for finding in found.values():
        assert finding.text.zh.endswith("。")
        assert finding.text.en.endswith(".")
    return found


def duty(code: str, **members: Any) -> dict[str, Any]:
    given = {"article": None, "first_year": 2021, "last_year": 2025, "due_on": None}
    return named(code, state="open", **PARTS, **given) | members


def mine(code: str, area: str | None, **members: Any) -> dict[str, Any]:
    given = {"kind": "legacy", "state": "open", "part_of": None, "problem": None}
    return named(code, area_ha=area and Decimal(area), **given) | members


def test_duties_of_the_action_plan_lack_leads_years_and_articles() -> None:
    found = findings_of(figures_of("xiamen", "xiamen-vanguard-2025"))
    assert len(found["duty_without_lead"].figures["rows"]) == 21
    assert found["duty_without_lead"].text.zh.startswith("21 项职责列有单位而未写明牵头单位：")
    assert found["duty_without_party"].figures["rows"] == ["T-EVAL-2025"]
    unknown = found["duty_unknown_article"].figures["rows"]
    assert unknown == [f"safeguard-{name}" for name in ("coordination", "funding", "green-finance")]
    undated = found["duty_without_year"].figures["rows"]
    assert undated == ["T-TINGXI", "T-XUXI-JIUXI", "T-BAYS-NATIONAL"]
    outside = found["period_conflict.duties"]
    assert outside.figures["rows"] == ["T-GREENWAY"]
    assert "2025-2027" in outside.text.en
    # Which is not a title to be reached by a year.
    assert len(found["title_without_year"].figures["rows"]) == 5
    assert "汀溪国家级美丽河湖" in found["title_without_year"].text.zh


def test_what_the_other_seeded_plans_leave_open() -> None:
    banan = findings_of(figures_of("banan", BANAN))
    assert len(banan["duty_without_party"].figures["rows"]) == 4
    assert banan["consistency_ok.mines"].figures == {
        "sum": 254.0,
        "stated": {"banan.P1": 254.0, "mines": 254.0},
    }
    national = findings_of(figures_of("xiamen", "national-xiamen-practice-2024"))
    assert len(national["duty_without_party"].figures["rows"]) == 8
    area = findings_of(figures_of("xiamen", "xiamen-demonstration"))
    assert len(area["criterion_without_weight"].figures["rows"]) == 5
    assert area["criterion_without_weight"].severity == "info", "none has one: all count alike"
    assert "members_out_of_order.xiamen" not in area
    opinion = findings_of(figures_of("xiamen", "xiamen-practice-2024"))
    assert "criterion_without_weight" not in opinion, "an opinion does not tell of its region"


def test_duties_with_a_lead_in_the_plans_years_are_no_finding() -> None:
    led = duty("a", leads=["x"])
    dropped = duty("b", state="dropped", last_year=2040)
    assert "duty_without_lead" not in found_in(duty=[led, dropped])
    assert "duty_without_party" not in found_in(duty=[led, dropped])
    found = found_in(duty=[duty("a", nameds=["x"]), duty("b")])
    assert found["duty_without_lead"].figures["rows"] == ["a"]
    assert found["duty_without_party"].figures["rows"] == ["b"]


@pytest.mark.parametrize(
    ("members", "outside"),
    [
        ({}, False),
        ({"first_year": 2020}, True),
        ({"last_year": 2026}, True),
        ({"due_on": date(2025, 12, 31)}, False),
        ({"due_on": date(2026, 1, 1)}, True),
    ],
)
def test_a_duty_lies_within_the_plans_years(members: dict[str, Any], outside: bool) -> None:
    found = found_in(duty=[duty("a", leads=["x"], **members)])
    assert ("period_conflict.duties" in found) == outside


def test_a_plan_without_end_has_no_late_duties() -> None:
    found = found_in({"last_year": None}, duty=[duty("a", leads=["x"], last_year=2090)])
    assert "period_conflict.duties" not in found


def test_articles_are_looked_up_where_any_are_known() -> None:
    seventh = duty("a", leads=["x"], article="7")
    assert "duty_unknown_article" not in found_in(duty=[seventh])
    said = [named("s", kind="article", article="6", places=[])]
    assert found_in(duty=[seventh], plan_provision=said)["duty_unknown_article"].severity == "low"


def test_more_names_than_a_sentence_holds_are_counted() -> None:
    found = found_in(duty=[duty(f"d{number:02}") for number in range(20)])
    text = found["duty_without_party"].text
    assert text.en.startswith("Duties that name no party (20): Name d00; ")
    assert text.en.endswith("Name d11 and 8 more.")
    assert text.zh.endswith("名d11等。")
    assert len(found["duty_without_party"].figures["rows"]) == 20


def test_mines_are_compared_with_the_figures_of_the_plan() -> None:
    problem = named("p1", quantity=Decimal(254), unit="ha", places=[], element=None)
    mines = [mine("a", "200", problem="p1"), mine("b", "50.5", problem="p1")]
    producing = mine("c", "900", kind="producing")
    found = found_in(mine=[*mines, producing], problem=[problem])
    wrong = found["sum_mismatch.mines.p1"]
    assert (wrong.severity, wrong.figures) == ("high", {"sum": 250.5, "stated": 254.0})
    assert "250.5 ha" in wrong.text.zh
    right = found_in(mine=[*mines, mine("d", "3.5")], problem=[problem])
    assert right["consistency_ok.mines"].figures["stated"] == {"p1": 254.0}
    assert "sum_mismatch.mines.p1" not in right


def test_parts_and_accepted_areas_are_no_larger_than_the_mine() -> None:
    whole = mine("a", "100", state="accepted", accepted_area_ha=Decimal("100.6"))
    parts = [mine("b", "60", part_of="a"), mine("c", "41", part_of="a")]
    found = found_in(mine=[whole, *parts])
    assert found["mine_parts.a"].figures == {"sum": 101.0, "stated": 100.0}
    assert found["mine_accepted.a"].figures == {"sum": 100.6, "stated": 100.0}
    fitting = mine("a", "100", state="open", accepted_area_ha=Decimal(120))
    # What is not accepted does not count, and 100 stands for less than 100.5.
    part = mine("b", "100.4", part_of="a")
    assert not {"mine_parts.a", "mine_accepted.a"} & found_in(mine=[fitting, part]).keys()


def title(code: str, **members: Any) -> dict[str, Any]:
    return named(code, state="candidate", target_year=2024, document=None) | members


def test_titles_have_documents_and_years() -> None:
    found = found_in(
        title=[
            title("a", state="approved"),
            title("b", state="approved", document="闽政〔2024〕1 号"),
            title("c", target_year=None),
            title("d", target_year=2030),
        ]
    )
    assert found["title_without_document"].figures["rows"] == ["a"]
    assert found["title_without_year"].figures["rows"] == ["c"]
    assert found["period_conflict.titles"].figures["rows"] == ["d"]


def balance(region: str, kind: str, taken: str, given: str) -> dict[str, Any]:
    return {"region": region, "kind": kind, "taken": Decimal(taken), "given": Decimal(given)}


def test_balances_in_debt_are_told_by_kind_and_region() -> None:
    rows = [
        balance("r", "natural_shoreline", "300", "100"),
        balance("r", "natural_shoreline", "0", "50.25"),
        balance("s", "natural_shoreline", "10", "40"),
        balance("r", "cultivated_land", "15", "0"),
        balance("s", "wetland", "2", "2"),
    ]
    found = found_in(balance=rows)
    shore = found["balance_lacking.natural_shoreline"]
    assert shore.severity == "high"
    # 310 taken, 190.25 given: 119.75 are lacking, all of them in r.
    assert shore.figures == {
        "taken": "310",
        "given": "190.25",
        "lacking": "119.75",
        "regions": {"r": "149.75"},
    }
    assert "119.75 m are lacking" in shore.text.en
    assert "尚缺 119.75 米" in shore.text.zh
    assert found["balance_lacking.cultivated_land"].severity == "medium", "there is a pool"
    assert found["consistency_ok.balances"].figures == {"wetland": "0"}
    assert not [
        code for code in found_in({"kind": "opinion"}, balance=rows) if code.startswith("balance")
    ]


def member(code: str, order: int, section: str | None) -> dict[str, Any]:
    return named(code, region="r", order_no=order, section=section)


@pytest.mark.parametrize(
    ("members", "out"),
    [
        ([("a", 1, "summit"), ("b", 2, "basin"), ("c", 3, "sea")], None),
        ([("a", 1, "summit"), ("b", 2, None), ("c", 3, "sea")], None),
        ([("a", 1, "sea"), ("b", 2, "summit")], ["b"]),
        ([("a", 1, "summit"), ("b", 3, "sea")], []),
        ([("a", 1, "summit"), ("b", 1, "sea")], []),
    ],
)
def test_members_run_from_the_summit_to_the_sea(
    members: list[tuple[str, int, str | None]], out: list[str] | None
) -> None:
    rows = [member(*one) for one in members]
    found = found_in(demonstration_member=rows, region=[named("r", **REGION)])
    told = found.get("members_out_of_order.r")
    assert (None if told is None else told.figures["rows"]) == out
    assert told is None or "名r" in told.text.zh


def criterion(code: str, **members: Any) -> dict[str, Any]:
    return named(code, region="r", weight=Decimal(50), valid_from=None, valid_to=None) | members


def score(code: str, criterion: str, **members: Any) -> dict[str, Any]:
    return {"code": code, "region": "r", "criterion": criterion, "year": 2024} | members


def test_scores_are_by_criteria_of_their_area_and_year() -> None:
    criteria = [
        criterion("a"),
        criterion("b", region="other"),
        criterion("c", valid_to=date(2023, 12, 31)),
        criterion("d", valid_from=date(2026, 6, 1), weight=None),
    ]
    regions = [named("r", **REGION), named("town", **REGION | {"parent": "r"})]
    scores = [
        score("1", "a"),
        score("2", "b"),
        score("3", "c"),
        score("4", "gone"),
        score("5", "a", region="town", year=2025),
        score("6", "d", region="town", year=2025),
    ]
    found = found_in(demonstration_criterion=criteria, demonstration_score=scores, region=regions)
    assert found["score_outside"].figures["rows"] == ["2", "3", "4"]
    # Of the criteria of r, a and d hold in 2024; the town is scored on both in 2025.
    assert found["scores_incomplete.r.2024"].figures == {"scored": 1, "criteria": 2}
    assert "scores_incomplete.town.2025" not in found
    assert found["criterion_without_weight"].figures["rows"] == ["d"]
    assert found["criterion_without_weight"].severity == "medium", "it counts as 1 beside 50"


def test_outfalls_need_permits_unless_they_carry_rain() -> None:
    rows = [
        named("a", kind="industrial", permit=None),
        named("b", kind="storm_drain", permit=None),
        named("c", kind="sewage_works", permit="厦环许〔2025〕1 号"),
    ]
    assert found_in(outfall=rows)["outfall_without_permit"].figures["rows"] == ["a"]
    assert "outfall_without_permit" not in found_in(outfall=rows[1:])


def test_occurrences_outside_their_region_are_counted() -> None:
    rows = [{"code": f"o{number:02}", "matched": 31} for number in range(20)]
    told = found_in(occurrence=rows)["occurrence_outside"]
    assert (told.figures["count"], len(told.figures["rows"])) == (31, 12)
    assert told.text.zh.startswith("31 条")
    assert "occurrence_outside" not in found_in(occurrence=[])
