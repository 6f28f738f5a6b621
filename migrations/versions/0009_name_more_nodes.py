"""Name junctions, saddles and break points among the nodes of corridors."""

from collections.abc import Sequence

from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FORMER = ("source", "stepping_stone", "pinch_point", "barrier")
NEW = ("junction", "saddle", "crossing")
# What the former platform cannot say is gone with it.
FORGET = "DELETE FROM corridor_node WHERE kind IN ('junction', 'saddle', 'crossing')"


def upgrade() -> None:
    _demand((*FORMER, *NEW))


def downgrade() -> None:
    op.execute(FORGET)
    _demand(FORMER)


def _demand(kinds: Sequence[str]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("ck_corridor_node_kind"), "corridor_node")
    op.create_check_constraint(
        op.f("ck_corridor_node_kind"), "corridor_node", f"kind IN ({listed})"
    )
