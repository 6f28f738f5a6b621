"""Which properties of a collection go into tiles."""

from shanhai.db.features.entity import Entity, Property

LONG = frozenset(
    {
        *("summary_zh", "summary_en", "requirement_zh", "requirement_en", "cause", "legal_basis"),
        *("stand_in_note_zh", "stand_in_note_en", "source", "licence", "document", "issuer"),
        *("checksum", "source_sha256"),
    }
)
"""Texts of a sentence or more, and digests: a map asks for them feature by feature."""


def drawn_properties(entity: Entity) -> tuple[Property, ...]:
    """Those with one value that is no long text; a tile knows neither lists nor objects."""
    return tuple(
        item
        for item in entity.properties
        if item.schema["type"] not in {"array", "object"} and item.name not in LONG
    )
