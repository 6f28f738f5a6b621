"""The states an object has had, as they are shown."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import Selection
from shanhai.db.features.snapshots import Version, read_versions
from shanhai.errors import NotFound
from shanhai_api.features import documents
from shanhai_api.identity import Caller
from shanhai_api.kit.answers import Answered, Document, Link, Maybe, MomentText
from shanhai_api.negotiation import HTML, JSON
from shanhai_api.view import View


class ObjectState(Answered):
    """A state of an object: the days it held, and when it was written and written over."""

    row_version: int
    valid_from: date | None
    valid_to: date | None
    recorded_from: MomentText
    recorded_to: MomentText | None
    deleted: bool
    properties: dict[str, Any]
    links: Maybe[list[Link]] = None


class ObjectStates(Document):
    """The states an object has had, the newest first."""

    versions: list[ObjectState]
    numberReturned: int
    links: list[Link]


async def show_versions(
    session: AsyncSession,
    entity: Entity,
    caller: Caller,
    view: View,
    code: str,
    bound: Mapping[str, str],
    limit: int,
) -> Response:
    """The states of an object that the caller may see, the newest first.

    Raises:
        NotFound: there is none.
    """
    selection = Selection(caller.viewer, filters=bound, code=code)
    readable = "\x00" not in code and not any("\x00" in value for value in bound.values())
    found = await read_versions(session, entity, selection, limit=limit) if readable else []
    if not found:
        raise NotFound(
            f"there is no {code!r} in {entity.name}", message_zh=f"{entity.title.zh}中没有 {code!r}"
        )
    item = f"{documents.list_path(entity, bound)}/{quote(code, safe='')}"
    described = [_described(version, item, entity, view) for version in found]
    links = [
        *view.self_links(f"{item}/versions"),
        view.link(item, "item", documents.data_format(entity).media_type),
    ]
    document = {"versions": described, "numberReturned": len(described), "links": links}
    if view.wants_html(JSON, HTML):
        document = orjson.loads(orjson.dumps(document))
    return view.respond(document)


def _described(version: Version, item: str, entity: Entity, view: View) -> dict[str, Any]:
    """One state; a link leads to it where a day is left on which it held."""
    described = {
        "row_version": version.row_version,
        "valid_from": _day(version.valid_from),
        "valid_to": _day(version.valid_to),
        "recorded_from": _moment(version.recorded_from),
        "recorded_to": _moment(version.recorded_to),
        "deleted": version.deleted,
        "properties": orjson.Fragment(version.properties),
    }
    start = version.valid_from
    if not entity.historic or start is None or start == version.valid_to:
        return described
    media_type = documents.data_format(entity).media_type
    return {**described, "links": [view.link(item, "version", media_type, as_of=start.isoformat())]}


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
