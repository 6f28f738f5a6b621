import numpy as np
import pytest

from shanhai.errors import InvalidInput
from shanhai.science.corridors.mspa.pattern import LABELS, Mspa, from_jrc


def test_codes_of_the_jrc_become_ours() -> None:
    given = np.array([[17, 117, 9, 3], [5, 105, 33, 137], [65, 169, 1, 101], [0, 100, 220, 129]])
    assert from_jrc(given).tolist() == [
        [1, 1, 2, 3],
        [4, 4, 5, 5],
        [6, 6, 7, 7],
        [0, 0, 0, 255],
    ]


def test_unknown_codes_are_refused_all_at_once() -> None:
    with pytest.raises(InvalidInput, match="2, 77"):
        from_jrc(np.array([[17, 2], [77, 3]]))


def test_every_class_has_a_name() -> None:
    assert set(LABELS) == set(Mspa)
