"""Whether other sensible choices would give other zones: an ensemble of zonings, and its verdict.

Each member differs from the run in several choices at once. Its zones are compared with those of
the run by name, unit by unit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np

from shanhai.science.flags import ResultFlag
from shanhai.science.grid import BoolArray, ClassArray, FloatArray, IntArray
from shanhai.science.uncertainty.resampling import ConfidenceInterval
from shanhai.vocabulary import ZONE_CLASSES, Label

Factor = Literal["algorithm", "k", "seed", "unit_size", "normalisation", "input_error"]
FACTORS: tuple[Factor, ...] = get_args(Factor)
"""Choices in which the members differ."""

FACTOR_TITLES: Mapping[str, Label] = {
    "algorithm": Label("聚类算法", "clustering algorithm"),
    "k": Label("聚类数", "number of clusters"),
    "seed": Label("随机种子", "random seed"),
    "unit_size": Label("分区单元大小", "size of the zoning units"),
    "normalisation": Label("特征归一化方式", "normalisation of the features"),
    "input_error": Label("输入数据误差", "error of the inputs"),
}

HOLDING_SHARE = 0.8
"""Part of the members in which a cell must have its zone for the zone to hold there."""

GOOD_SHARE, FAIR_SHARE = 0.8, 0.6
"""Part of the worst zone that must hold for the grade (status E)."""

Grade = Literal["good", "fair", "weak"]

GRADES: Mapping[str, Label] = {
    "good": Label("稳健", "robust"),
    "fair": Label("基本稳健", "fairly robust"),
    "weak": Label("不够稳健", "weak"),
}

_ZONES = len(ZONE_CLASSES)
_NAMES = {zone.value: zone.label for zone in ZONE_CLASSES}

Design = tuple[Mapping[Factor, int], ...]
"""Of each member the level of every factor, from 0."""


def design_members(levels: Mapping[Factor, int], count: int, seed: int) -> Design:
    """Members that cross all factors, each level of a factor as often as the others.

    Args:
        levels: Number of levels of each factor, at least 1.
        count: Number of members.
        seed: Seed of the order in which levels meet.

    Source: randomised balanced design (Satterthwaite 1959).
    """
    random = np.random.default_rng(seed)
    columns = {
        name: random.permutation(np.resize(np.arange(number), count)).tolist()
        for name, number in levels.items()
    }
    return tuple({name: column[one] for name, column in columns.items()} for one in range(count))


def smooth_field(points: FloatArray, length: float, random: np.random.Generator) -> FloatArray:
    """A random field of mean 0 and variance 1 that is smooth over a distance.

    Independent normal values on a square lattice, bilinear between its knots and scaled to the same
    variance everywhere.

    Args:
        points: x and y of the units, in any one unit of length.
        length: Distance of the knots, > 0: beyond twice of it values are independent.
        random: Where the values come from.

    Returns:
        One value per point.
    """
    places = (points - points.min(axis=0)) / length
    knots = np.floor(places).astype(np.int64)
    shift = places - knots
    lattice = random.standard_normal((int(knots[:, 1].max()) + 2, int(knots[:, 0].max()) + 2))
    total, squares = np.zeros(len(points)), np.zeros(len(points))
    for right in (0, 1):
        for down in (0, 1):
            weight = np.abs(1 - right - shift[:, 0]) * np.abs(1 - down - shift[:, 1])
            total += weight * lattice[knots[:, 1] + down, knots[:, 0] + right]
            squares += weight**2
    return np.asarray(total / np.sqrt(squares))


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Zones of the units by every member.

    Attributes:
        design: Level of every factor, by member.
        zones: Zone code 1–5 by member (row) and unit (column).
        cells: Valid cells of each unit, its weight.
    """

    design: Design
    zones: ClassArray
    cells: IntArray

    @property
    def votes(self) -> IntArray:
        """Members by unit (row) and zone (column, zone 1 first)."""
        return np.stack(
            [np.count_nonzero(self.zones == zone + 1, axis=0) for zone in range(_ZONES)], axis=1
        ).astype(np.int64)

    @property
    def consensus(self) -> ClassArray:
        """Zone of most members; of several the one of the lowest code, the stricter protection."""
        return np.asarray(self.votes.argmax(axis=1) + 1, dtype=np.uint8)

    def variance_shares(self) -> dict[Factor, float]:
        """Part of the variance of the zones that each choice explains by itself, 0–1.

        Zones are five variables of 0 and 1 per unit, weighted by area. The sum of squares between
        the levels of a factor is freed of what the variance within its levels gives it by chance
        (ω² of one factor), and not below 0; what is left of 1 comes of choices acting together.
        Levels meet at random, so that shares may sum up to a little more than 1. All 0 where no
        member differs.

        Source: Hays 1963 (ω²); variance-based sensitivity, Saltelli et al. 2008.
        """
        marks = [(self.zones == zone + 1).astype(np.float64) for zone in range(_ZONES)]
        total = sum(self._squares(mark - mark.mean(axis=0)) for mark in marks)
        if total <= 0:
            return dict.fromkeys(self._varied, 0.0)
        return {name: self._share(marks, name, total) for name in self._varied}

    def _share(self, marks: list[FloatArray], name: Factor, total: float) -> float:
        between = sum(self._between(mark, name) for mark in marks)
        freedom = len(self._levels(name)) - 1
        within = max(total - between, 0.0) / max(len(self.design) - 1 - freedom, 1)
        return max(between - freedom * within, 0.0) / (total + within)

    @property
    def _varied(self) -> list[Factor]:
        return [name for name in FACTORS if len(self._levels(name)) > 1]

    def _levels(self, name: Factor) -> list[int]:
        return sorted({one[name] for one in self.design if name in one})

    def _between(self, mark: FloatArray, name: Factor) -> float:
        """Sum of squares between the levels of a factor."""
        whole, found = mark.mean(axis=0), 0.0
        for level in self._levels(name):
            own: BoolArray = np.array([one[name] == level for one in self.design])
            found += int(own.sum()) * self._squares((mark[own].mean(axis=0) - whole)[np.newaxis])
        return found

    def _squares(self, deviations: FloatArray) -> float:
        return float((np.square(deviations) * self.cells).sum())


@dataclass(frozen=True, slots=True)
class Robustness:
    """What the ensemble says of the zones.

    Attributes:
        members: Number of members.
        held: Part of the land whose zone holds in `HOLDING_SHARE` of the members, 0–1.
        held_by_zone: The same of each zone of the map.
        consensus_share: Part of the land whose zone is that of most members, 0–1.
        shares: Part of the variance that each choice explains.
        alike: Pairs of zones whose mean ratios cannot be told apart.
    """

    members: int
    held: float
    held_by_zone: Mapping[int, float]
    consensus_share: float
    shares: Mapping[Factor, float]
    alike: Sequence[tuple[int, int]]

    @property
    def worst(self) -> int:
        """Zone of which the least part holds; of several the one of the lowest code."""
        return min(self.held_by_zone, key=lambda zone: (self.held_by_zone[zone], zone))

    @property
    def grade(self) -> Grade:
        """By the worst zone; not above `fair` where zones cannot be told apart."""
        least = self.held_by_zone[self.worst]
        if least >= GOOD_SHARE and not self.alike:
            return "good"
        return "fair" if least >= FAIR_SHARE else "weak"

    @property
    def headline(self) -> Label:
        """The verdict in one or two sentences."""
        grade, worst = GRADES[self.grade], _NAMES[self.worst]
        least = 100 * self.held_by_zone[self.worst]
        most = max(self.shares, key=lambda name: self.shares[name], default=None)
        told_zh = told_en = ""
        if most is not None and self.shares[most] > 0:
            title, share = FACTOR_TITLES[most], f"{100 * self.shares[most]:.0f}"
            told_zh = f"影响最大的是{title.zh}（占变差的 {share}%）。"
            told_en = f" What counts most is the {title.en} ({share} % of the variance)."
        held = f"{100 * self.held:.0f}"
        return Label(
            f"分区{grade.zh}：以 {self.members} 种同样合理的做法重新分区，{held}% 的陆地在其中"
            f"至少八成里仍属本图所示分区；{worst.zh}最不确定，仅 {least:.0f}%。{told_zh}",
            f"The zones are {grade.en}: {held} % of the land keeps its zone in at least four fifths"
            f" of {self.members} equally sensible ways of zoning. The {worst.en.lower()} is least"
            f" certain: {least:.0f} % of it does.{told_en}",
        )

    @property
    def flags(self) -> tuple[ResultFlag, ...]:
        """`robustness`, the verdict; `alike_zones` where zones cannot be told apart."""
        verdict = ResultFlag("robustness", self.headline)
        if not self.alike:
            return (verdict,)
        pairs = [(_NAMES[one], _NAMES[other]) for one, other in self.alike]
        text = Label(
            f"综合供需比均值的区间重叠、无法区分："
            f"{'；'.join(f'{one.zh}与{other.zh}' for one, other in pairs)}。",
            "Zones whose mean ratios cannot be told apart, since their intervals overlap: "
            + "; ".join(f"{one.en} and {other.en.lower()}" for one, other in pairs)
            + ".",
        )
        return (verdict, ResultFlag("alike_zones", text))


def alike_zones(intervals: Mapping[int, ConfidenceInterval]) -> list[tuple[int, int]]:
    """Neighbours by mean whose intervals overlap; a zone without interval is not judged.

    Args:
        intervals: Mean comprehensive ratio of each zone and its interval (`zone_intervals`).
    """
    known = {zone: one for zone, one in intervals.items() if not np.isnan(one.low)}
    ranked = sorted(known, key=lambda zone: -known[zone].mean)
    return [
        (upper, lower) for upper, lower in pairwise(ranked) if known[upper].low <= known[lower].high
    ]
