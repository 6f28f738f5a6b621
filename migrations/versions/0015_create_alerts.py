"""Create the tables of early warning: rules, watches, alerts and their events."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

LEVEL = "level IN ('blue', 'yellow', 'orange', 'red')"
Column = sa.Column[object]


def upgrade() -> None:
    _create_rules()
    op.create_table(
        "alert_watch",
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        _moment("seen_to", nullable=True),
        sa.Column("since", postgresql.JSONB(), nullable=False),
        sa.Column("level", sa.String(), nullable=True),
        sa.CheckConstraint(LEVEL, name=op.f("ck_alert_watch_level")),
        _reference("alert_watch", "rule_id", "alert_rule"),
        _reference("alert_watch", "station_id", "station"),
        sa.PrimaryKeyConstraint("rule_id", "station_id", name=op.f("pk_alert_watch")),
    )
    _create_alerts()


def downgrade() -> None:
    for name in ("alert_event", "alert", "alert_watch", "alert_rule"):
        op.drop_table(name)


def _create_rules() -> None:
    op.create_table(
        "alert_rule",
        _id(),
        *(_text(name) for name in ("code", "name_zh", "name_en", "kind")),
        sa.Column("property_id", sa.SmallInteger(), nullable=True),
        sa.Column("stations", postgresql.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("region_id", sa.BigInteger(), nullable=True),
        sa.Column("limits", postgresql.JSONB(), nullable=False),
        sa.Column("reset", sa.Double(), nullable=False),
        sa.Column("min_duration_s", sa.Integer(), nullable=False),
        sa.Column("max_age_s", sa.Integer(), nullable=False),
        sa.Column("any_quality", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        _version(),
        *(
            sa.Column(
                name,
                postgresql.TIMESTAMP(timezone=True),
                server_default=sa.text("now()"),
                nullable=False,
            )
            for name in ("created_at", "updated_at")
        ),
        _moment("deleted_at", nullable=True),
        sa.CheckConstraint(
            "kind IN ('above', 'below', 'rate', 'no_data')", name=op.f("ck_alert_rule_kind")
        ),
        sa.CheckConstraint(
            "kind = 'no_data' OR property_id IS NOT NULL", name=op.f("ck_alert_rule_property")
        ),
        sa.CheckConstraint("min_duration_s >= 0", name=op.f("ck_alert_rule_min_duration_s")),
        sa.CheckConstraint("max_age_s > 0", name=op.f("ck_alert_rule_max_age_s")),
        _reference("alert_rule", "property_id", "observed_property"),
        _reference("alert_rule", "region_id", "region"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_rule")),
    )
    op.create_index(
        "uq_alert_rule_code_live",
        "alert_rule",
        ["code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    for name in ("property_id", "region_id"):
        op.create_index(op.f(f"ix_alert_rule_{name}"), "alert_rule", [name])


def _create_alerts() -> None:
    op.create_table(
        "alert",
        _id(),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        _text("status"),
        _text("level"),
        _moment("began_at"),
        _moment("raised_at"),
        sa.Column("measure", sa.Double(), nullable=False),
        _moment("opened_at"),
        _moment("acknowledged_at", nullable=True),
        _text("acknowledged_by", nullable=True),
        _moment("closed_at", nullable=True),
        _text("closed_by", nullable=True),
        _version(),
        sa.CheckConstraint(
            "status IN ('open', 'acknowledged', 'closed')", name=op.f("ck_alert_status")
        ),
        sa.CheckConstraint(LEVEL, name=op.f("ck_alert_level")),
        _reference("alert", "rule_id", "alert_rule"),
        _reference("alert", "station_id", "station"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_index(
        "uq_alert_rule_id_station_id_live",
        "alert",
        ["rule_id", "station_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'closed'"),
    )
    for name in ("rule_id", "station_id"):
        op.create_index(op.f(f"ix_alert_{name}"), "alert", [name])
    op.create_table(
        "alert_event",
        _id(),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        _moment("at"),
        _text("kind"),
        _text("level"),
        _text("actor", nullable=True),
        _text("note", nullable=True),
        _moment("observed_at", nullable=True),
        sa.Column("measure", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('opened', 'raised', 'acknowledged', 'recovered', 'closed', 'rule_changed')",
            name=op.f("ck_alert_event_kind"),
        ),
        sa.CheckConstraint(LEVEL, name=op.f("ck_alert_event_level")),
        _reference("alert_event", "alert_id", "alert"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_event")),
    )
    op.create_index(op.f("ix_alert_event_alert_id"), "alert_event", ["alert_id"])


def _id() -> Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False)


def _text(name: str, *, nullable: bool = False) -> Column:
    return sa.Column(name, sa.String(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> Column:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=nullable)


def _version() -> Column:
    return sa.Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False)


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))
