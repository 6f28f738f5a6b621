"""Create the tables of red-line leads: cases and their events."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STATES = "('new', 'assigned', 'verified', 'rectification', 'closed')"
RESULTS = "('confirmed', 'not_change', 'lawful')"
KINDS = (
    "('construction', 'mining', 'clearing', 'cultivation', 'filling', 'dumping', 'road', 'other')"
)
Column = sa.Column[object]


def upgrade() -> None:
    _create_cases()
    op.create_table(
        "case_event",
        _id(),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        _text("from_state", nullable=True),
        _text("to_state"),
        _moment("at", default=True),
        _text("actor"),
        *(_text(name, nullable=True) for name in ("note", "result", "assignee")),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column(
            "documents",
            postgresql.ARRAY(sa.TEXT()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.CheckConstraint(f"from_state IN {STATES}", name=op.f("ck_case_event_from_state")),
        sa.CheckConstraint(f"to_state IN {STATES}", name=op.f("ck_case_event_to_state")),
        sa.CheckConstraint(f"result IN {RESULTS}", name=op.f("ck_case_event_result")),
        sa.ForeignKeyConstraint(["case_id"], ["lead_case.id"], name=op.f("fk_case_event_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_event")),
        sa.UniqueConstraint("case_id", "seq", name=op.f("uq_case_event_case_id_seq")),
    )

    # The function is that of the other ledgers.
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON case_event"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("case_event")
    op.drop_table("lead_case")


def _create_cases() -> None:
    shape = Geometry("MULTIPOLYGON", srid=4490, spatial_index=False)
    op.create_table(
        "lead_case",
        _id(),
        *(_text(name) for name in ("code", "source", "external_id", "content_sha256", "kind")),
        sa.Column("sensed_before", sa.Date(), nullable=False),
        sa.Column("sensed_after", sa.Date(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("geom", shape, nullable=False),
        sa.Column(
            "area_m2",
            sa.Double(),
            sa.Computed("ST_Area(geom::geography)", persisted=True),
            nullable=True,
        ),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        sa.Column("inside_m2", sa.Double(), nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(), server_default="new", nullable=False),
        *(_text(name, nullable=True) for name in ("result", "assignee")),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        _moment("created_at", default=True),
        _moment("updated_at", default=True),
        _moment("closed_at"),
        sa.CheckConstraint(f"kind IN {KINDS}", name=op.f("ck_lead_case_kind")),
        sa.CheckConstraint(f"state IN {STATES}", name=op.f("ck_lead_case_state")),
        sa.CheckConstraint(f"result IN {RESULTS}", name=op.f("ck_lead_case_result")),
        sa.CheckConstraint("sensed_before < sensed_after", name=op.f("ck_lead_case_sensed")),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name=op.f("ck_lead_case_confidence")),
        sa.CheckConstraint(
            "geom IS NULL OR ST_IsValid(geom)", name=op.f("ck_lead_case_geom_valid")
        ),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name=op.f("fk_lead_case_region_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_case")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_lead_case_source_external_id")),
        sa.UniqueConstraint("code", name=op.f("uq_lead_case_code")),
    )
    op.create_index("ix_lead_case_geom", "lead_case", ["geom"], postgresql_using="gist")
    op.create_index("ix_lead_case_region_id_state", "lead_case", ["region_id", "state"])


def _id() -> Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False)


def _text(name: str, *, nullable: bool = False) -> Column:
    return sa.Column(name, sa.String(), nullable=nullable)


def _moment(name: str, *, default: bool = False) -> Column:
    return sa.Column(
        name,
        postgresql.TIMESTAMP(timezone=True),
        server_default=sa.text("now()") if default else None,
        nullable=not default,
    )
