"""What can be asked for of a selection of restoration sites: candidates, goal, money, rules."""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from shanhai.processes.kit.contract import REPORTS, Inputs, OutputSpec, PlaceInputs, ProcessContract
from shanhai.processes.kit.task import LineKind
from shanhai.processes.select_sites import task
from shanhai.processes.select_sites.ranking_inputs import Feature, RankingInputs, Weight
from shanhai.validation import Code, Name, broken_at
from shanhai.vocabulary import Label

MOST_SITES = 5_000
MOST_GIVEN = 2_000

Money = Annotated[float, Field(ge=0, lt=1e14, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Penalty = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Year = Annotated[int, Field(ge=1900, le=2200)]


class Site(Inputs):
    """A site that is given: a polygon with what it costs and gains."""

    code: Code = Field(description="Code, once in the list / 代码")
    name_zh: Name = Field(description="Chinese name / 中文名称")
    name_en: Name | None = Field(None, description="English name / 英文名称")
    geometry: dict[str, Any] = Field(
        description="GeoJSON polygon in longitude and latitude / 面，经纬度"
    )
    cost: Money | None = Field(None, description="Yuan; else by area / 投资（元），缺省按面积")
    gains: dict[Feature, Amount] = Field(
        default_factory=dict,
        max_length=20,
        description="What it gives besides what is measured, by name / 自带效益",
    )
    measures: list[Code] = Field(default_factory=list, max_length=50, description="Measures / 措施")
    problems: list[Code] = Field(
        default_factory=list, max_length=50, description="Problems it acts on / 针对的问题"
    )

    @model_validator(mode="after")
    def check_gains(self) -> "Site":
        """What is measured is not given."""
        known = sorted(task.FEATURES.keys() & self.gains.keys())
        if known:
            rule = "is measured; take another name / 由系统计算，请换用其他名称"
            raise broken_at("gains", known[0], rule=rule)
        return self


class Goal(Inputs):
    """What the choice is for."""

    kind: Literal["maximum_gain", "minimum_set", "coverage", "shortfall"] = Field(
        "maximum_gain",
        description="Most gain for the money, all targets at least cost, as many targets as can"
        " be, or the least shortfall / 目标类型",
    )
    weights: dict[Feature, Weight] = Field(
        default_factory=dict,
        max_length=30,
        description="Weight of each gain or target; default: `priority`, or every target alike"
        " / 权重",
    )
    caps: dict[Feature, Amount] = Field(
        default_factory=dict, max_length=30, description="Gains beyond which more is nothing / 上限"
    )
    targets: dict[Feature, Amount] = Field(
        default_factory=dict, max_length=30, description="Targets, in the unit of each / 目标值"
    )
    target_shares: dict[Feature, Share] = Field(
        default_factory=dict,
        max_length=30,
        description="Targets as a share of what all candidates give / 目标占比",
    )

    @model_validator(mode="after")
    def check_members(self) -> "Goal":
        """Targets where they count, and only there; each once."""
        named = {*self.targets, *self.target_shares}
        if (self.kind == "maximum_gain") == bool(named):
            raise broken_at(
                "target_shares" if self.target_shares else "targets",
                rule="targets are given with every goal but maximum_gain, and there they must be"
                " / 除 maximum_gain 外须给出目标",
            )
        twice = sorted(self.targets.keys() & self.target_shares.keys())
        if twice:
            raise broken_at("target_shares", twice[0], rule="has two targets / 已有一个目标")
        if self.kind == "minimum_set" and self.weights:
            raise broken_at("weights", rule="minimum_set takes none / minimum_set 不使用权重")
        if self.caps and self.kind != "maximum_gain":
            raise broken_at("caps", rule="caps belong to maximum_gain / caps 仅用于 maximum_gain")
        member = "weights" if named else "caps"
        strange = sorted(getattr(self, member).keys() - self.named)
        if strange:
            raise broken_at(member, strange[0], rule="nothing is asked of it / 未被要求的指标")
        if self.weights and not any(self.weights.values()):
            raise broken_at("weights", rule="all weights are 0 / 权重全部为 0")
        if named and not any((*self.targets.values(), *self.target_shares.values())):
            member = "targets" if self.targets else "target_shares"
            raise broken_at(member, rule="all targets are 0 / 目标全部为 0")
        return self

    @property
    def named(self) -> tuple[str, ...]:
        """The features that count."""
        if self.kind == "maximum_gain":
            return tuple(self.weights) or ("priority",)
        return (*self.targets, *self.target_shares)

    def member_of(self, feature: str) -> str:
        """The member that names a feature that counts."""
        members = {"weights": self.weights, "targets": self.targets}
        return next((name for name, of in members.items() if feature in of), "target_shares")


class Fund(Inputs):
    """Money: a source of funds by its code, or an amount."""

    source: Code | None = Field(None, description="Code of a source of funds / 资金来源代码")
    name_zh: Name | None = Field(None, description="Chinese name / 中文名称")
    name_en: Name | None = Field(None, description="English name / 英文名称")
    amount: Money | None = Field(
        None, description="Yuan; default: what the source has left / 金额（元）"
    )
    measures: list[Code] | None = Field(
        None, max_length=200, description="Measures it is for; default any / 限定用途"
    )

    @model_validator(mode="after")
    def check_origin(self) -> "Fund":
        """A source has its own name and earmark; other money is told."""
        if self.source is None and (self.name_zh is None or self.amount is None):
            rule = "a fund without source needs name_zh and amount / 无来源的资金须有名称与金额"
            raise broken_at("name_zh" if self.name_zh is None else "amount", rule=rule)
        if self.source is not None and (self.measures is not None or self.name_zh is not None):
            rule = "a source brings its name and measures itself / 资金来源自带名称与限定用途"
            raise broken_at("name_zh" if self.measures is None else "measures", rule=rule)
        return self


class District(Inputs):
    """What holds for the sites of a district of the region."""

    region: Code = Field(description="Code of the district / 区县代码")
    budget: Money | None = Field(None, description="Yuan / 预算（元）")
    at_least: int = Field(0, ge=0, le=MOST_SITES, description="Fewest sites / 至少")
    at_most: int | None = Field(None, ge=0, le=MOST_SITES, description="Most sites / 至多")


class Phase(Inputs):
    """Years in which sites are carried out."""

    start_year: Year = Field(description="First year / 起始年")
    end_year: Year = Field(description="Last year / 终止年")
    budget: Money | None = Field(None, description="Yuan / 预算（元）")
    share: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="Part of the gains reached by the end of the plan / 期末实现比例"
    )

    @model_validator(mode="after")
    def check_order(self) -> "Phase":
        """A phase does not end before it begins."""
        if self.end_year < self.start_year:
            raise broken_at("end_year", rule="is before start_year / 终止年不得早于起始年")
        return self

    @property
    def name(self) -> str:
        """Its years."""
        return f"{self.start_year}–{self.end_year}"


class Exclusion(Inputs):
    """Land on which nothing is done."""

    lines: list[LineKind] = Field(
        default_factory=list, max_length=4, description="Kinds of control areas / 管控线类型"
    )
    share: Share = Field(
        0.0, description="Part of a site that may lie in them / 允许落入的面积比例"
    )


class SelectionParameters(Inputs):
    """Parameters of priority and selection."""

    units: Literal["fishnet", "polygons"] = Field(
        "fishnet", description="Units of the priority map / 优先级单元"
    )
    unit_regions: Literal["district", "street", "town", "basin", "bay", "island"] | None = Field(
        None, description="Level of the regions that are the units / 作为单元的区域级别"
    )
    unit_m: float = Field(500.0, ge=10, le=20_000, description="Fishnet unit, m / 格网单元")
    priority_weights: dict[task.Component, Weight] = Field(
        default_factory=dict, description="Weights of the components; default equal / 各组分权重"
    )
    edge_penalty: Penalty = Field(
        0.0,
        description="For each km of exposed edge, in the unit of the goal: yuan for minimum_set,"
        " else a part of all gain / 外露边界惩罚",
    )
    least_group_ha: float = Field(
        0.0,
        ge=0,
        le=1e7,
        description="Least area of chosen sites that lie together, ha; 0 for sites anywhere"
        " / 连片规模下限（公顷）",
    )
    group_reach_m: float = Field(
        0.0,
        ge=0,
        le=50_000,
        description="As near as this sites lie together, m; 0 for a shared border / 连片间距",
    )
    connection_reward: Penalty = Field(
        0.0, description="For a pair of sites that reach each other, in that unit / 连通奖励"
    )
    corridor_reward: Penalty = Field(
        0.0,
        description="For opening every barrier of the most important corridor, in that unit;"
        " others in proportion to dPC / 廊道贯通奖励",
    )
    d50_m: float = Field(
        2500.0, gt=0, le=1e6, description="Distance half of all cover, m / 扩散距离"
    )
    gap: float = Field(
        0.01, ge=0, le=1, description="By how much the plan may fall short / 最优间隙"
    )
    time_limit_s: float = Field(
        60.0, ge=1, le=600, description="Of each solution, s / 单次求解时限"
    )
    pareto_points: int = Field(
        0, ge=0, le=30, description="Budgets of the front, at least 2; 0 is none / 前沿点数"
    )
    alternatives: int = Field(
        0, ge=0, le=30, description="Plans to compare with, 0 is none / 备选方案数"
    )
    irreplaceability: bool = Field(
        False, description="Solve without each chosen site / 不可替代性分析"
    )

    @model_validator(mode="after")
    def check_units(self) -> "SelectionParameters":
        """Polygons are regions of a level; a front has two ends."""
        if (self.units == "polygons") != (self.unit_regions is not None):
            rule = (
                "goes with units `polygons`, and with no other / 须且仅须与 units=polygons 同时给出"
            )
            raise broken_at("unit_regions", rule=rule)
        if self.pareto_points == 1:
            raise broken_at("pareto_points", rule="a front has at least 2 points / 前沿至少 2 点")
        if self.priority_weights and not any(self.priority_weights.values()):
            raise broken_at("priority_weights", rule="all are 0 / 优先级权重全部为 0")
        return self


class SelectSitesInputs(PlaceInputs):
    """Inputs of a selection of sites."""

    datasets: dict[Literal["land_cover", "ratio"], Code] = Field(
        default_factory=dict,
        description="Land cover, and a comprehensive ratio; default: the newest / 数据集",
    )
    network: UUID | None = Field(
        None, description="Job whose network is taken; default: the newest published / 网络作业"
    )
    candidates: list[task.Candidates] = Field(
        ["barriers", "pinch_points"], max_length=5, description="Where sites come from / 候选来源"
    )
    sites: list[Site] = Field(
        default_factory=list, max_length=MOST_GIVEN, description="Sites besides / 给定地块"
    )
    cost_per_ha: dict[task.SiteKind, Money] = Field(
        default_factory=dict, description="Yuan per ha of sites of a kind / 单位面积投资（元/公顷）"
    )
    measures: dict[task.SiteKind, list[Code]] = Field(
        default_factory=dict, description="Measures for sites of a kind / 各类地块的措施"
    )
    goal: Goal = Field(default_factory=lambda: Goal.model_validate({}), description="Goal / 目标")
    budget: Money | None = Field(None, description="Yuan / 总预算（元）")
    funds: list[Fund] = Field(
        default_factory=list,
        max_length=50,
        description="Money that may be earmarked; where given it pays for all / 资金",
    )
    districts: list[District] = Field(
        default_factory=list, max_length=500, description="Rules by district / 分区规则"
    )
    phases: list[Phase] = Field(
        min_length=1, max_length=10, description="When sites are carried out / 分期"
    )
    locked_in: list[str] = Field(
        default_factory=list, max_length=MOST_SITES, description="Sites to take / 必选地块"
    )
    locked_out: list[str] = Field(
        default_factory=list, max_length=MOST_SITES, description="Sites to leave / 排除地块"
    )
    variants: list[Annotated[list[str], Field(min_length=2, max_length=50)]] = Field(
        default_factory=list, max_length=500, description="Sites that exclude each other / 互斥地块"
    )
    exclude: Exclusion = Field(
        default_factory=lambda: Exclusion.model_validate({}),
        description="Land on which nothing is done / 排除范围",
    )
    ranking: RankingInputs = Field(
        default_factory=lambda: RankingInputs.model_validate({}),
        description="Which land to give up last / 土地保留排序",
    )
    parameters: SelectionParameters = Field(
        default_factory=lambda: SelectionParameters.model_validate({}),
        description="Parameters / 参数",
    )
    publish: bool = Field(
        False,
        description="Publish the maps of priority and ranking; takes an approver"
        " / 发布优先级与排序图层（须审批者）",
    )
    draft_projects: bool = Field(
        False, description="Make a draft project of each chosen site / 为入选地块建立草案项目"
    )

    @model_validator(mode="after")
    def check_candidates(self) -> "SelectSitesInputs":
        """There is something to choose from, and its cost is known."""
        if not self.candidates and not self.sites:
            raise broken_at("candidates", rule="give candidates or sites / 须给出候选来源或地块")
        missing = sorted(kind for kind in self._costed() if kind not in self.cost_per_ha)
        if missing:
            raise broken_at(
                "cost_per_ha",
                rule=f"cost_per_ha of {', '.join(missing)} is needed"
                f" / 缺少 {'、'.join(missing)} 的单位面积投资",
            )
        return self

    @model_validator(mode="after")
    def check_money(self) -> "SelectSitesInputs":
        """A gain is for money; a front is one of gain."""
        phased = all(one.budget is not None for one in self.phases)
        if self.goal.kind != "minimum_set" and self.budget is None and not (self.funds or phased):
            raise broken_at(
                "budget",
                rule=f"{self.goal.kind} needs a budget or funds / {self.goal.kind} 须有预算或资金",
            )
        if self.goal.kind == "minimum_set" and self.parameters.pareto_points:
            raise broken_at(
                *("parameters", "pareto_points"),
                rule="pareto_points need a goal of gain, not minimum_set"
                " / 前沿须配合效益类目标，不能用于 minimum_set",
            )
        return self

    @model_validator(mode="after")
    def check_codes(self) -> "SelectSitesInputs":
        """No code twice, and no gain that nothing gives."""
        counted = Counter(one.code for one in self.sites)
        twice = sorted(code for code, times in counted.items() if times > 1)
        if twice:
            raise broken_at(
                "sites", rule=f"sites {', '.join(twice[:5])} are given twice / 地块代码重复"
            )
        known = {*task.FEATURES, *(name for one in self.sites for name in one.gains)}
        strange = sorted(set(self.goal.named) - known)
        if strange:
            raise broken_at(
                *("goal", self.goal.member_of(strange[0])),
                rule=f"no site gives {', '.join(strange)}; measured are {', '.join(task.FEATURES)}"
                " / 目标中有无来源的效益",
            )
        return self

    def _costed(self) -> Iterator[task.SiteKind]:
        """The kinds of sites that cost by area."""
        yield from (task.KINDS[one] for one in self.candidates if one != "projects")
        if any(one.cost is None for one in self.sites):
            yield "site"


PRIORITY_LAYER = "priority"
RANKING_LAYER = "ranking"

SELECT_SITES = ProcessContract(
    "select-sites",
    Label("修复选址", "Select restoration sites"),
    Label(
        "由夹点、障碍点、供给低于需求的程度与生态问题得到修复优先级图，并在预算、资金用途与管控线约束下"
        "选出修复地块，给出最优间隙、资金分配与成本—效益前沿；可对土地作保留排序，可为入选地块建立草案项目。",
        "Maps restoration priority from pinch points, barriers, supply below demand and problems,"
        " and chooses sites under a budget, earmarked funds and control lines, with gap, payments"
        " and the front of cost and gain; land can be ranked by what to give up last, and chosen"
        " sites can become draft projects.",
    ),
    SelectSitesInputs,
    (
        OutputSpec("layers", Label("图层", "Layers"), "application/json"),
        OutputSpec("statistics", Label("选址统计", "Statistics"), "application/json"),
        OutputSpec("table", Label("地块表", "Sites as a table"), "text/csv"),
        OutputSpec("sites", Label("地块", "Sites"), "application/geo+json"),
        OutputSpec("payments", Label("资金分配", "Payments"), "text/csv"),
        OutputSpec("pareto", Label("成本—效益前沿", "Front of cost and gain"), "text/csv"),
        OutputSpec("curves", Label("保留曲线", "Performance curves"), "text/csv"),
        OutputSpec("priority_table", Label("优先级表", "Priority as a table"), "text/csv"),
        OutputSpec("priority_units", Label("优先级单元", "Units"), "application/geo+json"),
        OutputSpec("map_zh", Label("选址图（中文）", "Map (Chinese)"), "image/png"),
        OutputSpec("map_en", Label("选址图（英文）", "Map (English)"), "image/png"),
        *REPORTS,
    ),
    keywords=("projects", "budget", "priority", "optimisation"),
    task=task.SelectSitesTask,
    publish_input="publish",
    acts_for_caller=lambda inputs: bool(inputs["draft_projects"]),
    runs_on_files=True,
    repeatable=True,
    stages={
        "ranking": Label("土地保留排序", "Ranking the land"),
        "gains": Label("计算地块效益", "Measuring what sites give"),
        "select": Label("优化选址", "Choosing sites"),
        "front": Label("计算成本—效益前沿", "Finding the front of cost and gain"),
        "alternatives": Label("比较备选方案", "Comparing other plans"),
    },
)
