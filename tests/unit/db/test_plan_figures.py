"""What the checks find in the figures two real plans print, and in figures made up for a check."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shanhai.db.compliance.rules import MEASURES
from shanhai.db.quality.findings import SEVERITY_ORDER, check_plan
from shanhai.db.quality.plan_figures import (
    PlanFigures,
    PlanFinding,
    number,
    percent_range,
    shown,
    slack,
)
from shanhai.db.seeds.city_files import CITIES, read_blocks, read_totals
from shanhai.db.seeds.load import count_rows
from shanhai.db.seeds.rows import Rows, rows_of
from shanhai.errors import InvalidInput, ShanhaiError

BANAN = "banan-restoration-2021"


def figures_of(city: str, plan: str) -> PlanFigures:
    rows = rows_of(read_blocks(city))
    return PlanFigures(next(row for row in rows["plan"] if row["code"] == plan), rows)


def findings_of(figures: PlanFigures) -> dict[str, PlanFinding]:
    return {finding.code: finding for finding in check_plan(figures)}


@pytest.fixture(scope="module")
def banan() -> dict[str, PlanFinding]:
    return findings_of(figures_of("banan", BANAN))


@pytest.mark.parametrize(
    ("code", "severity", "expected"),
    [
        (
            "sum_mismatch.zones",
            "high",
            {"sum": 1731.61, "stated": 1823, "gap": 91.39, "gap_percent": 5.01},
        ),
        ("percent_mismatch.banan.P4a.2", "high", {"computed": 12.94, "printed": 13.04}),
        (
            "definition_conflict.mine_restored_area",
            "high",
            {
                "inventory": 254,
                "done_before": 131.8,
                "sum": 385.8,
                "target_2035": 386,
                "target_2025_net": 129.2,
                "target_2035_net": 254.2,
            },
        ),
        (
            "direction_conflict.red_line_area",
            "info",
            {"base": 184.6, "target": 142.4, "drop": 42.2, "alert": False},
        ),
        (
            "list_shorter_than_stated.banan.zone.southeast",
            "medium",
            {"stated": 15, "listed": 8, "forced": 6, "unknown": 1},
        ),
        ("overlap_by_design.towns", "info", {"count": 13, "most": 3}),
        (
            "name_variant.banan.dongwenquan",
            "medium",
            {"official": "东温泉镇", "variant": "东泉镇"},
        ),
        (
            "count_ok",
            "info",
            {"main_tasks": 5, "programmes": 7, "projects": 21, "zones": 5, "indicators": 8},
        ),
        ("list_shorter_than_stated.banan.PRG2", "low", {"stated": 8, "listed": 7}),
        (
            "list_differs.banan.PRG3",
            "low",
            {"programme": 7, "projects": 8, "added": ["响水湖"], "lacking": []},
        ),
        ("coverage_gap.problems", "medium", {"problems": ["banan.P2b", "banan.P3a"]}),
        ("membership_unknown.tributaries", "medium", {"stated": 7, "named": 3}),
        (
            "consistency_ok.shares",
            "info",
            {
                "forest_land": {"computed": 48.85, "printed": 48.84},
                "banan.P4a.1": {"computed": 29.38, "printed": 29.38},
            },
        ),
        (
            "target_flat",
            "info",
            {"indicators": ["forest_cover_rate", "natural_forest_area"]},
        ),
        (
            "missing_baseline",
            "low",
            {"indicators": ["protected_area_share", "water_function_zone_compliance"]},
        ),
        (
            "mixed_comparator",
            "low",
            {"indicators": ["soil_water_conservation_rate", "water_function_zone_compliance"]},
        ),
        (
            "ambiguous_unit",
            "medium",
            {"untold": {"carbon": ["period", "substance"], "carbon_new": ["substance"]}},
        ),
        ("location_doubt.west", "low", {"location": "west"}),
        (
            "derived_target.soil_water_conservation_rate",
            "info",
            {"left": 483.1, "less": 52.4},
        ),
        ("rule_check.years", "info", {"earliest_end": 2024, "latest_start": 2029}),
    ],
)
def test_findings_of_banan(
    banan: dict[str, PlanFinding], code: str, severity: str, expected: dict[str, Any]
) -> None:
    finding = banan[code]
    assert finding.severity == severity
    assert {name: finding.figures[name] for name in expected} == expected
    assert finding.text.zh.endswith("。")
    assert finding.text.en.endswith(".")


def test_islands_without_project_are_named(banan: dict[str, PlanFinding]) -> None:
    places = banan["coverage_gap.places"].figures["places"]
    in_the_order_of_the_plan = ["二圣河", "南坪坝", "梓桐坝", "东温泉山", "莲花中坝岛"]
    assert places == in_the_order_of_the_plan
    assert not {"桃花岛", "木洞中坝", "木洞中坝岛"} & set(places)


def test_net_figures_explain_the_mines(banan: dict[str, PlanFinding]) -> None:
    text = banan["definition_conflict.mine_restored_area"].text
    assert "385.8" in text.zh
    assert "385.8" in text.en


def test_the_worst_comes_first() -> None:
    found = check_plan(figures_of("banan", BANAN))
    ranks = [SEVERITY_ORDER.index(finding.severity) for finding in found]
    assert ranks == sorted(ranks)
    assert len({finding.code for finding in found}) == len(found)


def test_xiamen_prints_no_value_of_its_indicators() -> None:
    found = findings_of(figures_of("xiamen", "xiamen-demonstration"))
    assert found["missing_figures"].figures["count"] == 35


def test_external_references_agree_with_the_opinion() -> None:
    found = findings_of(figures_of("xiamen", "xiamen-practice-2024"))
    assert found["reference.red_line_area"].kind == "consistency_ok"
    assert found["reference.red_line_area"].figures["reference"] == 287.97


def changed(figures: PlanFigures, table: str, code: str, **values: Any) -> PlanFigures:
    """The figures with one row changed; `attrs` are merged."""

    def change(row: Any) -> Any:
        if row["code"] != code:
            return row
        attrs = {**row.get("attrs", {}), **values.get("attrs", {})}
        return {**row, **values, "attrs": attrs}

    rows = {**figures.rows, table: [change(row) for row in figures.rows[table]]}
    return replace(figures, rows=rows)


def test_zones_that_fill_the_district_are_no_finding() -> None:
    figures = changed(
        figures_of("banan", BANAN),
        "zone",
        "banan.zone.southeast",
        attrs={"stated_area_km2": 1248.63},
    )
    assert "sum_mismatch.zones" not in findings_of(figures)


def test_drop_without_new_delimitation_is_an_alert() -> None:
    figures = changed(
        figures_of("banan", BANAN), "plan_indicator", "red_line_area", attrs={"floor": {}}
    )
    finding = findings_of(figures)["direction_conflict.red_line_area"]
    assert (finding.severity, finding.figures["alert"]) == ("high", True)


def test_cumulative_target_within_the_inventory_is_no_finding() -> None:
    figures = changed(figures_of("banan", BANAN), "problem", "banan.P1", quantity=Decimal(400))
    assert "definition_conflict.mine_restored_area" not in findings_of(figures)


def test_target_that_is_no_sum_of_inventory_and_earlier_work_is_told_without_a_guess() -> None:
    figures = changed(figures_of("banan", BANAN), "problem", "banan.P1", quantity=Decimal(200))
    finding = findings_of(figures)["definition_conflict.mine_restored_area"]
    assert "likely" not in finding.text.en


def test_project_outside_the_period() -> None:
    figures = changed(figures_of("banan", BANAN), "project", "banan.PRJ11", end_year=2040)
    finding = findings_of(figures)["period_conflict"]
    assert finding.figures["projects"] == ["banan.PRJ11"]


def test_fewer_projects_than_stated() -> None:
    figures = figures_of("banan", BANAN)
    figures = replace(figures, rows={**figures.rows, "project": figures.rows["project"][:-1]})
    finding = findings_of(figures)["count_mismatch.projects"]
    assert finding.figures == {"stated": 21, "listed": 20}


def test_a_plan_without_anything_has_no_findings() -> None:
    told = {"code": "p", "region": None, "first_year": 2021, "last_year": None}
    assert check_plan(PlanFigures({**told, "attrs": {}}, {})) == []


@pytest.mark.parametrize(
    ("value", "written", "half"),
    [(386.0, "386", "0.5"), (184.6, "184.6", "0.05"), (300, "300", "0.5"), (0.89, "0.89", "0.005")],
)
def test_figures_stand_for_what_rounds_to_them(value: float, written: str, half: str) -> None:
    assert shown(number(value)) == written
    assert slack(number(value)) == Decimal(half)


def test_percentages_allow_for_rounding() -> None:
    low, high = percent_range(Decimal("890.5"), Decimal(1823))
    assert low < Decimal("48.84") < high


@pytest.mark.parametrize("city", CITIES)
def test_every_city_holds_what_its_sources_say(city: str) -> None:
    rows, totals = rows_of(read_blocks(city)), read_totals(city)
    assert count_rows(rows, totals) == totals
    assert len(totals) > 10


def test_a_missing_row_is_a_wrong_total() -> None:
    rows: Rows = {"project": [{"code": "p"}]}
    with pytest.raises(ShanhaiError, match="projects: 1 instead of 21"):
        count_rows(rows, {"projects": 21})


@pytest.mark.parametrize("city", CITIES)
def test_every_name_is_in_both_languages_and_every_code_once(city: str) -> None:
    for table, rows in rows_of(read_blocks(city)).items():
        codes = [(row["code"], row.get("plan")) for row in rows if "code" in row]
        assert len(set(codes)) == len(codes), table
        assert all(row["name_zh"] and row["name_en"] for row in rows if "name_zh" in row), table


def test_cities_agree_on_the_indicators_they_share() -> None:
    first, second = (
        {row["code"]: row for row in rows_of(read_blocks(city))["indicator"]} for city in CITIES
    )
    shared = first.keys() & second.keys()
    assert len(shared) == 4
    assert all(first[code] == second[code] for code in shared)


def test_every_measure_is_used_and_named() -> None:
    used = {row["measure"] for row in rows_of(read_blocks("banan"))["project_measure"]}
    assert used == MEASURES.keys()


def test_unknown_city_has_no_files() -> None:
    with pytest.raises(InvalidInput, match="atlantis"):
        read_blocks("atlantis")


@pytest.mark.parametrize(
    ("square_km", "severity"), [(1823.4, None), (1830.0, "low"), (1900.0, "medium")]
)
def test_the_statutory_area_stands_beside_that_of_the_outline(
    square_km: float, severity: str | None
) -> None:
    figures = figures_of("banan", BANAN)
    region = next(row for row in figures.rows["region"] if row["code"] == "banan")
    drawn = [{**region, "area_m2": square_km * 1e6}, *figures.towns]
    found = findings_of(replace(figures, rows={**figures.rows, "region": drawn}))
    finding = found.get("area_differs")
    assert (None if finding is None else finding.severity) == severity
    if finding is not None:
        assert finding.figures["stated"] == 1823
        assert finding.figures["difference"] == pytest.approx(square_km - 1823)
