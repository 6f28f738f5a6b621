"""Find the occurrences of a cell of the grid without reading all of them."""

from collections.abc import Sequence

from alembic import op

revision: str = "0067"
down_revision: str | None = "0066"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # As the property `cell` of the collection is written.
    op.execute(
        "CREATE INDEX ix_occurrence_cell ON occurrence (((floor(ST_X(geom) * 10) / 10)::text"
        " || ',' || (floor(ST_Y(geom) * 10) / 10)::text))"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_occurrence_cell")
