import numpy as np
import pytest

from benchmarks.jrc_patterns import from_jrc
from shanhai.errors import InvalidInput


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
