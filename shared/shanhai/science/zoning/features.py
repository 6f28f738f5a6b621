"""From unit means to the feature matrix that is clustered."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import BoolArray, FloatArray
from shanhai.vocabulary import ECOSERVICES, Label

WINSOR_PROBABILITIES = (0.01, 0.99)
CORRELATION_WARNING = 0.9
COORDINATE_WEIGHT = 0.1
"""Weight of the place of a unit beside a feature of weight 1."""

LEAST_SPREAD = 0.01
"""Standard deviation of a winsorised feature (a ratio of −2…2, an index of 0–1) below which it
counts as constant: z-scores would stretch what is noise (status E)."""

PCA_SHARE = 0.9
"""Part of the variance that the kept principal components hold together."""

FeatureSet = Literal["esdr7", "sd14", "esdr7+coords"]
"""Ratios of the services; their normalised supply and demand; ratios and place."""

_TITLES = {term.code: term.label for term in ECOSERVICES}
_KINDS = {
    "ratio": Label("供需比", "ratio"),
    "supply_n": Label("供给", "supply"),
    "demand_n": Label("需求", "demand"),
}


class NothingVaries(InvalidInput):
    """No feature tells any two units apart."""


def feature_layers(chosen: FeatureSet, services: Sequence[str]) -> tuple[str, ...]:
    """Layers whose unit means are the features, in order; coordinates come beside them."""
    kinds = ("supply_n", "demand_n") if chosen == "sd14" else ("ratio",)
    return tuple(f"{kind}.{service}" for kind in kinds for service in services)


@dataclass(frozen=True, slots=True)
class Components:
    """Principal components in place of the standardised features.

    Attributes:
        names: Features they are made of.
        loadings: One row per kept component; the largest weight of each is positive.
        explained: Part of the variance each holds, falling.
    """

    names: tuple[str, ...]
    loadings: FloatArray
    explained: FloatArray


@dataclass(frozen=True, slots=True)
class Scaling:
    """How values become z-scores.

    Attributes:
        low, high: Limits each column is winsorised at.
        mean, spread: Of the winsorised columns.
        varies: Columns that are kept: those of a spread of `LEAST_SPREAD` at least, and a weight.
        factors: Root of each column's weight against the mean weight.
    """

    low: FloatArray
    high: FloatArray
    mean: FloatArray
    spread: FloatArray
    varies: BoolArray
    factors: FloatArray

    def scores(self, values: FloatArray) -> FloatArray:
        """z-scores of the columns that are kept, times their factors."""
        centred = np.clip(values, self.low, self.high) - self.mean
        scores = centred[:, self.varies] / self.spread[self.varies]
        return np.ascontiguousarray(scores * self.factors[self.varies])


@dataclass(frozen=True, slots=True)
class Features:
    """Standardised columns of the units.

    Attributes:
        matrix: One row per unit, one column per name: z-scores of winsorised values times the roots
            of their weights, or their principal components, and then the weighted coordinates.
        names: Names of the columns.
        dropped: Names of the features that vary too little.
        correlation: Correlation of the features that vary, before components and coordinates.
        flags: Dropped and strongly correlated features.
        scaling: How the z-scores were made.
        components: What the principal components are made of, when they were asked for.
    """

    matrix: FloatArray
    names: tuple[str, ...]
    dropped: tuple[str, ...]
    correlation: FloatArray
    flags: tuple[ResultFlag, ...]
    scaling: Scaling
    components: Components | None = None

    def placed(self, values: FloatArray, rows: FloatArray) -> FloatArray:
        """Other values of some units among these features, by the limits and means of these.

        Args:
            values: One row per unit, one column per feature as it was given, without NaN.
            rows: The units' rows of `matrix`; their weighted coordinates, if any, are taken over.
        """
        scores = self.scaling.scores(values)
        if self.components is not None:
            scores = scores @ self.components.loadings.T
        return np.hstack([scores, rows[:, scores.shape[1] :]])


def prepare_features(
    values: FloatArray,
    names: Sequence[str],
    *,
    weights: Sequence[float] | None = None,
    coordinates: FloatArray | None = None,
    pca: bool = False,
) -> Features:
    """Winsorise every column at its 1st and 99th percentile and turn it into z-scores.

    A column counts by its weight: squared distances are sums of squares, so that its z-scores are
    multiplied by √(n·w), w being its part of the weights of all n columns.

    Args:
        values: One row per unit, one column per feature, without NaN.
        names: Names of the columns: layers, or services whose ratio is meant.
        weights: Weight of each column, ≥ 0 and not all 0; equal unless given.
        coordinates: x and y of every unit, in one unit of length, to be weighed in.
        pca: Replace the features by the principal components that hold 90 % of their variance.

    Raises:
        NothingVaries: no feature varies between the units, so nothing can be told apart.
        InvalidInput: there is a single unit.
    """
    scaling = _scaling_of(values, np.ones(len(names)) if weights is None else np.array(weights))
    varies = scaling.varies
    kept = tuple(name for name, keep in zip(names, varies, strict=True) if keep)
    dropped = tuple(name for name, keep in zip(names, varies, strict=True) if not keep)
    if not kept:
        # One unit differs from nothing, whatever the inputs hold.
        refusal = NothingVaries if len(values) > 1 else InvalidInput
        raise refusal(
            f"nothing varies: none of the features {', '.join(names)} differs between the "
            f"{len(values)} zoning units by a standard deviation of {LEAST_SPREAD:g}, so that "
            "there is nothing to cluster; use smaller units, a larger area or other inputs",
            message_zh=f"处处无变化：所有聚类特征在 {len(values)} 个分区单元之间的标准差均小于 "
            f"{LEAST_SPREAD:g}，无法聚类；请减小单元、扩大区域或更换输入",
            pointer="/unit_m",
        )
    matrix = scaling.scores(values)
    covariance = matrix.T @ matrix / len(matrix)
    factors = scaling.factors[varies]
    correlation = covariance / np.outer(factors, factors)
    flags = (*_dropped_flags(dropped, scaling), *_correlation_flags(kept, correlation))
    components = _principal_components(kept, covariance) if pca else None
    if components is not None:
        matrix = matrix @ components.loadings.T
        kept = tuple(f"pc{number}" for number in range(1, len(components.loadings) + 1))
    if coordinates is not None:
        matrix = np.hstack([matrix, _weighed(coordinates)])
        kept = (*kept, "x", "y")
    return Features(
        np.ascontiguousarray(matrix), kept, dropped, correlation, flags, scaling, components
    )


def _scaling_of(values: FloatArray, weights: FloatArray) -> Scaling:
    low, high = np.quantile(values, WINSOR_PROBABILITIES, axis=0)
    capped = np.clip(values, low, high)
    mean = capped.mean(axis=0)
    spread = capped.std(axis=0)
    varies: BoolArray = (spread >= LEAST_SPREAD) & (weights > 0)
    # The mean of equal numbers need not be that number, but that of ones is 1.
    parts = weights / weights.max()
    return Scaling(low, high, mean, spread, varies, np.sqrt(parts / parts.mean()))


def _principal_components(names: tuple[str, ...], covariance: FloatArray) -> Components:
    """The fewest components that hold `PCA_SHARE` of the variance of the columns."""
    variances, vectors = np.linalg.eigh(covariance)
    explained = np.clip(variances[::-1], 0.0, None) / np.trace(covariance)
    count = int(np.searchsorted(np.cumsum(explained), PCA_SHARE - 1e-12)) + 1
    loadings = vectors[:, ::-1].T[:count]
    largest = loadings[np.arange(count), np.abs(loadings).argmax(axis=1)]
    return Components(names, loadings * np.sign(largest)[:, np.newaxis], explained[:count])


def _weighed(coordinates: FloatArray) -> FloatArray:
    """Coordinates about their middle, of mean variance 1 and not stretched, times the weight."""
    centred = coordinates - coordinates.mean(axis=0)
    spread = float(np.sqrt(np.square(centred).mean()))
    return np.asarray(COORDINATE_WEIGHT * (centred / spread if spread > 0 else centred))


def _dropped_flags(names: Sequence[str], scaling: Scaling) -> Iterator[ResultFlag]:
    """Columns that hardly vary; those the run gave no weight it knows of."""
    gone = ~scaling.varies
    for name, spread, factor in zip(
        names, scaling.spread[gone].tolist(), scaling.factors[gone].tolist(), strict=True
    ):
        if factor > 0:
            yield _constant_flag(name, spread)


def _constant_flag(name: str, spread: float) -> ResultFlag:
    of, kind = _title(name), _kind(name)
    text = Label(
        f"“{of.zh}”的{kind.zh}在区域内处处相同或几乎相同（标准差 {spread:.2g}，"
        f"小于 {LEAST_SPREAD:g}），未参与聚类。",
        f"The {kind.en} of “{of.en}” is the same everywhere, or nearly so (standard deviation "
        f"{spread:.2g}, less than {LEAST_SPREAD:g}), and took no part in the clustering.",
    )
    return ResultFlag("constant_feature", text)


def _correlation_flags(names: tuple[str, ...], correlation: FloatArray) -> tuple[ResultFlag, ...]:
    """One flag that lists all strongly correlated pairs, strongest first."""
    rows, columns = np.triu_indices(len(names), k=1)
    strength = np.abs(correlation[rows, columns])
    order = [i for i in np.argsort(-strength, kind="stable") if strength[i] > CORRELATION_WARNING]
    if not order:
        return ()
    pairs = [
        (_of_kind(names[rows[i]]), _of_kind(names[columns[i]]), correlation[rows[i], columns[i]])
        for i in order
    ]
    listed_zh = "；".join(f"{one.zh}与{other.zh}（r = {r:.2f}）" for one, other, r in pairs)
    listed_en = "; ".join(f"{one.en} / {other.en} (r = {r:.2f})" for one, other, r in pairs)
    text = Label(
        f"下列聚类特征高度相关，近于同一因素重复计权：{listed_zh}。",
        "These features are strongly correlated and weigh in the clustering almost like one taken "
        f"twice: {listed_en}.",
    )
    return (ResultFlag("correlated_features", text),)


def _title(name: str) -> Label:
    """A service's name; a feature that is no service keeps its code."""
    return _TITLES.get(name.partition(".")[2] or name, Label(name, name))


def _kind(name: str) -> Label:
    """What of the service it is; a bare service means its ratio."""
    return _KINDS.get(name.partition(".")[0], _KINDS["ratio"])


def _of_kind(name: str) -> Label:
    """A service's name, with what of it where that is not the ratio."""
    title, kind = _title(name), _kind(name)
    if kind is _KINDS["ratio"]:
        return title
    return Label(f"{title.zh}{kind.zh}", f"{title.en}, {kind.en}")
