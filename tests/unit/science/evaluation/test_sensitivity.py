import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.science.evaluation.importance_and_sensitivity import (
    CARBONATE,
    EROSIVITY,
    RELIEF,
    SLOPE,
    Breaks,
    desertification_class,
    desertification_index,
    erosion_index,
    geometric_mean,
    grade,
    grade_cover,
    grade_texture,
    monitored_desertification_class,
    monitored_erosion_class,
    sensitivity_class,
    worst_class,
)
from shanhai.science.rusle import Texture


def a(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


@pytest.mark.parametrize(
    ("grades", "index", "code"),
    [((5, 3, 5, 1), 2.942831, 2), ((5, 5, 3), 4.217163, 1), ((3, 3, 3), 3.0, 2), ((1, 1), 1.0, 3)],
)
def test_geometric_mean_of_the_grades_and_its_class(
    grades: tuple[int, ...], index: float, code: int
) -> None:
    found = geometric_mean([a(value) for value in grades])
    assert found == pytest.approx(index, rel=1e-6)
    assert sensitivity_class(found).item() == code


def test_classes_close_at_two_and_four() -> None:
    assert sensitivity_class(a(1, 2, 2.001, 4, 4.001, np.nan)).tolist() == [3, 3, 2, 2, 1, 0]


def test_rising_factors_are_graded_at_their_boundaries() -> None:
    assert grade(a(100, 100.1, 599, 600), EROSIVITY).tolist() == [1, 3, 3, 5]
    assert grade(a(50, 51, 300), RELIEF).tolist() == [1, 3, 5]
    assert grade(a(30, 31, 70), CARBONATE).tolist() == [1, 3, 5]
    assert grade(a(8, 9, 25), SLOPE).tolist() == [1, 3, 5]
    assert np.isnan(grade(a(np.nan), SLOPE)).all()
    assert grade(a(4.0, 4.0), Breaks(4.0, 4.0)).tolist() == [1, 1]


def test_cover_grades_the_other_way_round() -> None:
    assert grade_cover(a(0.0, 0.2, 0.21, 0.59, 0.6, 1.0)).tolist() == [5, 5, 3, 3, 1, 1]
    assert np.isnan(grade_cover(a(np.nan))).all()


def test_every_texture_has_a_grade() -> None:
    codes = np.array([0, *Texture], dtype=np.uint8)
    grades = grade_texture(codes)
    assert np.isnan(grades[0])
    assert set(grades[1:]) == {1, 3, 5}
    assert grades[Texture.SAND] == 1
    assert grades[Texture.LOAM] == 3
    assert grades[Texture.SANDY_LOAM] == grades[Texture.SILT] == 5


def test_the_two_indices_take_their_factors() -> None:
    erosion = erosion_index(erosivity=a(5), erodibility=a(3), relief=a(5), cover=a(1))
    assert erosion == pytest.approx(2.942831, rel=1e-6)
    rock = desertification_index(carbonate=a(5), slope=a(5), cover=a(3))
    assert rock == pytest.approx(4.217163, rel=1e-6)


def test_rocky_desertification_needs_carbonate_rock() -> None:
    index = a(4.5, 4.5, 4.5)
    assert desertification_class(index, a(80, 0, np.nan)).tolist() == [1, 0, 0]


def test_the_shortcut_of_2020() -> None:
    degrees = np.arange(7, dtype=np.uint8)
    assert monitored_erosion_class(degrees).tolist() == [0, 3, 3, 2, 2, 1, 1]
    assert monitored_desertification_class(degrees).tolist() == [0, 3, 3, 3, 2, 1, 1]


def test_the_worst_theme_that_applies_counts() -> None:
    found = worst_class([np.array([2, 3, 0], np.uint8), np.array([0, 1, 0], np.uint8)])
    assert found.tolist() == [2, 1, 0]


@given(
    grades=st.lists(st.sampled_from([1.0, 3.0, 5.0]), min_size=1, max_size=5),
    worse=st.integers(0, 4),
)
def test_the_index_stays_between_the_grades_and_never_falls_with_one(
    grades: list[float], worse: int
) -> None:
    before = geometric_mean([a(value) for value in grades])[0]
    assert min(grades) - 1e-9 <= before <= max(grades) + 1e-9
    raised = list(grades)
    raised[worse % len(grades)] = 5.0
    assert geometric_mean([a(value) for value in raised])[0] >= before - 1e-12
