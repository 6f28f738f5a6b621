"""Rules against activities at places, without a database."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import shapely

from shanhai.db.compliance.intersections import Given
from shanhai.db.compliance.overlaps import size_outside
from shanhai.db.compliance.register import AreaState, find_declines
from shanhai.db.compliance.result import (
    SEVERITY_OF,
    BindingRule,
    GeodesicSize,
    Leave,
    RuleLocation,
    TouchedLine,
)
from shanhai.db.compliance.rules import MEASURES, activities
from shanhai.db.compliance.verdict import conditions_of, judge, nearest
from shanhai.db.seeds.load import default_rules
from shanhai.vocabulary import CONTROL_KINDS, DECISIONS, Label, codes

RED = RuleLocation("control_area", "red_line", Label("红线", "Red line"), ("a", "b"))
FARM = RuleLocation("control_area", "permanent_basic_farmland", Label("农田", "Farmland"), ("f",))
LEAVE = Leave(
    "leave", "red-mining", "reason", "approver", datetime(2026, 1, 1, tzinfo=UTC), None, None
)


def rule(activity: str, decision: str, **values: object) -> BindingRule:
    given = BindingRule(
        f"red-{activity}",
        "control_area",
        "red_line",
        activity,
        Label(activity, activity),
        decision,
    )
    return replace(given, **values)  # type: ignore[arg-type]  # of each kind of member


RULES = (rule("any_development", "conditional"), rule("mining", "forbidden"))


def test_nearest_rule_prevails() -> None:
    distances = activities().distances("quarrying")
    assert [item.activity for item in nearest(distances, RULES)] == ["mining"]
    assert [item.activity for item in nearest(activities().distances("building"), RULES)] == [
        "any_development"
    ]
    assert nearest(activities().distances("farming"), RULES) == []


def test_what_is_said_of_a_class_goes_before_what_is_said_of_all() -> None:
    core = replace(RED, area_class="core")
    of_core = rule("any_development", "restricted", classes=("core", "核心"), code="core")
    rules = [*RULES, of_core]
    assert [hit.rule.code for hit in judge(activities(), ["mining"], [core], rules).hits] == [
        "core"
    ]
    assert judge(activities(), ["mining"], [RED], rules).verdict == "refused"
    # The class says nothing of it, so all that is said of the kind holds.
    silent = rule("farming", "forbidden", classes=("core",), code="core")
    assert judge(activities(), ["mining"], [core], [*RULES, silent]).verdict == "refused"


def test_outside_is_a_place_of_its_own() -> None:
    outside = RuleLocation("outside_control_area", "red_line", Label("红线外", "Outside"))
    there = rule("mining", "capped", scope="outside_control_area", code="outside")
    judged = judge(activities(), ["mining"], [outside], [*RULES, there])
    assert [hit.rule.code for hit in judged.hits] == ["outside"]
    assert judge(activities(), ["mining"], [RED], [there]).hits == ()


SQUARE = Given(shapely.box(118.0, 24.0, 118.01, 24.01).wkb)
PATH = Given(shapely.LineString([(118.0, 24.0), (118.01, 24.0)]).wkb)
POINT = Given(shapely.Point(118.0, 24.0).wkb)


@pytest.mark.parametrize(
    ("given", "covered", "share"),
    [
        (SQUARE, [], 1.0),
        (SQUARE, [0.25], 0.75),
        (SQUARE, [1.0], None),
        (SQUARE, [1 - 1e-12], None),
        (PATH, [0.25], 0.75),
        (PATH, [1.0], None),
    ],
)
def test_sizes_outside(given: Given, covered: list[float], share: float | None) -> None:
    whole = given.measure
    lines = [
        TouchedLine(
            "red_line",
            GeodesicSize(
                None if whole.area_m2 is None else whole.area_m2 * part,
                None if whole.length_m is None else whole.length_m * part,
            ),
            part,
            (),
        )
        for part in covered
    ]
    found = size_outside(given, lines, "red_line")
    assert (None if found is None else found.share_of(whole)) == (
        None if share is None else pytest.approx(share)
    )
    assert size_outside(given, lines, "island") == whole


def test_a_point_lies_outside_where_no_line_holds_it() -> None:
    line = TouchedLine("red_line", GeodesicSize(), 1.0, ())
    assert size_outside(POINT, [], "red_line") == GeodesicSize()
    assert size_outside(POINT, [line], "red_line") is None


def test_strictest_place_decides() -> None:
    lax = rule("any_development", "encouraged", subject=FARM.subject, code="farm")
    judged = judge(activities(), ["mining"], [RED, FARM], [*RULES, lax])
    assert judged.verdict == "refused"
    assert {hit.rule.code for hit in judged.hits} == {"red-mining", "farm"}
    assert judged.reasons[0] == Label("红线：采矿禁止", "Red line: Mining is forbidden")


def test_reasons_name_what_a_rule_speaks_of_and_the_decision_that_lifts_it() -> None:
    broad = rule("any_development", "forbidden", name=Label("各类开发", "Any development"))
    said = judge(activities(), ["mining"], [RED], [broad]).reasons
    assert said == (
        Label(
            "红线：采矿禁止（按“各类开发”的规则）",
            "Red line: Mining is forbidden (rule on: Any development)",
        ),
    )
    lifting = replace(LEAVE, document="厦自然资〔2026〕1号")
    lifted = judge(activities(), ["mining"], [RED], RULES, [lifting]).reasons
    assert lifted[0].zh == "红线：采矿禁止，已批准例外（厦自然资〔2026〕1号）"
    assert (
        judge(activities(), ["mining"], [RED], RULES, [LEAVE])
        .reasons[0]
        .en.endswith("lifted by exception (leave)")
    )


@pytest.mark.parametrize(
    ("decision", "verdict"),
    [
        ("forbidden", "refused"),
        ("restricted", "conditional"),
        ("conditional", "conditional"),
        ("capped", "conditional"),
        ("encouraged", "pass"),
        ("required", "pass"),
    ],
)
def test_each_decision(decision: str, verdict: str) -> None:
    assert judge(activities(), ["mining"], [RED], [rule("mining", decision)]).verdict == verdict
    assert set(SEVERITY_OF) == set(codes(DECISIONS))


def test_exception_lifts_all_areas_or_those_it_names() -> None:
    def verdict(*leaves: Leave) -> str:
        return judge(activities(), ["mining"], [RED], RULES, leaves).verdict

    assert verdict(LEAVE) == "conditional"
    assert verdict(replace(LEAVE, control_area="a")) == "refused"
    assert verdict(replace(LEAVE, control_area="a"), replace(LEAVE, control_area="b")) == (
        "conditional"
    )
    assert verdict(replace(LEAVE, control_area="elsewhere")) == "refused"
    assert verdict(replace(LEAVE, rule="another")) == "refused"
    outdated = judge(activities(), ["mining"], [RED], RULES, [replace(LEAVE, outdated=True)])
    assert outdated.verdict == "refused"
    assert "exception_reviewed" in conditions_of(outdated.hits[0])


def test_duties_weigh_nothing() -> None:
    judged = judge(activities(), ["farming"], [RED], [rule("restoration_project", "required")])
    assert judged.verdict == "pass"
    assert [hit.activity for hit in judged.duties] == [None]
    met = judge(
        activities(), ["wetland_restoration"], [RED], [rule("restoration_project", "required")]
    )
    assert met.duties == ()


def test_lists_and_default_rules_fit_together() -> None:
    lists = activities()
    assert set(MEASURES) <= set(lists.known)
    for activity in lists.known.values():
        assert set(activity.counts_as) <= set(lists.known)
    for row in default_rules():
        assert row["activity"] in lists.known
        assert row["subject"] in codes(CONTROL_KINDS)
        assert row["decision"] in codes(DECISIONS)
        assert set(row["conditions"]) <= set(lists.conditions)
        assert row["legal_basis"]
        assert row["attrs"]["confirm"] is True
        assert row["scope"] == "control_area" or not row["attrs"].get("classes")


def test_shares() -> None:
    assert GeodesicSize(area_m2=1.0).share_of(GeodesicSize(area_m2=4.0)) == 0.25
    assert GeodesicSize(length_m=1.0).share_of(GeodesicSize(area_m2=4.0)) is None
    assert GeodesicSize(area_m2=10_000.0).document()["area_mu"] == 15.0


class TestDeclines:
    def test_two_delimitations_are_no_decline(self) -> None:
        drawn = date(2022, 9, 30)
        old = AreaState("old", "red_line", "2018", date(2018, 1, 1), drawn, 184.6e6)
        new = AreaState("new", "red_line", "2022", drawn, None, 142.4e6)
        assert find_declines([old, new]) == []
        same = replace(old, code="new")
        assert find_declines([same, new]) == []

    def test_cut_of_a_hectare_within_one_is(self) -> None:
        day = date(2024, 1, 1)
        before = AreaState("a", "red_line", "2022", date(2022, 1, 1), day, 142.4e6)
        after = AreaState("a", "red_line", "2022", day, None, 142.4e6 - 1e4)
        (found,) = find_declines([before, after])
        assert (found.day, found.codes) == (day, ("a",))
        assert found.lost_m2 == pytest.approx(1e4)

    def test_what_a_neighbour_gains_is_not_lost(self) -> None:
        day, since = date(2024, 1, 1), date(2022, 1, 1)
        states = [
            AreaState("a", "red_line", "2022", since, day, 5e6),
            AreaState("a", "red_line", "2022", day, None, 4e6),
            AreaState("b", "red_line", "2022", since, day, 1e6),
            AreaState("b", "red_line", "2022", day, None, 2e6),
        ]
        assert find_declines(states) == []

    def test_area_given_up_while_others_stay(self) -> None:
        day, since = date(2024, 1, 1), date(2022, 1, 1)
        states = [
            AreaState("a", "red_line", "2022", since, day, 5e6),
            AreaState("b", "red_line", "2022", since, None, 1e6),
        ]
        assert [found.lost_m2 for found in find_declines(states)] == [5e6]
