"""The rules a choice of sites may be bound by, and refusals that name field, value and rule."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.grid import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class DistrictRule:
    """Sites of one administrative district, or of any other group with rules of its own.

    Attributes:
        name: Told when its rules cannot be kept.
        sites: Which, from 0.
        budget: Most they may cost together; None for no limit.
        at_least: Fewest of them to choose.
        at_most: Most of them to choose; None for no limit.
    """

    name: str
    sites: tuple[int, ...]
    budget: float | None = None
    at_least: int = 0
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class PhaseRule:
    """A year or a period in which sites are carried out.

    Attributes:
        name: Told when its budget cannot be kept.
        budget: Most that the sites of the phase may cost together; None for no limit.
        share: Part of a site's amounts that is reached by the end of the plan when it is carried
            out in this phase, above 0, at most 1.
    """

    name: str
    budget: float | None = None
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class FundRule:
    """Money that may be earmarked; where there are funds, they pay for every chosen site.

    Attributes:
        name: Of the fund.
        amount: What it holds, in the unit of the costs.
        sites: On which it may be spent, from 0; None for all.
        phase: In which phase alone, from 0; None for all.
    """

    name: str
    amount: float
    sites: tuple[int, ...] | None = None
    phase: int | None = None


@dataclass(frozen=True, slots=True)
class Edges:
    """Outlines of the sites, so that compact choices cost less.

    Attributes:
        perimeters: eᵢ of each site, m.
        pairs: Two columns, sites that share a border, each pair once.
        lengths: eᵢⱼ, length of the border they share, m; no longer than either perimeter.
        penalty: λ ≥ 0, in the unit of the goal for each metre of exposed edge.
    """

    perimeters: FloatArray
    pairs: IntArray
    lengths: FloatArray
    penalty: float = 0.0


@dataclass(frozen=True, slots=True)
class SiteConnections:
    """Pairs of sites that are worth more together.

    Attributes:
        pairs: Two columns, each pair once.
        strengths: qᵢⱼ ≥ 0, such as the dispersal probability or the current between them.
        reward: κ ≥ 0, in the unit of the goal for each unit of strength.
    """

    pairs: IntArray
    strengths: FloatArray
    reward: float = 0.0


@dataclass(frozen=True, slots=True)
class CorridorSteps:
    """A corridor that opens when something is done at every step of it.

    Attributes:
        name: Of the corridor.
        steps: For each place on its way the sites (or variants of one) of which one must be chosen.
        value: vₖ ≥ 0, in the unit of the goal, such as the gain in equivalent connected area.
    """

    name: str
    steps: tuple[tuple[int, ...], ...]
    value: float


_ROUNDING = 1e-9
"""Share by which a shared border may seem longer than an outline it is part of."""


def require_amounts(costs: FloatArray, amounts: FloatArray, features: Sequence[str]) -> None:
    """Refuse arrays that do not fit each other or hold what is no amount."""
    if costs.ndim != 1 or not costs.size or amounts.shape != (len(features), costs.size):
        raise InvalidInput(
            f"costs have the shape {costs.shape} and amounts {amounts.shape}; there must be a cost "
            f"for each of at least one site and amounts of {len(features)} features by sites",
            message_zh=f"costs 形状为 {costs.shape}、amounts 形状为 {amounts.shape}；"
            f"每个地块须有成本，amounts 须为 {len(features)} 项指标 × 地块数",
            pointer="/amounts",
        )
    if len(set(features)) < len(features):
        twice = [name for name, times in Counter(features).items() if times > 1]
        raise InvalidInput(
            f"features name {twice} more than once",
            message_zh=f"features 中 {twice} 重复",
            pointer="/features",
        )
    require_quantities(costs, "/costs")
    require_quantities(amounts, "/amounts")


def require_quantities(values: FloatArray, pointer: str) -> None:
    """Refuse what is NaN, infinite or negative, with the count."""
    wrong = int(np.count_nonzero(~(np.isfinite(values) & (values >= 0))))
    if wrong:
        name = pointer.removeprefix("/")
        raise InvalidInput(
            f"{wrong} of {values.size} values of {name} are NaN, infinite or negative",
            message_zh=f"{name} 的 {values.size} 个值中有 {wrong} 个为 NaN、无穷或负值",
            pointer=pointer,
        )


def require_limit(value: float | None, pointer: str) -> None:
    """Refuse a limit that is no finite amount; None is no limit."""
    if value is not None and not 0 <= value < math.inf:
        raise InvalidInput(
            f"{pointer} is {value}; it must be a finite amount, at least 0",
            message_zh=f"{pointer} 为 {value}，须为不小于 0 的有限数",
            pointer=pointer,
        )


def require_sites(sites: Iterable[int], count: int, pointer: str) -> None:
    """Refuse sites that do not exist or are named twice."""
    named = list(sites)
    wrong = sorted({site for site in named if not 0 <= site < count})
    twice = sorted(site for site, times in Counter(named).items() if times > 1)
    if wrong or twice:
        raise InvalidInput(
            f"{pointer} must name some of the {count} sites, from 0, each once; "
            f"there is no {wrong[:5]}, named twice are {twice[:5]}",
            message_zh=f"{pointer} 须为 {count} 个地块中的编号（自 0 起）且不重复；"
            f"不存在：{wrong[:5]}，重复：{twice[:5]}",
            pointer=pointer,
        )


def require_variants(variants: Sequence[Sequence[int]], count: int) -> None:
    """Refuse variants of more than one place."""
    require_sites((site for group in variants for site in group), count, "/variants")
    for number, group in enumerate(variants):
        if not group:
            raise InvalidInput(
                f"variants {number} names no site",
                message_zh=f"第 {number} 组备选方案没有地块",
                pointer=f"/variants/{number}",
            )


def require_locks(
    locked_in: Sequence[int],
    locked_out: Sequence[int],
    variants: Sequence[Sequence[int]],
    count: int,
) -> None:
    """Refuse sites that are locked both ways, and variants locked in together."""
    require_sites(locked_in, count, "/locked_in")
    require_sites(locked_out, count, "/locked_out")
    both = sorted(set(locked_in) & set(locked_out))
    if both:
        raise InvalidInput(
            f"sites {both[:5]} are locked in and locked out",
            message_zh=f"地块 {both[:5]} 同时被锁定选入与排除",
            pointer="/locked_out",
        )
    for number, group in enumerate(variants):
        together = sorted(set(group) & set(locked_in))
        if len(together) > 1:
            raise InvalidInput(
                f"sites {together[:5]} exclude one another and are all locked in",
                message_zh=f"地块 {together[:5]} 互斥却均被锁定选入",
                pointer=f"/variants/{number}",
            )


def require_districts(districts: Sequence[DistrictRule], count: int) -> None:
    """Refuse districts whose counts or budget are none."""
    for number, district in enumerate(districts):
        pointer = f"/districts/{number}"
        require_sites(district.sites, count, f"{pointer}/sites")
        require_limit(district.budget, f"{pointer}/budget")
        most = math.inf if district.at_most is None else district.at_most
        if not 0 <= district.at_least <= most:
            raise InvalidInput(
                f"district {district.name} asks for at least {district.at_least} and at most "
                f"{district.at_most} sites; the first must be at least 0 and not above the second",
                message_zh=f"分区 {district.name} 至少 {district.at_least} 个、"
                f"至多 {district.at_most} 个地块；下限须不小于 0 且不大于上限",
                pointer=f"{pointer}/at_least",
            )


def require_phases(phases: Sequence[PhaseRule]) -> None:
    """Refuse phases whose budget or share is none."""
    for number, phase in enumerate(phases):
        require_limit(phase.budget, f"/phases/{number}/budget")
        if not 0 < phase.share <= 1:
            raise InvalidInput(
                f"the share of phase {phase.name} is {phase.share}; "
                "it must be above 0 and at most 1",
                message_zh=f"阶段 {phase.name} 的 share 为 {phase.share}，须大于 0 且不大于 1",
                pointer=f"/phases/{number}/share",
            )


def require_funds(funds: Sequence[FundRule], count: int, phases: int) -> None:
    """Refuse funds for phases or sites that do not exist."""
    for number, fund in enumerate(funds):
        pointer = f"/funds/{number}"
        require_limit(fund.amount, f"{pointer}/amount")
        if fund.sites is not None:
            require_sites(fund.sites, count, f"{pointer}/sites")
        if fund.phase is not None and not 0 <= fund.phase < phases:
            raise InvalidInput(
                f"fund {fund.name} is for phase {fund.phase}; there are {phases}, from 0",
                message_zh=f"资金 {fund.name} 指定阶段 {fund.phase}，"
                f"而阶段共 {phases} 个（自 0 起）",
                pointer=f"{pointer}/phase",
            )


def require_edges(edges: Edges, count: int) -> None:
    """Refuse borders that are longer than the outline they are part of."""
    require_pairs(edges.pairs, edges.lengths, edges.penalty, count, "/edges")
    require_quantities(edges.perimeters, "/edges/perimeters")
    if edges.perimeters.shape != (count,):
        raise InvalidInput(
            f"perimeters have the shape {edges.perimeters.shape}; {count} sites need one each",
            message_zh=f"perimeters 形状为 {edges.perimeters.shape}，{count} 个地块各需一个",
            pointer="/edges/perimeters",
        )
    around = edges.perimeters[edges.pairs].min(axis=1, initial=np.inf)
    long = int(np.count_nonzero(edges.lengths > around * (1 + _ROUNDING)))
    if long:
        raise InvalidInput(
            f"{long} shared borders are longer than the perimeter of one of their two sites",
            message_zh=f"有 {long} 条公共边界长于其中一个地块的周长",
            pointer="/edges/lengths",
        )


def require_pairs(
    pairs: IntArray, values: FloatArray, weight: float, count: int, pointer: str
) -> None:
    """Refuse pairs that are not of two sites, are named twice or carry no amount."""
    if pairs.shape != (values.size, 2) or values.ndim != 1:
        raise InvalidInput(
            f"{pointer}/pairs have the shape {pairs.shape}; {values.size} values need two columns",
            message_zh=f"{pointer}/pairs 形状为 {pairs.shape}，{values.size} 个值需要两列",
            pointer=f"{pointer}/pairs",
        )
    require_quantities(values, pointer)
    require_limit(weight, pointer)
    ordered = np.sort(pairs, axis=1)
    outside = (ordered[:, 0] < 0) | (ordered[:, 1] >= count) | (ordered[:, 0] == ordered[:, 1])
    twice = len(ordered) - len(np.unique(ordered, axis=0))
    if outside.any() or twice:
        raise InvalidInput(
            f"{pointer}/pairs must join two different of the {count} sites, each pair once; "
            f"{int(outside.sum())} do not, {twice} come again",
            message_zh=f"{pointer}/pairs 须为 {count} 个地块中不同的两个且不重复；"
            f"无效 {int(outside.sum())} 对，重复 {twice} 对",
            pointer=f"{pointer}/pairs",
        )


def require_corridors(corridors: Sequence[CorridorSteps], count: int) -> None:
    """Refuse corridors without steps, or with a step that nothing opens."""
    for number, corridor in enumerate(corridors):
        pointer = f"/corridors/{number}"
        require_limit(corridor.value, f"{pointer}/value")
        if not corridor.steps or not all(corridor.steps):
            raise InvalidInput(
                f"corridor {corridor.name} has {len(corridor.steps)} steps; "
                "it needs at least one, and a site at each",
                message_zh=f"廊道 {corridor.name} 有 {len(corridor.steps)} 个节点；"
                "至少须有一个，且每个节点均须有地块",
                pointer=f"{pointer}/steps",
            )
        for step in corridor.steps:
            require_sites(step, count, f"{pointer}/steps")
