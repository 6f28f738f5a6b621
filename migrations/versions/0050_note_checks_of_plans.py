"""Note when the figures of a plan were checked."""

from collections.abc import Sequence

from alembic import op

revision: str = "0050"
down_revision: str | None = "0049"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(
        "CREATE TABLE plan_check (plan_id bigint NOT NULL CONSTRAINT pk_plan_check PRIMARY KEY"
        " CONSTRAINT fk_plan_check_plan_id REFERENCES plan,"
        " first_at timestamptz NOT NULL DEFAULT now(), last_at timestamptz NOT NULL DEFAULT now())"
    )
    # Where something was found, something was checked.
    op.execute(
        "INSERT INTO plan_check (plan_id, first_at, last_at)"
        " SELECT plan_id, min(found_at), max(coalesce(resolved_at, found_at))"
        " FROM (SELECT plan_id, found_at, resolved_at FROM data_finding"
        " UNION ALL SELECT plan_id, found_at, resolved_at FROM data_finding_history) told"
        " GROUP BY plan_id"
    )


def downgrade() -> None:
    op.execute("DROP TABLE plan_check")
