"""The classes of the zones a caller sees: rows of the database, each plan having its own."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.vocabulary import Label
from shanhai_tiles.feature_styles import feature_style
from shanhai_tiles.layers import Layer, VectorLayer
from shanhai_tiles.legend import Entry
from shanhai_tiles.vector_layers import Question

COLLECTION = "zones"


async def read_classes(session: AsyncSession, layer: Layer) -> list[Entry] | None:
    """Legend entries of the classes that some zone of the layer has; None for other layers."""
    if not isinstance(layer, VectorLayer) or layer.name != COLLECTION:
        return None
    question = Question.of(layer.collection, layer.selection)
    # Asked class by class, so that the index finds a zone of each and no zone is counted.
    query = text(
        f"""SELECT known.class_code, known.name_zh, known.name_en, known.color
              FROM zone_class known
             WHERE known.deleted_at IS NULL AND EXISTS (
                   SELECT FROM {question.source}
                    WHERE z.class_id = known.id AND {question.conditions})
             ORDER BY known.scheme_kind, known.order_no, known.id"""  # noqa: S608
    )
    plain = feature_style(COLLECTION).color
    rows = (await session.execute(query, layer.selection.values)).mappings()
    return [
        Entry(
            row["color"] or plain,
            Label(row["name_zh"], row["name_en"]),
            code=row["class_code"],
            values=(row["class_code"],),
        )
        for row in rows
    ]
