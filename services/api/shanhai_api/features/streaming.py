"""Pages too long to be held: their features are read and sent in blocks.

The numbers of the rows are read first, so that links and counts are known before the first byte.
Each block is a statement of its own: a slow client keeps no transaction and no connection, and a
row that left the selection meanwhile is not sent.
"""

from collections.abc import AsyncIterator, Sequence

import orjson
from fastapi import Response

from shanhai.db.features.entity import Entity
from shanhai.db.features.query import FeatureRow, LongPage, read_rows
from shanhai.db.features.selection import Selection
from shanhai_api.features import documents
from shanhai_api.features.parameters import ItemsQuery
from shanhai_api.negotiation import GEOJSON
from shanhai_api.state import ServiceState, state_of
from shanhai_api.view import View, link_header

HELD = 1_000
"""Features of the longest page that is built as a whole."""
BLOCK = 500


async def respond_long(
    view: View, entity: Entity, selection: Selection, page: LongPage, query: ItemsQuery
) -> Response:
    """A page as a whole when it turns out short, else as a stream without ETag."""
    state = state_of(view.request)
    headers = documents.content_crs(query.ask.form.crs)
    first = await _block(state, entity, selection, page.keys[:HELD], query)
    if len(page.keys) <= HELD:
        document = documents.feature_collection(entity, page, first, query, view)
        return view.respond_features(document, headers=headers)
    links = link_header(documents.about_page(entity, page, query, view, returned=0)["links"])
    body = _written(view, entity, selection, page, query, first)
    return view.stream(body, GEOJSON.media_type, headers={**links, **headers})


async def _written(
    view: View,
    entity: Entity,
    selection: Selection,
    page: LongPage,
    query: ItemsQuery,
    first: Sequence[FeatureRow],
) -> AsyncIterator[bytes]:
    """The collection in pieces; an error on the way ends it where it is, which is no JSON."""
    yield b'{"type":"FeatureCollection","features":['
    yield _listed(first)
    returned = len(first)
    for start in range(HELD, len(page.keys), BLOCK):
        keys = page.keys[start : start + BLOCK]
        rows = await _block(state_of(view.request), entity, selection, keys, query)
        if rows:
            yield (b"," if returned else b"") + _listed(rows)
        returned += len(rows)
    about = documents.about_page(entity, page, query, view, returned=returned)
    yield b"]," + orjson.dumps(about)[1:]


async def _block(
    state: ServiceState,
    entity: Entity,
    selection: Selection,
    keys: Sequence[int],
    query: ItemsQuery,
) -> list[FeatureRow]:
    return await read_rows(state.quick, entity, selection, keys, query.ask.form)


def _listed(rows: Sequence[FeatureRow]) -> bytes:
    return orjson.dumps([documents.feature(row) for row in rows])[1:-1]
