"""Give the five zone classes colours that people with any colour vision tell apart."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0079"
down_revision: str | None = "0078"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COLORS = {
    "strict_protection": ("#1b6e3c", "#0b4a1e"),
    "key_protection": ("#5aa957", "#62ab92"),
    "general_protection": ("#c5dd8c", "#dcf0b4"),
    "priority_restoration": ("#c0392b", "#c4174f"),
    "general_restoration": ("#f0a35e", "#d6951c"),
}
"""By class: the former one and the new."""


def _paint(changes: Iterable[tuple[str, str, str]]) -> None:
    """Change colours that nobody has chosen."""
    statement = sa.text(
        "UPDATE zone_class SET color = :later WHERE scheme_kind = 'supply_demand'"
        " AND class_code = :code AND color = :former"
    )
    for code, former, later in changes:
        op.get_bind().execute(statement, {"code": code, "former": former, "later": later})


def upgrade() -> None:
    _paint((code, former, later) for code, (former, later) in COLORS.items())


def downgrade() -> None:
    _paint((code, later, former) for code, (former, later) in COLORS.items())
