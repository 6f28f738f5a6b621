"""From unit means to the feature matrix that is clustered."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import BoolArray, FloatArray
from shanhai.science.zoning.flag import Flag
from shanhai.vocabulary import ECOSERVICES, Label

WINSOR_PROBABILITIES = (0.01, 0.99)
CORRELATION_WARNING = 0.9

_TITLES = {term.code: term.label for term in ECOSERVICES}


@dataclass(frozen=True, slots=True)
class Features:
    """Standardised columns of the units.

    Attributes:
        matrix: One row per unit, one column per kept feature: z-scores of winsorised values.
        names: Names of the kept features.
        dropped: Names of the features without variance.
        correlation: Correlation of the kept features.
        flags: Dropped and strongly correlated features.
    """

    matrix: FloatArray
    names: tuple[str, ...]
    dropped: tuple[str, ...]
    correlation: FloatArray
    flags: tuple[Flag, ...]


def prepare_features(values: FloatArray, names: Sequence[str]) -> Features:
    """Winsorise every column at its 1st and 99th percentile and turn it into z-scores.

    Args:
        values: One row per unit, one column per feature, without NaN.
        names: Names of the columns.

    Raises:
        InvalidInput: no feature varies, so nothing can be told apart.
    """
    low, high = np.quantile(values, WINSOR_PROBABILITIES, axis=0)
    capped = np.clip(values, low, high)
    centred = capped - capped.mean(axis=0)
    spread = capped.std(axis=0)
    # Rounding leaves a constant column a spread of a few ulps of its values.
    varies: BoolArray = spread > 1e-12 * np.maximum(1.0, np.abs(capped).max(axis=0))
    kept = tuple(name for name, keep in zip(names, varies, strict=True) if keep)
    dropped = tuple(name for name, keep in zip(names, varies, strict=True) if not keep)
    if not kept:
        raise InvalidInput(
            f"none of the features {', '.join(names)} varies between the zoning units; "
            "there is nothing to cluster: use smaller units, a larger area or other inputs",
            message_zh="所有聚类特征在各分区单元之间均无变化，无法聚类；请减小单元、扩大区域或更换输入",
            pointer="/unit_m",
        )
    matrix = np.ascontiguousarray(centred[:, varies] / spread[varies])
    correlation = matrix.T @ matrix / len(matrix)
    flags = (*map(_constant_flag, dropped), *_correlation_flags(kept, correlation))
    return Features(matrix, kept, dropped, correlation, flags)


def _constant_flag(name: str) -> Flag:
    of = _title(name)
    text = Label(
        f"“{of.zh}”的供需比在区域内处处相同，未参与聚类。",
        f"The ratio of “{of.en}” is the same everywhere and took no part in the clustering.",
    )
    return Flag("constant_feature", text)


def _correlation_flags(names: tuple[str, ...], correlation: FloatArray) -> tuple[Flag, ...]:
    """One flag that lists all strongly correlated pairs, strongest first."""
    rows, columns = np.triu_indices(len(names), k=1)
    strength = np.abs(correlation[rows, columns])
    order = [i for i in np.argsort(-strength, kind="stable") if strength[i] > CORRELATION_WARNING]
    if not order:
        return ()
    pairs = [
        (_title(names[rows[i]]), _title(names[columns[i]]), correlation[rows[i], columns[i]])
        for i in order
    ]
    listed_zh = "；".join(f"{one.zh}与{other.zh}（r = {r:.2f}）" for one, other, r in pairs)
    listed_en = "; ".join(f"{one.en} / {other.en} (r = {r:.2f})" for one, other, r in pairs)
    text = Label(
        f"下列服务的供需比高度相关，聚类时近于同一因素重复计权：{listed_zh}。",
        "The ratios of these services are strongly correlated and weigh in the clustering almost "
        f"like one taken twice: {listed_en}.",
    )
    return (Flag("correlated_features", text),)


def _title(name: str) -> Label:
    """A service's name; a feature that is no service keeps its code."""
    return _TITLES.get(name, Label(name, name))
