"""Names, headings and terms of law of the source plans stand as they were printed."""

from typing import Any

import pytest

from shanhai.db.compliance.rules import activities
from shanhai.db.seeds.city_files import read_blocks
from shanhai.db.seeds.rows import Rows, rows_of

Row = dict[str, Any]

TITLES = {
    "national-xiamen-practice-2024": "自然资源部 国家发展改革委 财政部 国家林业和草原局"
    " 关于学习运用习近平生态文明思想“厦门实践”经验 深入推进新时期生态保护修复工作的意见",
    "xiamen-practice-2024": "中共厦门市委 厦门市人民政府关于深化拓展生态文明建设“厦门实践”的意见",
    "xiamen-vanguard-2025": "厦门市当好生态省建设排头兵 加快建设美丽中国样板城市行动方案"
    "（2025-2027年）",
    "banan-restoration-2021": "巴南区国土空间生态保护修复规划（2021-2035年）",
    "banan-spatial-2021": "巴南区国土空间分区规划",
}
ARTICLES = (
    "构建“山海产城人”相融共生空间格局",
    "健全节约集约绿色低碳循环经济体系",
    "打造减污降碳协同创新示范样板",
    "建设山海一体化保护生态绿廊",
    "守护蓝天白云清水绿岸碧海银滩更常在",
    "一体勾勒各美其美美美与共“美丽画卷”",
    "建设安适宜居绿色幸福家园",
    "拓展生物多样性魅力城市内涵",
    "严守生态环境安全底线",
    "健全精准高效生态环境治理体系",
    "完善支撑有力生态文明基础保障体制",
    "构建人人参与人人共享城市治理共同体",
)
TASKS = (
    "筑牢生态安全屏障，夯实高质量发展绿色根基",
    "强化水域岸线管控，构建生态水网体系",
    "保护江心绿岛，提升生态服务功能",
    "培育大美田园，构建美田弥望的城郊沃野",
    "优化城市蓝绿网络，塑造宜居生态环境",
)
TERMS = {
    "strict_protection": ("主体功能定位", "严禁任意改变用途"),
    "key_protection": ("空间准入、强度控制和风貌管控", "农业开垦"),
    "general_protection": ("垦殖",),
    "priority_restoration": ("生态环境准入清单",),
}
OTHER_MEANINGS = ("主导功能", "未经批准不得改变用途", "围垦")


@pytest.fixture(scope="module")
def rows() -> Rows:
    every: Rows = {}
    for city in ("xiamen", "banan"):
        for table, listed in rows_of(read_blocks(city)).items():
            every.setdefault(table, []).extend(listed)
    return every


def found(rows: Rows, table: str, code: str) -> Row:
    return next(row for row in rows[table] if row["code"] == code)


def headings(rows: Rows, plan: str, kind: str) -> tuple[str, ...]:
    listed = [row for row in rows["plan_provision"] if (row["plan"], row["kind"]) == (plan, kind)]
    return tuple(row["name_zh"] for row in sorted(listed, key=lambda row: row["order_no"]))


@pytest.mark.parametrize("code", TITLES)
def test_titles(rows: Rows, code: str) -> None:
    assert found(rows, "plan", code)["name_zh"] == TITLES[code]


def test_numbers_and_dates_of_the_policies(rows: Rows) -> None:
    action = found(rows, "plan", "xiamen-vanguard-2025")["attrs"]
    assert (action["document"], action["issued_on"]) == ("厦府办〔2025〕24号", "2025-06-14")
    assert found(rows, "plan", "xiamen-practice-2024")["attrs"]["issued_on"] == "2024-05-06"


def test_headings(rows: Rows) -> None:
    assert headings(rows, "xiamen-vanguard-2025", "article") == ARTICLES
    assert headings(rows, "banan-restoration-2021", "task") == TASKS


@pytest.mark.parametrize("code", TERMS)
def test_requirements_use_the_terms_of_law(rows: Rows, code: str) -> None:
    requirement = found(rows, "zone_class", f"supply_demand.{code}")["requirement_zh"]
    assert all(term in requirement for term in TERMS[code])
    assert not any(term in requirement for term in OTHER_MEANINGS)


def test_no_rule_of_a_zone_means_something_else_in_law(rows: Rows) -> None:
    rules = [row for row in rows["control_rule"] if row["scope"] == "zone_class"]
    names = {row["activity"]: row["activity_zh"] for row in rules}
    assert not [name for name in names.values() for term in OTHER_MEANINGS if term in name]
    assert names["land_reclamation"] == "垦殖"
    assert names["arbitrary_change_of_use"] == "任意改变用途"
    assert names["development_against_main_function"].startswith("不符合主体功能定位")
    named = activities().name_of
    assert {code: named(code).zh for code in names if named(code).zh in OTHER_MEANINGS} == {}
    assert named("development_against_main_function").zh == "不符合主体功能定位的各类开发活动"


def test_patterns_and_their_principle(rows: Rows) -> None:
    regional = found(rows, "pattern", "xiamen.regional")
    assert regional["attrs"]["principle_zh"] == "区域协同、突出重点"
    assert "一环三水两横两纵" in [row["name_zh"] for row in rows["pattern"]]


def test_the_yangtze_runs_through_the_district_for_59_km(rows: Rows) -> None:
    figure = found(rows, "plan_figure", "yangtze_length")
    assert (figure["value"], figure["unit"]) == (59, "km")
    assert "岸线" not in figure["name_zh"]


def test_challenges_of_the_paper_are_those_of_the_nation(rows: Rows) -> None:
    named = [row for row in rows["plan_provision"] if row["kind"] == "challenge"]
    paper = [row for row in named if row["plan"] == "xiamen-demonstration"]
    assert [row["level"] for row in paper] == ["nation"] * 5
    assert not [row for row in rows["problem"] if row["region"] == "xiamen"]


def test_what_was_left_out_is_there(rows: Rows) -> None:
    plan = found(rows, "plan", "banan-restoration-2021")
    assert (plan["upper_plan"], plan["spatial_plan"]) == (
        "chongqing-restoration-2021",
        "banan-spatial-2021",
    )
    features = {row["name_zh"] for row in rows["named_feature"]}
    assert {"筼筜湖", "筼筜湖六期", "厦门岛“两山”基地"} <= features
    assert "国家生态文明试验区建设领导小组" in [row["name_zh"] for row in rows["party"]]
    first = found(rows, "programme", "banan.PRG1")["attrs"]
    assert "第一层山脊线" in first["extent_zh"]
    assert "1000米" in first["extent_zh"]
    assert first["bank_buffer_m"] == 1000
    contents = [row["attrs"]["content_zh"] for row in rows["project"]]
    assert len(set(contents)) == 21
    area = found(rows, "plan_figure", "statutory_area")
    assert (area["value"], area["unit"]) == (1823, "km2")
    classes = {row["code"]: (row["class_zh"], row["value"]) for row in rows["plan_figure"]}
    assert float(classes["service_importance"][1]) == 818.57
    assert classes["service_importance"][0] == "极重要"


def test_every_provision_and_figure_names_its_source_and_article(rows: Rows) -> None:
    for row in (*rows["plan_provision"], *rows["plan_figure"]):
        assert row["attrs"]["source"], row["code"]
        if row["kind"] not in {"reference", "count"}:
            assert row["article"], row["code"]


def test_no_list_is_left_in_the_details_of_a_plan(rows: Rows) -> None:
    for plan in rows["plan"]:
        lists = [name for name, value in plan["attrs"].items() if isinstance(value, list | dict)]
        assert lists == [], plan["code"]
