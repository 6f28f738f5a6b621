import numpy as np
import pytest

from shanhai.errors import InvalidInput
from shanhai.science.landcover import GUIDELINE_RUNOFF, VegetationType, refine


def test_known_types_replace_the_value_of_the_class() -> None:
    by_class = np.array([0.0267, 0.0267, np.nan, 0.3])
    types = np.array([1, 0, 1, VegetationType.SPARSE_GRASS], dtype=np.uint8)
    refined = refine(by_class, types, GUIDELINE_RUNOFF)
    np.testing.assert_array_equal(refined, [0.0267, 0.0267, np.nan, 0.1827])


def test_unknown_types_are_listed_with_their_cells() -> None:
    with pytest.raises(InvalidInput, match=r"99 \(2 cells\)"):
        refine(np.zeros(3), np.array([99, 1, 99], dtype=np.uint8), GUIDELINE_RUNOFF)


def test_every_type_has_a_share() -> None:
    assert set(GUIDELINE_RUNOFF) == set(VegetationType)
