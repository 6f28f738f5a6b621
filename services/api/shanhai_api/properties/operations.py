"""What can be done with observed properties."""

from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.observations import properties
from shanhai.db.queries.audit import Act
from shanhai.db.tables import ObservedProperty
from shanhai.vocabulary import Lang
from shanhai_api.once import Made
from shanhai_api.properties.schemas import NewProperty, describe_property
from shanhai_api.view import View, entity_tag


async def make_property(session: AsyncSession, new: NewProperty, *, view: View, act: Act) -> Made:
    """Make a property."""
    row = await properties.create_property(session, new.model_dump(), act=act)
    headers = {"Location": f"{view.base}/properties/{row.code}", "ETag": _tag(row, view.lang)}
    return Made(describe_property(row, view.lang), headers)


def changed_property(row: ObservedProperty, lang: Lang) -> Made:
    """A property as a change has left it."""
    return Made(describe_property(row, lang), {"ETag": _tag(row, lang)}, 200)


async def show_property(session: AsyncSession, code: str, view: View) -> dict[str, Any]:
    """A property, with the ranges some stations have of their own."""
    row = await properties.find_property(session, code)
    ranges = [
        {"station": station, "low": low, "high": high}
        for station, low, high in await properties.list_ranges(session, code)
    ]
    links = view.self_links(f"/properties/{code}")
    return {**describe_property(row, view.lang), "ranges": ranges, "links": links}


def _tag(row: ObservedProperty, lang: Lang) -> str:
    body = orjson.dumps(describe_property(row, lang))
    return f'"{entity_tag(properties.state_of_property(row), body)}"'
