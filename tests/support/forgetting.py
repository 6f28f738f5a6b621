"""Queries as if they were written without the conditions of who may see what."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shanhai.db.collections import catalogue
from shanhai.db.features import selection
from shanhai.db.features.entity import Entity
from shanhai.db.identity import Viewer


@contextmanager
def conditions_forgotten() -> Iterator[list[str]]:
    """Leave the conditions out within the context; gives the names of the collections asked for.

    Entities as one kind of reader sees them are composed once for the process, with the conditions
    in them: they are composed anew on either side, so that none of them outlives the context.
    """
    asked: list[str] = []

    def forget(entity: Entity, viewer: Viewer) -> list[str]:
        asked.append(entity.name)
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "_published", forget)
        catalogue._seen.cache_clear()
        try:
            yield asked
        finally:
            catalogue._seen.cache_clear()
