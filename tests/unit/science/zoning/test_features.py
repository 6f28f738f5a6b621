import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from shanhai.errors import InvalidInput
from shanhai.science.zoning.features import (
    LEAST_SPREAD,
    NothingVaries,
    feature_layers,
    prepare_features,
)


def test_columns_are_winsorised_and_standardised() -> None:
    column = np.append(np.arange(200.0), 1e9)
    features = prepare_features(column[:, np.newaxis], ["a"])
    assert features.matrix.mean() == pytest.approx(0, abs=1e-12)
    assert features.matrix.std() == pytest.approx(1)
    assert features.matrix.max() < 2


def test_winsorising_limits_by_hand() -> None:
    column = np.arange(101.0)
    matrix = prepare_features(column[:, np.newaxis], ["a"]).matrix[:, 0]
    capped = np.clip(column, 1, 99)
    np.testing.assert_allclose(matrix, (capped - 50) / capped.std())


def test_constant_column_is_dropped_with_a_flag() -> None:
    values = np.stack([np.full(9, 0.1), np.arange(9.0)], axis=1)
    features = prepare_features(values, ["flat", "steep"])
    assert features.names == ("steep",)
    assert features.dropped == ("flat",)
    assert [flag.code for flag in features.flags] == ["constant_feature"]


def test_strong_correlation_is_flagged() -> None:
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


def test_a_spread_too_small_to_mean_anything_is_not_stretched() -> None:
    """Half of the units at ±s have the standard deviation s."""
    signs = np.tile([-1.0, 1.0], 50)
    values = np.stack([0.9 * LEAST_SPREAD * signs, 1.1 * LEAST_SPREAD * signs], axis=1)
    features = prepare_features(values, ["cooling", "recreation"])
    assert (features.names, features.dropped) == (("recreation",), ("cooling",))
    (flag,) = features.flags
    assert flag.code == "constant_feature"
    assert "standard deviation 0.009, less than 0.01" in flag.text.en
    assert "标准差 0.009，小于 0.01" in flag.text.zh


def test_a_single_unit_is_no_matter_of_the_inputs() -> None:
    with pytest.raises(InvalidInput) as caught:
        prepare_features(np.array([[1.0, 2.0]]), ["a", "b"])
    assert not isinstance(caught.value, NothingVaries)


def test_nothing_varies() -> None:
    with pytest.raises(NothingVaries, match="nothing varies: none of the features a, b"):
        prepare_features(np.ones((5, 2)), ["a", "b"])


def test_layers_of_the_feature_sets() -> None:
    services = ("cooling", "carbon_sink")
    assert feature_layers("esdr7", services) == ("ratio.cooling", "ratio.carbon_sink")
    assert feature_layers("esdr7+coords", services) == feature_layers("esdr7", services)
    assert feature_layers("sd14", services) == (
        "supply_n.cooling",
        "supply_n.carbon_sink",
        "demand_n.cooling",
        "demand_n.carbon_sink",
    )


def test_coordinates_are_weighed_and_keep_their_proportions() -> None:
    places = np.stack([np.arange(50.0) * 300, np.arange(50.0) * 100], axis=1)
    features = prepare_features(np.arange(50.0)[:, np.newaxis], ["a"], coordinates=places)
    assert features.names == ("a", "x", "y")
    x, y = features.matrix[:, 1:].T
    np.testing.assert_allclose(x, 3 * y)
    assert np.square(features.matrix[:, 1:]).mean() == pytest.approx(0.01)


def test_one_place_for_all_adds_nothing() -> None:
    features = prepare_features(
        np.arange(9.0)[:, np.newaxis], ["a"], coordinates=np.full((9, 2), 7.0)
    )
    assert not features.matrix[:, 1:].any()


def test_principal_components_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(2)
    values = random.normal(size=(400, 5)) @ random.normal(size=(5, 5))
    names = list("abcde")
    plain, reduced = (prepare_features(values, names, pca=pca) for pca in (False, True))
    peer = PCA(0.9, svd_solver="full").fit(plain.matrix)
    components = reduced.components
    assert components is not None
    assert reduced.names == tuple(f"pc{n}" for n in range(1, peer.n_components_ + 1))
    np.testing.assert_allclose(components.explained, peer.explained_variance_ratio_)
    np.testing.assert_allclose(np.abs(components.loadings), np.abs(peer.components_), atol=1e-9)
    np.testing.assert_allclose(
        np.abs(reduced.matrix), np.abs(peer.transform(plain.matrix)), atol=1e-9
    )
    assert (components.loadings.max(axis=1) == np.abs(components.loadings).max(axis=1)).all()


def test_flags_tell_what_of_a_service_they_mean() -> None:
    rising = np.arange(30.0)
    values = np.stack([rising, 2 * rising, np.ones(30)], axis=1)
    names = ["supply_n.cooling", "demand_n.recreation", "supply_n.biodiversity"]
    constant, correlated = prepare_features(values, names).flags
    assert "The supply of “Biodiversity maintenance”" in constant.text.en
    assert "Cooling, supply / Landscape aesthetics and recreation, demand" in correlated.text.en


def columns(count: int = 3) -> np.ndarray:
    random = np.random.default_rng(6)
    return np.asarray(random.normal(size=(200, count)) @ random.normal(size=(count, count)))


def test_weights_multiply_z_scores_by_the_root_of_their_share() -> None:
    values = columns()
    plain = prepare_features(values, list("abc")).matrix
    found = prepare_features(values, list("abc"), weights=[4, 1, 1])
    # Shares of ⅔, ⅙ and ⅙ of three columns: √2, √½ and √½.
    np.testing.assert_allclose(found.matrix, plain * [2**0.5, 0.5**0.5, 0.5**0.5])
    # Squared distances of all units together stay as they were.
    assert np.square(found.matrix).sum() == pytest.approx(np.square(plain).sum())
    np.testing.assert_allclose(found.correlation, np.corrcoef(plain.T), atol=1e-12)


@pytest.mark.parametrize("pca", [False, True])
def test_equal_weights_are_the_same_bytes_as_none(pca: bool) -> None:
    values = columns()
    plain, weighed = (
        prepare_features(values, list("abc"), weights=weights, pca=pca)
        for weights in (None, [0.2, 0.2, 0.2])
    )
    assert plain.matrix.tobytes() == weighed.matrix.tobytes()


def test_weight_0_drops_a_column_without_a_flag() -> None:
    values = columns()
    found = prepare_features(values, list("abc"), weights=[1, 0, 1])
    assert (found.names, found.dropped, found.flags) == (("a", "c"), ("b",), ())
    others = prepare_features(values[:, [0, 2]], ["a", "c"]).matrix
    # Two of three columns share all the weight.
    np.testing.assert_allclose(found.matrix, others * 1.5**0.5)


def test_components_are_those_of_the_weighed_columns() -> None:
    values = columns(4)
    weights = [9.0, 1, 1, 1]
    weighed = prepare_features(values, list("abcd"), weights=weights)
    reduced = prepare_features(values, list("abcd"), weights=weights, pca=True)
    peer = PCA(0.9, svd_solver="full").fit(weighed.matrix)
    assert reduced.components is not None
    np.testing.assert_allclose(reduced.components.explained, peer.explained_variance_ratio_)
    np.testing.assert_allclose(
        np.abs(reduced.matrix), np.abs(peer.transform(weighed.matrix)), atol=1e-9
    )


@given(st.lists(st.floats(0.1, 10), min_size=3, max_size=3), st.floats(0.1, 10))
def test_only_proportions_of_weights_matter(weights: list[float], scale: float) -> None:
    values = columns()
    one, other = (
        prepare_features(values, list("abc"), weights=own).matrix
        for own in (weights, [scale * weight for weight in weights])
    )
    np.testing.assert_allclose(one, other, rtol=1e-12)
    assert np.square(one).sum(axis=0) / len(values) == pytest.approx(
        np.array(weights) / np.mean(weights)
    )
