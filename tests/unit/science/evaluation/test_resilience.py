import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.science.evaluation.quality import (
    RESILIENCE,
    resilience_class,
    resilience_index,
)
from shanhai.science.landcover import LandCover


def a(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


def test_mean_of_the_terms_there_are() -> None:
    terms = {"coefficient": a(0.9), "npp_n": a(0.5), "condition_n": a(0.7)}
    assert resilience_index(**terms) == pytest.approx(70)
    assert resilience_index(**terms, memory_n=a(0.2)) == pytest.approx(72.5)


def test_slow_recovery_lowers_it() -> None:
    terms = {"coefficient": a(0.9), "npp_n": a(0.5), "condition_n": a(0.7)}
    assert resilience_index(**terms, memory_n=a(0.9)) < resilience_index(**terms, memory_n=a(0.1))


def test_five_classes_from_high_to_low() -> None:
    index = a(100, 80, 79, 60, 40, 39, 20, 19, 0, np.nan)
    assert resilience_class(index).tolist() == [1, 1, 2, 2, 3, 4, 4, 5, 5, 0]


def test_a_missing_term_leaves_the_cell_unknown() -> None:
    assert np.isnan(resilience_index(coefficient=a(0.9), npp_n=a(np.nan), condition_n=a(0.7)))


def test_coefficients_are_shares_of_every_class_but_ice_and_tundra() -> None:
    assert set(LandCover) - set(RESILIENCE) == {LandCover.SNOW_ICE, LandCover.TUNDRA}
    assert all(0 <= value <= 1 for value in RESILIENCE.values())


@given(terms=st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_stays_within_its_scale(terms: list[float]) -> None:
    names = ("coefficient", "npp_n", "condition_n", "memory_n")
    index = resilience_index(**{name: a(value) for name, value in zip(names, terms, strict=True)})
    assert -1e-9 <= index[0] <= 100 + 1e-9
