"""Create the tables of bulletins: their templates, and the bulletins themselves."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

Column = sa.Column[object]


def upgrade() -> None:
    op.create_table(
        "bulletin_template",
        _id(),
        _text("code"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        _text("created_by"),
        _moment("created_at", default=True),
        sa.CheckConstraint("version > 0", name=op.f("ck_bulletin_template_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulletin_template")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_bulletin_template_code_version")),
    )
    _create_bulletins()
    # The function is that of the other ledgers.
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON bulletin_template"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    _guard_bulletins()


def downgrade() -> None:
    op.drop_table("bulletin")
    op.execute("DROP FUNCTION guard_bulletin()")
    op.drop_table("bulletin_template")


def _create_bulletins() -> None:
    op.create_table(
        "bulletin",
        _id(),
        _text("code"),
        sa.Column("region_id", sa.BigInteger(), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("issue", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("corrects_id", sa.BigInteger(), nullable=True),
        *(_text(name) for name in ("title_zh", "title_en", "template")),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        _text("state"),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("files", postgresql.JSONB(), nullable=False),
        _text("created_by"),
        _moment("created_at", default=True),
        _text("published_by", nullable=True),
        _moment("published_at"),
        sa.CheckConstraint("state IN ('draft', 'published')", name=op.f("ck_bulletin_state")),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_bulletin_period")),
        sa.CheckConstraint("version > 0", name=op.f("ck_bulletin_version")),
        sa.CheckConstraint(
            "(state = 'published') = (published_at IS NOT NULL)", name=op.f("ck_bulletin_published")
        ),
        *(
            sa.ForeignKeyConstraint([f"{of}_id"], [f"{to}.id"], name=op.f(f"fk_bulletin_{of}_id"))
            for of, to in (
                ("region", "region"),
                ("plan", "plan"),
                ("job", "job"),
                ("corrects", "bulletin"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulletin")),
        sa.UniqueConstraint("code", name=op.f("uq_bulletin_code")),
    )
    op.create_index("ix_bulletin_region_id_last_day", "bulletin", ["region_id", "last_day"])
    for name in ("plan_id", "job_id", "corrects_id"):
        op.create_index(f"ix_bulletin_{name}", "bulletin", [name])


def _guard_bulletins() -> None:
    """Of a draft only that it is published may change, of a published one nothing."""
    op.execute("""
      CREATE FUNCTION guard_bulletin() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF OLD.state = 'published' THEN
          RAISE EXCEPTION 'bulletin % is published and never changes', OLD.code
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        IF (to_jsonb(NEW) - '{state,published_by,published_at}'::text[])
           IS DISTINCT FROM (to_jsonb(OLD) - '{state,published_by,published_at}'::text[]) THEN
          RAISE EXCEPTION 'bulletin % never changes but that it is published', OLD.code
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
      END $$
    """)
    op.execute(
        "CREATE TRIGGER guard_bulletin BEFORE UPDATE OR DELETE ON bulletin"
        " FOR EACH ROW EXECUTE FUNCTION guard_bulletin()"
    )


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
