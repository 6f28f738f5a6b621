"""Who acted, by name, on pages."""

import re
from collections.abc import Collection, Mapping
from typing import Any

import orjson

from shanhai.db.engine import Executor
from shanhai.db.identity import Viewer
from shanhai.db.queries.actors import find_names

CODES = re.compile(r'"((?:key:[a-z0-9]+|account:\d+))"', re.ASCII)
"""Codes of actors as whole texts of a JSON document."""

ACTED = frozenset(
    {
        *("acknowledged_by", "actor", "approver", "author", "by", "closed_by", "created_by"),
        *("decided_by", "edited_by", "judged_by", "published_by", "recorded_by", "requested_by"),
    }
)
"""Members that tell who did something, as a code or in words."""


async def find_people(asked: Executor, viewer: Viewer, codes: Collection[str]) -> dict[str, str]:
    """The names of those with the codes, as far as the reader may know them."""
    return await find_names(asked, codes) if viewer.knows_people else {}


async def people_on(asked: Executor, viewer: Viewer, document: Mapping[str, Any]) -> dict[str, str]:
    """The names of those a document names by code, as far as the reader may know them."""
    return await find_people(asked, viewer, set(CODES.findall(orjson.dumps(document).decode())))
