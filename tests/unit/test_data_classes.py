"""Classes and grades of data: which visibility they allow, and which are more closed."""

import itertools

import pytest

from shanhai.db.collections.catalogue import ENTITIES
from shanhai.db.collections.guards import AS_CLASSIFIED, RECORD_AS_CLASSIFIED
from shanhai.vocabulary import (
    CLASSIFIED_BY,
    DATA_CLASSES,
    DATA_GRADES,
    VISIBILITIES,
    broken_class_rule,
    closedness,
    codes,
)

ALLOWED = {
    None: {"public", "signed_in", "region"},
    "open": {"public", "signed_in", "region"},
    "internal": {"signed_in", "region"},
    "sensitive": {"region"},
}


@pytest.mark.parametrize("data_class", list(ALLOWED))
@pytest.mark.parametrize("visibility", codes(VISIBILITIES))
def test_a_class_allows_what_is_written_down(visibility: str, data_class: str | None) -> None:
    broken = broken_class_rule(visibility, data_class, None)
    assert (broken is None) == (visibility in ALLOWED[data_class])
    if broken is not None:
        member, rule = broken
        assert member == "visibility"
        for words in (rule.zh, rule.en):
            assert visibility in words
            assert str(data_class) in words


@pytest.mark.parametrize("data_grade", codes(DATA_GRADES))
def test_what_has_a_grade_is_sensitive(data_grade: str) -> None:
    for data_class in (None, "open", "internal"):
        broken = broken_class_rule("region", data_class, data_grade)
        assert broken is not None
        assert broken[0] == "data_class"
    assert broken_class_rule("region", "sensitive", data_grade) is None
    assert broken_class_rule(None, "sensitive", data_grade) is None


def test_classes_and_grades_are_in_order() -> None:
    grown = [
        (None, None),
        ("internal", None),
        ("sensitive", None),
        ("sensitive", "important"),
        ("sensitive", "core"),
    ]
    numbers = [closedness(*pair) for pair in grown]
    assert numbers == [0, 1, 2, 3, 4]
    assert closedness("open", None) == 0
    for one, other in itertools.combinations(codes(DATA_CLASSES), 2):
        assert closedness(one, None) < closedness(other, None)


def test_all_that_say_who_may_read_them_have_a_class_and_are_guarded() -> None:
    classified = [item for item in ENTITIES if item.declared("visibility") is not None]
    assert classified
    for entity in classified:
        assert all(entity.declared(name) is not None for name in CLASSIFIED_BY), entity.name
        assert entity.editing is not None
        guard = AS_CLASSIFIED if entity.geometry is not None else RECORD_AS_CLASSIFIED
        assert guard in entity.editing.guards, entity.name
