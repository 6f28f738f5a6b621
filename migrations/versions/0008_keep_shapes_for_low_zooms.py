"""Keep simpler shapes for low zooms, and note which objects wait for theirs."""

# ruff: noqa: S608 - statements are made of constants of this file

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Each table with the column of its shape and, where its rows lie side by side, the one that is the
# same for all of a cover.
SHAPED: dict[str, tuple[str, str | None]] = {
    "region": ("geom", "level"),
    "zone": ("geom", "scheme_id"),
    "control_area": ("geom", "kind"),
    "pattern_component": ("geom", None),
    "corridor": ("geom", None),
    "corridor_node": ("geom", None),
    "problem": ("geom", None),
    "project": ("geom", None),
    "dataset": ("footprint", None),
}
BANDS = "4, 6, 8, 10, 12, 99"
REFERENCES = {
    "INSERT": "NEW TABLE AS became",
    "UPDATE": "OLD TABLE AS was NEW TABLE AS became",
    "DELETE": "OLD TABLE AS was",
}

# The object is made to wait before its shapes are forgotten: whoever makes them locks its place in
# the queue, so shapes that are being made are either seen and forgotten, or not written. It runs as
# the owner of the tables, as whoever writes objects need not have rights on shapes.
AWAIT = """
CREATE FUNCTION await_shapes_of_{table}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
SET enable_nestloop = off SET enable_hashjoin = on AS $$
DECLARE
  changed bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO tile_pending (source, id)
    SELECT '{table}', id FROM became WHERE {geometry} IS NOT NULL;
    RETURN NULL;
  ELSIF TG_OP = 'DELETE' THEN
    changed := ARRAY(SELECT id FROM was);
    DELETE FROM tile_pending WHERE source = '{table}' AND id = ANY (changed);
  ELSE
    changed := ARRAY(SELECT became.id FROM was JOIN became USING (id)
                      WHERE was.{geometry} IS DISTINCT FROM became.{geometry}{cover});
    IF changed = '{{}}' THEN
      RETURN NULL;
    END IF;
    INSERT INTO tile_pending (source, id) SELECT '{table}', unnest(changed)
    ON CONFLICT (source, id) DO UPDATE SET ticket = excluded.ticket;
  END IF;
  DELETE FROM {table}_shape WHERE band IN ({bands}) AND id = ANY (changed);
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "tile_pending",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "ticket",
            sa.BigInteger(),
            server_default=sa.text("pg_current_xact_id()::text::bigint"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("source", "id", name=op.f("pk_tile_pending")),
    )
    for table, (geometry, cover) in SHAPED.items():
        _create_shapes(table)
        _await(table, geometry, cover)
        op.execute(
            f"INSERT INTO tile_pending (source, id) SELECT '{table}', id FROM {table}"
            f" WHERE {geometry} IS NOT NULL"
        )


def downgrade() -> None:
    for table in SHAPED:
        for operation in REFERENCES:
            op.execute(f"DROP TRIGGER await_shapes_{operation.lower()} ON {table}")
        op.execute(f"DROP FUNCTION await_shapes_of_{table}")
        op.drop_table(f"{table}_shape")
    op.drop_table("tile_pending")


def _create_shapes(table: str) -> None:
    name = f"{table}_shape"
    op.create_table(
        name,
        sa.Column("band", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.Double(), nullable=False),
        sa.Column("geom", Geometry("GEOMETRY", srid=4490, spatial_index=False), nullable=False),
        sa.PrimaryKeyConstraint("band", "id", name=op.f(f"pk_{name}")),
    )
    op.create_index(f"ix_{name}_band_geom", name, ["band", "geom"], postgresql_using="gist")


def _await(table: str, geometry: str, cover: str | None) -> None:
    apart = "" if cover is None else f"\n     OR was.{cover} IS DISTINCT FROM became.{cover}"
    op.execute(AWAIT.format(table=table, geometry=geometry, cover=apart, bands=BANDS))
    for operation, references in REFERENCES.items():
        op.execute(
            f"CREATE TRIGGER await_shapes_{operation.lower()} AFTER {operation} ON {table}"
            f" REFERENCING {references}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION await_shapes_of_{table}()"
        )
