"""The classes a legend lists: those of zones are rows of the database, others are declared."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.selection import Box, bound_values, conditions, reads_former
from shanhai.db.features.tables import source_of
from shanhai.vocabulary import Label
from shanhai_tiles.feature_styles import feature_style
from shanhai_tiles.layers import Layer, VectorLayer
from shanhai_tiles.legend import Entry, declared_entries

COLLECTION = "zones"


async def read_classes(
    session: AsyncSession, layer: Layer, box: Box | None = None
) -> list[Entry] | None:
    """Legend entries of the classes that features of the layer have, within a box if one is given.

    None where the legend lists all that are declared: of rasters, of layers that look alike
    everywhere, and of whole layers whose classes are not rows of the database.
    """
    if not asks_for_classes(layer, box) or not isinstance(layer, VectorLayer):
        return None
    entity = layer.collection.entity
    meant = replace(layer.selection.meant, box=box)
    source = source_of(entity, former=reads_former(entity, meant))
    met = " AND ".join(f"({one})" for one in conditions(entity, meant))
    values = bound_values(meant)
    if layer.name == COLLECTION:
        return await _zone_classes(session, source, met, values)
    return await _declared_classes(session, layer, source, met, values)


def asks_for_classes(layer: Layer, box: Box | None) -> bool:
    """Whether the database must be asked which classes the legend lists."""
    if not isinstance(layer, VectorLayer):
        return False
    if layer.name == COLLECTION:
        return True
    chosen = box is not None or layer.selection.chooses
    return chosen and feature_style(layer.name).by is not None


async def _zone_classes(
    session: AsyncSession, source: str, met: str, values: dict[str, object]
) -> list[Entry]:
    # Asked class by class, so that the index finds a zone of each and no zone is counted.
    query = text(
        f"""SELECT known.class_code, known.name_zh, known.name_en, known.color
              FROM zone_class known
             WHERE known.deleted_at IS NULL AND EXISTS (
                   SELECT FROM {source} WHERE z.class_id = known.id AND {met})
             ORDER BY known.scheme_kind, known.order_no, known.id"""  # noqa: S608
    )
    plain = feature_style(COLLECTION).color
    rows = (await session.execute(query, values)).mappings()
    return [
        Entry(
            row["color"] or plain,
            Label(row["name_zh"], row["name_en"]),
            code=row["class_code"],
            values=(row["class_code"],),
        )
        for row in rows
    ]


async def _declared_classes(
    session: AsyncSession, layer: VectorLayer, source: str, met: str, values: dict[str, object]
) -> list[Entry]:
    style = feature_style(layer.name)
    by = layer.collection.entity.declared(style.by or "")
    if by is None:
        raise LookupError(f"{layer.name} has no property {style.by!r}")
    query = text(f"SELECT DISTINCT ({by.sql})::text FROM {source} WHERE {met}")  # noqa: S608
    return _occurring(declared_entries(style), set(await session.scalars(query, values)))


def _occurring(entries: Sequence[Entry], found: set[str | None]) -> list[Entry]:
    """Entries that stand for a value that was found; that without values for all the others."""
    others = found.difference(*(entry.values for entry in entries))
    return [
        entry for entry in entries if (found.intersection(entry.values) if entry.values else others)
    ]
