"""Point at nodes of corridors, and keep their outlines beside them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision: str = "0041"
down_revision: str | None = "0040"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TABLES = ("corridor_node", "corridor_node_history")
# Lines and groups of points, which are no outlines, are kept among the attributes.
POINT_AT = """
UPDATE {table} SET
       footprint = CASE WHEN GeometryType(geom) IN ('POLYGON', 'MULTIPOLYGON')
                        THEN ST_Multi(geom) END,
       attrs = CASE WHEN GeometryType(geom) IN ('POLYGON', 'MULTIPOLYGON') THEN attrs
                    ELSE attrs || jsonb_build_object('former_shape', ST_AsHEXEWKB(geom)) END,
       geom = ST_PointOnSurface(geom), row_version = row_version + 1
 WHERE GeometryType(geom) <> 'POINT'
"""
DRAW_AGAIN = """
UPDATE {table} SET geom = coalesce(footprint, (attrs->>'former_shape')::geometry),
       attrs = attrs - 'former_shape', row_version = row_version + 1
 WHERE footprint IS NOT NULL OR attrs ? 'former_shape'
"""


def upgrade() -> None:
    for table in TABLES:
        op.add_column(
            table, sa.Column("footprint", Geometry("MULTIPOLYGON", srid=4490, spatial_index=False))
        )
    _rewrite(POINT_AT)
    op.create_check_constraint(
        op.f("ck_corridor_node_footprint_valid"),
        "corridor_node",
        "footprint IS NULL OR ST_IsValid(footprint)",
    )
    for table in TABLES:
        op.create_index(f"ix_{table}_footprint", table, ["footprint"], postgresql_using="gist")
    _measure("footprint", "Point")


def downgrade() -> None:
    _measure("geom", "Geometry")
    _rewrite(DRAW_AGAIN)
    for table in TABLES:
        op.drop_column(table, "footprint")
    op.execute("SELECT keep_history_of('corridor_node')")


def _rewrite(statement: str) -> None:
    """Change shapes in place: where a node lies is not news, but maps have to draw it again."""
    op.execute("ALTER TABLE corridor_node DISABLE TRIGGER keep_history")
    for table in TABLES:
        op.execute(statement.format(table=table))
    op.execute("ALTER TABLE corridor_node ENABLE TRIGGER keep_history")


def _measure(column: str, kind: str) -> None:
    """Compute the area from a column, and let shapes be of a type."""
    op.drop_column("corridor_node", "area_m2")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ALTER geom TYPE geometry({kind}, 4490)")
    op.add_column(
        "corridor_node",
        sa.Column(
            "area_m2", sa.Double(), sa.Computed(f"ST_Area({column}::geography)", persisted=True)
        ),
    )
    _move_area_to_the_end()
    op.execute("SELECT keep_history_of('corridor_node')")


def _move_area_to_the_end() -> None:
    """A former row has its columns in the order of the table's."""
    op.execute("ALTER TABLE corridor_node_history RENAME area_m2 TO former_area_m2")
    op.add_column("corridor_node_history", sa.Column("area_m2", sa.Double()))
    op.execute("UPDATE corridor_node_history SET area_m2 = former_area_m2")
    op.drop_column("corridor_node_history", "former_area_m2")
