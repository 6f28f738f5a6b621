"""Every error has a status, a stable type and a title in both languages."""

from collections.abc import Iterator

import pytest

import shanhai_api.app  # noqa: F401  (loads every error of the service)
from shanhai.errors import InvalidInput, ShanhaiError
from shanhai_api.kit.errors import STATUS, status_of, type_of


def kinds(base: type[ShanhaiError]) -> Iterator[type[ShanhaiError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


ALL = sorted(
    {
        kind
        for kind in kinds(ShanhaiError)
        if kind.__module__.startswith(("shanhai.errors", "shanhai_api."))
    },
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_error_can_be_told(kind: type[ShanhaiError]) -> None:
    assert 400 <= status_of(kind) < 600
    assert ":" in type_of(kind)
    assert kind.title.en
    assert not kind.title.zh.isascii()


def test_types_are_distinct() -> None:
    assert len({type_of(kind) for kind in ALL}) == len(ALL)


def test_what_callers_do_wrong_is_never_5xx() -> None:
    for kind in ALL:
        if issubclass(kind, InvalidInput):
            assert status_of(kind) in {400, 413}
    assert STATUS[ShanhaiError] == 500
