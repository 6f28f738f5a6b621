"""Let rules watch what control lines lose."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0030"
down_revision: str | None = "0032"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FORMER_KINDS = ("above", "below", "rate", "no_data", "indicator_behind_target", "red_line_lead")
KINDS = (*FORMER_KINDS, "line_decline")
# A region alone names the lines of it; a target has its indicator besides.
CHECKS = {
    "subject": (
        "num_nonnulls(station_id, coalesce(plan_indicator_id, target_region_id), case_id) = 1"
    ),
    "target": (
        "(plan_indicator_id IS NULL OR target_region_id IS NOT NULL)"
        " AND (target_year IS NULL OR plan_indicator_id IS NOT NULL)"
    ),
}
FORMER_CHECKS = {
    "subject": "num_nonnulls(station_id, plan_indicator_id, case_id) = 1",
    "target": (
        "(plan_indicator_id IS NULL) = (target_region_id IS NULL)"
        " AND (target_year IS NULL OR plan_indicator_id IS NOT NULL)"
    ),
}
OF_LINES = "target_region_id IS NOT NULL AND plan_indicator_id IS NULL"
NOTE_LINE_CHANGE = """
CREATE FUNCTION note_line_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO alert_due (region_id)
  SELECT DISTINCT changed.region_id FROM changed
   WHERE EXISTS (SELECT FROM alert_rule r
                  WHERE r.kind = 'line_decline' AND r.control_kind = changed.kind
                    AND r.enabled AND r.deleted_at IS NULL);
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    _demand("alert_rule", "kind", _one_of(KINDS))
    _demand(
        "alert_rule",
        "control_kind",
        "(kind IN ('red_line_lead', 'line_decline')) = (control_kind IS NOT NULL)",
    )
    for table in ("alert", "alert_watch"):
        for name, rule in CHECKS.items():
            _demand(table, name, rule)
    op.add_column("alert_due", sa.Column("region_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_alert_due_region_id"), "alert_due", "region", ["region_id"], ["id"]
    )
    _demand("alert_due", "subject", "num_nonnulls(plan_id, case_id, region_id) = 1")
    op.execute(NOTE_LINE_CHANGE)
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER note_line_{event.lower()} AFTER {event} ON control_area"
            " REFERENCING NEW TABLE AS changed"
            " FOR EACH STATEMENT EXECUTE FUNCTION note_line_change()"
        )


def downgrade() -> None:
    for event in ("insert", "update"):
        op.execute(f"DROP TRIGGER note_line_{event} ON control_area")
    op.execute("DROP FUNCTION note_line_change")
    # What the release before knows nothing of.
    op.execute("DELETE FROM alert_due WHERE region_id IS NOT NULL")
    op.execute(
        "DELETE FROM alert_notice WHERE event_id IN (SELECT e.id FROM alert_event e"  # noqa: S608
        f" JOIN alert a ON a.id = e.alert_id WHERE {OF_LINES})"
    )
    op.execute(
        "DELETE FROM alert_event WHERE alert_id IN"  # noqa: S608 - a constant
        f" (SELECT id FROM alert WHERE {OF_LINES})"
    )
    for table in ("alert", "alert_watch"):
        op.execute(f"DELETE FROM {table} WHERE {OF_LINES}")  # noqa: S608 - constants
    op.execute("DELETE FROM alert_rule WHERE kind = 'line_decline'")
    _demand("alert_due", "subject", "num_nonnulls(plan_id, case_id) = 1")
    op.drop_column("alert_due", "region_id")
    for table in ("alert", "alert_watch"):
        for name, rule in FORMER_CHECKS.items():
            _demand(table, name, rule)
    _demand("alert_rule", "control_kind", "(kind = 'red_line_lead') = (control_kind IS NOT NULL)")
    _demand("alert_rule", "kind", _one_of(FORMER_KINDS))


def _one_of(values: Sequence[str]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"kind IN ({listed})"


def _demand(table: str, name: str, rule: str) -> None:
    """A rule of a table holds from now on, in place of the one of its name."""
    constraint = op.f(f"ck_{table}_{name}")
    op.drop_constraint(constraint, table)
    op.create_check_constraint(constraint, table, rule)
