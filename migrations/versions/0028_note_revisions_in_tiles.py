"""Note that objects are drawn with the proposals that revised them."""

from collections.abc import Sequence

from alembic import op

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # What a proposal revised is told once, when it has been carried out, and that is seldom.
    op.execute(
        "CREATE TRIGGER note_tile_change AFTER UPDATE OF made_id ON proposal FOR EACH STATEMENT"
        " EXECUTE FUNCTION note_tiles_everywhere('plans', 'zone_schemes')"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER note_tile_change ON proposal")
