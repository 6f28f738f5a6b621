"""The members of an ensemble of zonings: the same units, zoned by other choices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.grid import ClassArray, FloatArray, IntArray
from shanhai.science.matching import CAP_PROBABILITY, supply_demand_ratio
from shanhai.science.normalisation import limits_of, normalise
from shanhai.science.uncertainty.robustness import Factor
from shanhai.science.zoning.clustering import Algorithm, partition_by
from shanhai.science.zoning.contiguity import Contiguity
from shanhai.science.zoning.delineation import (
    NAMING_LAYERS,
    ClusteringSettings,
    Layout,
    UnitZoning,
    features_of,
    values_of,
)
from shanhai.science.zoning.features import Scaling
from shanhai.science.zoning.units import UnitTable
from shanhai.science.zoning.zone_names import HighLand

MEMBER_STARTS: Mapping[str, int] = {"kmeans": 20, "gmm": 1}
"""Starts within a member: the seeds are one of the choices."""

Scale = Literal["z_scores", "ranks"]
"""How features are normalised: winsorised and standardised, or by their ranks among the units."""


@dataclass(frozen=True, slots=True)
class ServiceSides:
    """Supply and demand of a service over the units.

    Attributes:
        supply: One value per unit.
        demand: One value per unit, in the unit of supply.
        is_physical: Whether they are measured in a unit; else their ranks are compared.
    """

    supply: FloatArray
    demand: FloatArray
    is_physical: bool

    def ratio(self) -> FloatArray:
        """The ratio of the means of the units, with maxima or ranks among the units."""
        if not self.is_physical:
            return _ranks(self.supply) - _ranks(self.demand)
        most = [float(np.quantile(one, CAP_PROBABILITY)) for one in (self.supply, self.demand)]
        return supply_demand_ratio(self.supply, self.demand, *most)

    def wrong(self, supply: FloatArray, demand: FloatArray) -> "ServiceSides":
        """The sides with relative errors."""
        return replace(self, supply=self.supply * (1 + supply), demand=self.demand * (1 + demand))


def _ranks(values: FloatArray) -> FloatArray:
    """Ranks among the units, 0–1; the middle for equal ones."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count - 1) / 2
    return np.asarray(middle[place] / len(values))


Errors = Mapping[str, tuple[FloatArray, FloatArray]]
"""By service the relative errors of its supply and demand, one per unit."""


@dataclass(frozen=True, slots=True)
class EnsembleUnits:
    """Units of one size with all that their zones rest on.

    Attributes:
        units: Their means in the order of `ClusteringSettings.layers`.
        sides: Supply and demand of each service.
        points: x and y of the units.
        contiguity: Which units touch.
        errors: What is wrong with the inputs, one entry per level of the factor but the first.
        onto: Position of each base unit's own unit in the raster of these units; None where these
            are the base units.
    """

    units: UnitTable
    sides: Mapping[str, ServiceSides]
    points: FloatArray
    contiguity: Contiguity
    errors: Sequence[Errors]
    onto: IntArray | None = None

    @property
    def layout(self) -> Layout:
        """How they lie, known already."""
        return Layout(lambda _units: self.contiguity, lambda _units: self.points)


@dataclass(frozen=True, slots=True)
class ZoneKinds:
    """What the zones of a map are: a cluster is of the kind whose centre is the nearest.

    So the ensemble tells whether land belongs together by other choices, and not which of two
    clusters of nearly equal ratio comes first in the order of names (`alike_zones` tells that).

    Attributes:
        features: Number of the columns of features.
        scaling: How they become z-scores.
        centres: Mean z-scores of each zone, one row each.
        zones: Zone code of each row.
        high_land: From where on supply and demand are high; None where the rule is off.
    """

    features: int
    scaling: Scaling
    centres: FloatArray
    zones: ClassArray
    high_land: HighLand | None

    @classmethod
    def of(cls, zoning: UnitZoning, units: UnitTable) -> "ZoneKinds":
        """The kinds of a zoning of units."""
        count = units.means.shape[1] - len(NAMING_LAYERS)
        scores = zoning.features.scaling.scores(units.means[:, :count])
        named = zoning.naming.zones
        codes = np.unique(named)
        own = [named == zone for zone in codes]
        centres = [np.average(scores[one], axis=0, weights=units.cells[one]) for one in own]
        return cls(count, zoning.features.scaling, np.stack(centres), codes, zoning.high_land)

    def zones_of(self, labels: IntArray | ClassArray, units: UnitTable) -> ClassArray:
        """Zone of every unit after the kind of its cluster.

        Args:
            labels: Cluster of every unit, from 0.
            units: Their means.
        """
        scores = self.scaling.scores(units.means[:, : self.features])
        weight = np.bincount(labels, weights=units.cells)
        sums = [np.bincount(labels, units.cells * column) for column in scores.T]
        centres = np.stack(sums, axis=1) / weight[:, np.newaxis]
        gaps = np.square(centres[:, np.newaxis] - self.centres).sum(axis=2)
        zones: ClassArray = self.zones[gaps.argmin(axis=1)][labels]
        if self.high_land is None:
            return zones
        values = values_of(units)
        return self.high_land.protected(zones, values.supply, values.demand)


@dataclass(frozen=True, slots=True)
class EnsembleChoices:
    """What the levels of the factors stand for.

    Attributes:
        settings: What the run chose.
        kinds: What its zones are.
        services: Services that are assessed.
        algorithms: Levels of `algorithm`, the run's own first.
        ks: Levels of `k`, rising, the run's own among them.
        seeds: Levels of `seed`, the run's own first.
        sizes: Levels of `unit_size`: units, and units of twice the side.
        scales: Levels of `normalisation`.
    """

    settings: ClusteringSettings
    kinds: ZoneKinds
    services: tuple[str, ...]
    algorithms: tuple[Algorithm, ...]
    ks: tuple[int, ...]
    seeds: tuple[int, ...]
    sizes: tuple[EnsembleUnits, ...]
    scales: tuple[Scale, ...] = ("z_scores", "ranks")

    @property
    def levels(self) -> dict[Factor, int]:
        """Number of levels of each factor."""
        return {
            "algorithm": len(self.algorithms),
            "k": len(self.ks),
            "seed": len(self.seeds),
            "unit_size": len(self.sizes),
            "normalisation": len(self.scales),
            "input_error": 1 + len(self.sizes[0].errors),
        }

    def units_of(self, size: int, error: int) -> UnitTable:
        """The units by the levels of `unit_size` and `input_error`."""
        own = self.sizes[size]
        return with_errors(own, self, own.errors[error - 1]) if error else own.units


def clusters_of_member(choices: EnsembleChoices, member: Mapping[Factor, int]) -> IntArray | None:
    """Cluster of every unit of a member, from 0; the kinds of the zones have no part in it.

    Args:
        choices: What the levels stand for.
        member: Level of every factor.

    Returns:
        None where these choices find no clusters, such as where nothing varies.
    """
    own = choices.sizes[member["unit_size"]]
    settings = replace(
        choices.settings,
        algorithm=choices.algorithms[member["algorithm"]],
        seed=choices.seeds[member["seed"]],
    )
    units = choices.units_of(member["unit_size"], member["input_error"])
    if choices.scales[member["normalisation"]] == "ranks":
        units = replace(units, means=_ranked(units.means))
    try:
        matrix = features_of(units, choices.services, own.layout, settings).matrix
        partition = partition_by(settings.algorithm, matrix, settings.seed, lambda: own.contiguity)
        found = partition(choices.ks[member["k"]], MEMBER_STARTS.get(settings.algorithm, 1))
    except InvalidInput:
        return None
    return found.labels


def zones_of_members(
    choices: EnsembleChoices, members: Iterable[tuple[Mapping[Factor, int], IntArray | ClassArray]]
) -> list[ClassArray]:
    """Zone of every base unit, 1–5, by the clusters of each member.

    Args:
        choices: What the levels stand for.
        members: Level of every factor, and what `clusters_of_member` found.
    """
    found, units_of = list[ClassArray](), cache(choices.units_of)
    for member, clusters in members:
        size, error = member["unit_size"], member["input_error"]
        zones = choices.kinds.zones_of(clusters, units_of(size, error))
        onto = choices.sizes[size].onto
        found.append(zones if onto is None else zones[onto])
    return found


def with_errors(own: EnsembleUnits, choices: EnsembleChoices, errors: Errors) -> UnitTable:
    """The units as they would be if supply and demand were wrong by some part, to first order.

    Ratios, normalised layers and their means move by what the errors do to the means of the units;
    limits, maxima and ranks are taken anew among the units.

    Args:
        own: The units.
        choices: Settings, services and weights.
        errors: By service the relative errors of supply and demand, above −1.
    """
    columns = choices.settings.layers(choices.services)
    weights = choices.settings.weights or dict.fromkeys(choices.services, 1.0)
    total = sum(weights[service] for service in choices.services)
    means = own.units.means.copy()
    ratio, supply_mean, demand_mean = (columns.index(name) for name in NAMING_LAYERS)
    for service in choices.services:
        right = own.sides[service]
        wrong = right.wrong(*errors[service])
        moved = {
            f"ratio.{service}": wrong.ratio() - right.ratio(),
            f"supply_n.{service}": _normal(wrong.supply) - _normal(right.supply),
            f"demand_n.{service}": _normal(wrong.demand) - _normal(right.demand),
        }
        for name, change in moved.items():
            if name in columns:
                means[:, columns.index(name)] += change
        means[:, ratio] += weights[service] / total * moved[f"ratio.{service}"]
        means[:, supply_mean] += moved[f"supply_n.{service}"] / len(choices.services)
        means[:, demand_mean] += moved[f"demand_n.{service}"] / len(choices.services)
    return replace(own.units, means=means)


def _normal(values: FloatArray) -> FloatArray:
    """Normalised between limits among the units: an error of all units alike changes nothing."""
    return normalise(values, limits_of(values))


def _ranked(means: FloatArray) -> FloatArray:
    """The features by their ranks among the units, 0–1; the columns of the names stay."""
    found, features = means.copy(), means.shape[1] - len(NAMING_LAYERS)
    for column in range(features):
        found[:, column] = _ranks(means[:, column])
    return found


def parents(index: IntArray, width: int, units: UnitTable) -> IntArray:
    """Number of the unit of twice the side that each square lies in, or else of the nearest.

    Args:
        index: Positions of the squares in their flattened raster.
        width: Columns of that raster.
        units: Units of twice the side that take part.
    """
    rows, columns = np.divmod(index, width)
    wide = units.shape[1]
    own = (rows // 2) * wide + columns // 2
    place = np.searchsorted(units.index, own)
    place = np.minimum(place, len(units.index) - 1)
    lacking = np.flatnonzero(units.index[place] != own)
    for one in lacking:
        gap = np.square(units.index // wide - own[one] // wide) + np.square(
            units.index % wide - own[one] % wide
        )
        place[one] = int(gap.argmin())
    return np.asarray(place, dtype=np.int64)
