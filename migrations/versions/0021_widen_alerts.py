"""Let alerts be about targets and cases, hold rules to their times, and tell people by e-mail."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

Column = sa.Column[object]
SUBJECT = ("station_id", "plan_indicator_id", "target_region_id", "target_year", "case_id")
FORMER_KINDS = ("above", "below", "rate", "no_data")
KINDS = (*FORMER_KINDS, "indicator_behind_target", "red_line_lead")
FORMER_EVENTS = ("opened", "raised", "acknowledged", "recovered", "closed", "rule_changed")
EVENTS = (*FORMER_EVENTS, "rule_expired", "subject_gone")
LIVE = "status <> 'closed'"


def upgrade() -> None:
    _widen_rules()
    # A column of a primary key takes no null.
    op.drop_constraint("pk_alert_watch", "alert_watch")
    for table in ("alert_watch", "alert"):
        _add_subjects(table)
    op.add_column(
        "alert_watch", sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False)
    )
    op.create_primary_key("pk_alert_watch", "alert_watch", ["id"])
    # The release before finds its rows by rule and station.
    op.create_index("uq_alert_watch_station", "alert_watch", ["rule_id", "station_id"], unique=True)
    op.create_index(
        "uq_alert_watch_subject",
        "alert_watch",
        ["rule_id", *SUBJECT],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.drop_index("uq_alert_rule_id_station_id_live", "alert")
    op.create_index(
        "uq_alert_subject_live",
        "alert",
        ["rule_id", *SUBJECT],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text(LIVE),
    )
    op.add_column("alert", sa.Column("facts", postgresql.JSONB(), nullable=True))
    _one_of("alert_event", "kind", EVENTS)
    _create_due()
    _create_subscriptions()


def downgrade() -> None:
    for name in ("alert_notice", "subscription", "alert_due"):
        op.drop_table(name)
    # What the release before knows nothing of.
    op.execute(
        "DELETE FROM alert_event WHERE alert_id IN (SELECT id FROM alert WHERE station_id IS NULL)"
        " OR kind IN ('rule_expired', 'subject_gone')"
    )
    for name in ("alert", "alert_watch"):
        op.execute(f"DELETE FROM {name} WHERE station_id IS NULL")  # noqa: S608 - constants
    op.execute("DELETE FROM alert_rule WHERE kind IN ('indicator_behind_target', 'red_line_lead')")
    _one_of("alert_event", "kind", FORMER_EVENTS)
    op.drop_index("uq_alert_subject_live", "alert")
    op.create_index(
        "uq_alert_rule_id_station_id_live",
        "alert",
        ["rule_id", "station_id"],
        unique=True,
        postgresql_where=sa.text(LIVE),
    )
    for name in ("uq_alert_watch_subject", "uq_alert_watch_station"):
        op.drop_index(name, "alert_watch")
    op.drop_constraint("pk_alert_watch", "alert_watch")
    op.drop_column("alert_watch", "id")
    op.drop_column("alert", "facts")
    for table in ("alert", "alert_watch"):
        for name in ("subject", "target"):
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
        for name in SUBJECT[1:]:
            op.drop_column(table, name)
        op.alter_column(table, "station_id", nullable=False)
    op.drop_index(op.f("ix_alert_watch_station_id"), "alert_watch")
    op.create_primary_key("pk_alert_watch", "alert_watch", ["rule_id", "station_id"])
    for name in ("property", "control_kind", "period"):
        op.drop_constraint(op.f(f"ck_alert_rule_{name}"), "alert_rule")
    op.create_check_constraint(
        op.f("ck_alert_rule_property"), "alert_rule", "kind = 'no_data' OR property_id IS NOT NULL"
    )
    _one_of("alert_rule", "kind", FORMER_KINDS)
    for name in ("plan_id", "indicator_id", "control_kind", "quiet", "valid_from", "valid_to"):
        op.drop_column("alert_rule", name)


def _widen_rules() -> None:
    for name, to in (("plan_id", "plan"), ("indicator_id", "indicator")):
        op.add_column("alert_rule", sa.Column(name, sa.BigInteger(), nullable=True))
        op.create_foreign_key(op.f(f"fk_alert_rule_{name}"), "alert_rule", to, [name], ["id"])
        op.create_index(op.f(f"ix_alert_rule_{name}"), "alert_rule", [name])
    for column in (
        sa.Column("control_kind", sa.String(), nullable=True),
        sa.Column("quiet", postgresql.JSONB(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
    ):
        op.add_column("alert_rule", column)
    _one_of("alert_rule", "kind", KINDS)
    op.drop_constraint(op.f("ck_alert_rule_property"), "alert_rule")
    for name, rule in (
        ("property", "kind NOT IN ('above', 'below', 'rate') OR property_id IS NOT NULL"),
        ("control_kind", "(kind = 'red_line_lead') = (control_kind IS NOT NULL)"),
        ("period", "valid_to > valid_from"),
    ):
        op.create_check_constraint(op.f(f"ck_alert_rule_{name}"), "alert_rule", rule)


def _add_subjects(table: str) -> None:
    for name, to in (
        ("plan_indicator_id", "plan_indicator"),
        ("target_region_id", "region"),
        ("case_id", "lead_case"),
    ):
        op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=True))
        op.create_foreign_key(op.f(f"fk_{table}_{name}"), table, to, [name], ["id"])
        op.create_index(op.f(f"ix_{table}_{name}"), table, [name])
    op.add_column(table, sa.Column("target_year", sa.Integer(), nullable=True))
    if table == "alert_watch":
        op.create_index(op.f("ix_alert_watch_station_id"), table, ["station_id"])
    op.alter_column(table, "station_id", nullable=True)
    op.create_check_constraint(
        op.f(f"ck_{table}_subject"),
        table,
        "num_nonnulls(station_id, plan_indicator_id, case_id) = 1",
    )
    op.create_check_constraint(
        op.f(f"ck_{table}_target"),
        table,
        "(plan_indicator_id IS NULL) = (target_region_id IS NULL)"
        " AND (target_year IS NULL OR plan_indicator_id IS NOT NULL)",
    )


def _one_of(table: str, column: str, values: Sequence[str]) -> None:
    """The column holds one of the values from now on, and no other."""
    name = op.f(f"ck_{table}_{column}")
    listed = ", ".join(f"'{value}'" for value in values)
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, f"{column} IN ({listed})")


def _create_due() -> None:
    op.create_table(
        "alert_due",
        _id(),
        sa.Column("plan_id", sa.BigInteger(), nullable=True),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("num_nonnulls(plan_id, case_id) = 1", name=op.f("ck_alert_due_subject")),
        _reference("alert_due", "plan_id", "plan"),
        _reference("alert_due", "case_id", "lead_case"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_due")),
    )


def _create_subscriptions() -> None:
    op.create_table(
        "subscription",
        _id(),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("name", "address", "lang")),
        sa.Column("levels", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("rules", postgresql.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("region_id", sa.BigInteger(), nullable=True),
        sa.Column("digest_at", sa.Time(), nullable=True),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("endings", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        _moment("unsubscribed_at"),
        sa.Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *(_moment(name, default=True) for name in ("created_at", "updated_at")),
        _moment("deleted_at"),
        sa.CheckConstraint("lang IN ('zh', 'en')", name=op.f("ck_subscription_lang")),
        _reference("subscription", "region_id", "region"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
    )
    op.create_index(op.f("ix_subscription_region_id"), "subscription", ["region_id"])
    op.create_table(
        "alert_notice",
        _id(),
        sa.Column("subscription_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        _reference("alert_notice", "subscription_id", "subscription"),
        _reference("alert_notice", "event_id", "alert_event"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_notice")),
        sa.UniqueConstraint(
            "subscription_id", "event_id", name=op.f("uq_alert_notice_subscription_id_event_id")
        ),
    )
    op.create_index(op.f("ix_alert_notice_due_at"), "alert_notice", ["due_at"])


def _id() -> Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False)


def _moment(name: str, *, default: bool = False) -> Column:
    return sa.Column(
        name,
        postgresql.TIMESTAMP(timezone=True),
        server_default=sa.text("now()") if default else None,
        nullable=not default,
    )


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))
