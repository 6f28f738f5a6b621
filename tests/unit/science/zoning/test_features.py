import numpy as np
import pytest

from shanhai.errors import InvalidInput
from shanhai.science.zoning.features import prepare_features


def test_columns_are_winsorised_and_standardised():
    column = np.append(np.arange(200.0), 1e9)
    features = prepare_features(column[:, np.newaxis], ["a"])
    assert features.matrix.mean() == pytest.approx(0, abs=1e-12)
    assert features.matrix.std() == pytest.approx(1)
    assert features.matrix.max() < 2


def test_winsorising_limits_by_hand():
    column = np.arange(101.0)
    matrix = prepare_features(column[:, np.newaxis], ["a"]).matrix[:, 0]
    capped = np.clip(column, 1, 99)
    np.testing.assert_allclose(matrix, (capped - 50) / capped.std())


def test_constant_column_is_dropped_with_a_flag():
    values = np.stack([np.full(9, 0.1), np.arange(9.0)], axis=1)
    features = prepare_features(values, ["flat", "steep"])
    assert features.names == ("steep",)
    assert features.dropped == ("flat",)
    assert [flag.code for flag in features.flags] == ["constant_feature"]


def test_strong_correlation_is_flagged():
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 300))
    features = prepare_features(
        np.stack([a, -a + 0.01 * b, b], axis=1), ["cooling", "recreation", "c"]
    )
    (flag,) = features.flags
    assert flag.code == "correlated_features"
    assert "Cooling / Landscape aesthetics and recreation (r = -1.00)" in flag.text.en
    assert "降温效益与景观美学（r = -1.00）" in flag.text.zh
    np.testing.assert_allclose(features.correlation, np.corrcoef(features.matrix.T), atol=1e-12)


def test_nothing_varies():
    with pytest.raises(InvalidInput, match="none of the features a, b varies"):
        prepare_features(np.ones((5, 2)), ["a", "b"])
