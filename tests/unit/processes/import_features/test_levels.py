"""Rows of one file that refer to each other, in the order they can be written."""

import pytest

from shanhai.processes.import_features import publish
from shanhai.processes.import_features.publish import levels_of


def test_a_row_comes_after_all_above_it() -> None:
    above = {"street": {"town", "city"}, "town": {"city"}, "other": {"city"}}
    assert levels_of(above) == {"town": 1, "other": 1, "street": 2}


def test_circles_come_last() -> None:
    above = {"a": {"b"}, "b": {"a"}, "own": {"own"}, "town": {"city"}, "below": {"a"}}
    assert levels_of(above) == {"town": 1, "a": 2, "b": 2, "own": 2, "below": 2}


def test_there_is_a_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "MOST_LEVELS", 3)
    above = {str(number): {str(number - 1)} for number in range(1, 6)}
    assert levels_of(above) == {"1": 1, "2": 2, "3": 3, "4": 3, "5": 3}


def test_nothing_above_is_no_level() -> None:
    assert levels_of({}) == {}
