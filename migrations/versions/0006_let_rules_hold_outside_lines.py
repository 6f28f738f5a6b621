"""Let rules hold outside the lines of a kind."""

from collections.abc import Sequence

from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FORMER = ("control_area", "zone_class", "everywhere")
# What the former platform cannot say is gone with it, exceptions from it too.
FORGET = (
    "DELETE FROM compliance_exception USING control_rule r"
    " WHERE r.id = rule_id AND r.scope = 'outside_control_area'",
    "DELETE FROM control_rule WHERE scope = 'outside_control_area'",
)
SCOPES = ("control_area", "outside_control_area", "zone_class", "everywhere")


def upgrade() -> None:
    _demand(SCOPES)


def downgrade() -> None:
    for statement in FORGET:
        op.execute(statement)
    _demand(FORMER)


def _demand(scopes: Sequence[str]) -> None:
    listed = ", ".join(f"'{scope}'" for scope in scopes)
    op.drop_constraint(op.f("ck_control_rule_scope"), "control_rule")
    op.create_check_constraint(
        op.f("ck_control_rule_scope"), "control_rule", f"scope IN ({listed})"
    )
