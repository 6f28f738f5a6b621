"""What proposals did to an object, told beside its other members."""

from shanhai.db.features.entity import TEXT, TEXTS, Property
from shanhai.vocabulary import Label

PROPOSALS = "proposals"


def revised_by(alias: str, *kinds: str) -> Property:
    """The proposals of these kinds that were carried out on a row, or in a version after it."""
    return Property(
        "revised_by",
        f"ARRAY(SELECT pr.code FROM proposal pr WHERE {_of(kinds)} AND pr.base_id = {alias}.id"  # noqa: S608 - constants
        " AND pr.state = 'carried_out' ORDER BY pr.id)",
        TEXTS,
        Label("据以修订的建议", "Proposals it was revised by"),
        names=PROPOSALS,
    )


def made_by(alias: str, *kinds: str) -> Property:
    """The proposal of these kinds that a version was begun with."""
    return Property(
        "made_by",
        f"(SELECT min(pr.code) FROM proposal pr WHERE {_of(kinds)} AND pr.made_id = {alias}.id"  # noqa: S608 - constants
        " AND pr.base_id <> pr.made_id)",
        TEXT,
        Label("据以形成的建议", "Proposal it was begun with"),
        names=PROPOSALS,
    )


def _of(kinds: tuple[str, ...]) -> str:
    return f"pr.kind IN ({', '.join(repr(kind) for kind in kinds)})"
