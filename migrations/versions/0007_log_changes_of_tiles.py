"""Log where what is drawn has changed, a box a statement, and tell those who listen."""

# ruff: noqa: S608 - statements are made of constants of this file

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

Operation = Literal["INSERT", "UPDATE", "DELETE"]


class Drawn(NamedTuple):
    """Rows whose change is a change of a collection where they lie.

    Attributes:
        extent: SQL of the box of the rows of `{rows}`, which have all columns of the table.
    """

    collection: str
    extent: str


class Read(NamedTuple):
    """Rows of other tables that show a column of the table's own.

    Attributes:
        columns: What they show of it.
        rows: What follows `FROM`: their geometry `h.geom`, for the ids in the array `changed`.
    """

    collection: str
    columns: str
    rows: str


def drawn(collection: str, geometry: str = "geom") -> Drawn:
    return Drawn(collection, f"SELECT ST_Extent({geometry}) FROM {{rows}} touched")


def read(collection: str, table: str, by: str, *, columns: str = "code") -> Read:
    return Read(collection, columns, f"{table} h WHERE h.{by} = ANY (changed)")


def beside(table: str, key: str) -> Drawn:
    """Rows that say something of a project."""
    of = f"ARRAY(SELECT {key} FROM {{rows}} touched)"
    return Drawn("projects", f"SELECT ST_Extent(p.geom) FROM project p WHERE p.id = ANY ({of})")


# Versions of one code decide together which of them is the present one.
SAME_CODE = "ARRAY(SELECT id FROM zone_scheme WHERE code IN (SELECT code FROM {rows} touched))"
SCHEMES_REGIONS = (
    "ARRAY(SELECT region_id FROM {rows} touched UNION SELECT region_id FROM zone_scheme"
    " WHERE code IN (SELECT code FROM {rows} again))"
)
OF_SCHEMES = "ARRAY(SELECT id FROM zone_scheme WHERE {by} = ANY (changed))"
OF_PATTERNS = "ARRAY(SELECT id FROM pattern WHERE region_id = ANY (changed))"
OF_LINKS = "ARRAY(SELECT project_id FROM {link} WHERE {by} = ANY (changed))"
OF_REGIONS = "ARRAY(SELECT region_id FROM {table} WHERE {by} = ANY (changed))"
ZONES_OF_SCHEMES = f"zone h WHERE h.scheme_id = ANY ({OF_SCHEMES})"
COMPONENTS = f"pattern_component h WHERE h.pattern_id = ANY ({OF_PATTERNS})"
LINKED = f"project h WHERE h.id = ANY ({OF_LINKS})"
AT_HOME = f"region h WHERE h.id = ANY ({OF_REGIONS})"
CLASS_SHOWN = (
    "code, class_code, order_no, group_code, name_zh, name_en, color, requirement_zh,"
    " requirement_en"
)
PATTERN_SHOWN = "code, name_zh, name_en, status, region_id, deleted_at"


def where_regions_are(table: str) -> Drawn:
    """Rows drawn where their region lies, once it lies elsewhere."""
    used = f"SELECT region_id FROM {table}"
    return Drawn(f"{table}s", f"SELECT ST_Extent(geom) FROM {{rows}} touched WHERE id IN ({used})")


DRAWN: dict[str, tuple[Drawn, ...]] = {
    "region": (drawn("regions"), where_regions_are("plan"), where_regions_are("zone_scheme")),
    "plan": (
        Drawn(
            "plans",
            "SELECT ST_Extent(r.geom) FROM region r"
            " WHERE r.id = ANY (ARRAY(SELECT region_id FROM {rows} touched))",
        ),
    ),
    "zone_scheme": (
        Drawn(
            "zone_schemes",
            f"SELECT ST_Extent(r.geom) FROM region r WHERE r.id = ANY ({SCHEMES_REGIONS})",
        ),
        Drawn(
            "zones", f"SELECT ST_Extent(z.geom) FROM zone z WHERE z.scheme_id = ANY ({SAME_CODE})"
        ),
    ),
    "zone": (drawn("zones"),),
    "zone_class": (),
    "pattern": (),
    "pattern_component": (drawn("pattern_components"),),
    "corridor": (drawn("corridors"),),
    "corridor_node": (drawn("corridor_nodes"),),
    "control_area": (drawn("control_areas"),),
    "problem": (drawn("problems"),),
    "project": (drawn("projects"),),
    "project_region": (beside("project_region", "project_id"),),
    "project_problem": (beside("project_problem", "project_id"),),
    "project_measure": (beside("project_measure", "project_id"),),
    "programme": (),
    "party": (),
    "station": (drawn("stations"),),
    # Rasters are found by these rows, whether or not anyone knows where they lie.
    "dataset": (
        Drawn(
            "datasets",
            "SELECT coalesce(ST_Extent(footprint), everywhere()) FROM {rows} touched"
            " HAVING count(*) > 0",
        ),
    ),
}
READ: dict[str, tuple[Read, ...]] = {
    "region": (
        read("regions", "region", "parent_id"),
        Read("pattern_components", "code", COMPONENTS),
        read("corridors", "corridor", "region_id"),
        read("corridor_nodes", "corridor_node", "region_id"),
        Read("zones", "code", ZONES_OF_SCHEMES.format(by="region_id")),
        read("control_areas", "control_area", "region_id"),
        read("problems", "problem", "region_id"),
        read("projects", "project", "region_id"),
        Read("projects", "code", LINKED.format(link="project_region", by="region_id")),
        read("stations", "station", "region_id"),
        read("datasets", "(SELECT region_id, footprint AS geom FROM dataset)", "region_id"),
    ),
    "plan": (
        Read("plans", "code", AT_HOME.format(table="plan", by="upper_plan_id")),
        Read("zone_schemes", "code", AT_HOME.format(table="zone_scheme", by="plan_id")),
        Read("zones", "code", ZONES_OF_SCHEMES.format(by="plan_id")),
        read("corridors", "corridor", "plan_id"),
        read("control_areas", "control_area", "plan_id"),
        read("problems", "problem", "plan_id"),
        read("projects", "project", "plan_id"),
    ),
    "zone_class": (read("zones", "zone", "class_id", columns=CLASS_SHOWN),),
    "pattern": (
        read("pattern_components", "pattern_component", "pattern_id", columns=PATTERN_SHOWN),
        read("corridors", "corridor", "pattern_id"),
    ),
    "pattern_component": (read("pattern_components", "pattern_component", "parent_id"),),
    "problem": (
        Read(
            "projects",
            "code, deleted_at",
            LINKED.format(link="project_problem", by="problem_id"),
        ),
    ),
    "programme": (read("projects", "project", "programme_id"),),
    "party": (
        read("projects", "project", "owner_id"),
        read("stations", "station", "owner_id"),
    ),
}
EVERYWHERE = {"project_state": "projects", "job_dataset": "datasets"}
COLLECTIONS = sorted(
    {one.collection for drawings in DRAWN.values() for one in drawings}
    | {one.collection for readings in READ.values() for one in readings}
)

EVERYWHERE_BOX = """
CREATE FUNCTION everywhere() RETURNS box2d LANGUAGE sql IMMUTABLE AS
  $$ SELECT 'BOX(-Infinity -Infinity,Infinity Infinity)'::box2d $$
"""

# It runs as the owner of the tables: whoever writes rows need not have rights on the log.
NOTE = """
CREATE FUNCTION note_tile_change(name text, extent box2d) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF extent IS NOT NULL THEN
    INSERT INTO tile_change (collection, west, south, east, north)
    VALUES (name, ST_XMin(extent), ST_YMin(extent), ST_XMax(extent), ST_YMax(extent));
    PERFORM pg_notify('shanhai_tiles', '');
  END IF;
END $$
"""
NOTE_EVERYWHERE = """
CREATE FUNCTION note_tiles_everywhere() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY TG_ARGV LOOP
    PERFORM note_tile_change(name, everywhere());
  END LOOP;
  RETURN NULL;
END $$
"""

# A raster is served once its job has ended well; a lease that is renewed changes nothing.
NOTE_JOBS = """
CREATE FUNCTION note_tile_change_of_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM was JOIN became USING (id) WHERE was.status <> became.status
               AND 'successful' IN (was.status, became.status)) THEN
    PERFORM note_tile_change('datasets', everywhere());
  END IF;
  RETURN NULL;
END $$
"""

# The rows of a statement are joined by hashing: a plan made for one row is kept for the session.
# Rows that show something of them are sought by arrays of numbers, which need no join.
BODY = """
CREATE FUNCTION note_tile_change_of_{table}() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off SET enable_hashjoin = on AS $$
DECLARE
  changed bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    {inserted}
  ELSIF TG_OP = 'DELETE' THEN
    {deleted}
  ELSE
    {updated}
  END IF;
  RETURN NULL;
END $$
"""
ROWS: dict[Operation, str] = {
    "INSERT": "became",
    "DELETE": "was",
    "UPDATE": "(TABLE was UNION ALL TABLE became)",
}
REFERENCES: dict[Operation, str] = {
    "INSERT": "NEW TABLE AS became",
    "UPDATE": "OLD TABLE AS was NEW TABLE AS became",
    "DELETE": "OLD TABLE AS was",
}


def upgrade() -> None:
    op.create_table(
        "tile_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("collection", sa.String(), nullable=False),
        *(
            sa.Column(side, sa.Double(), nullable=False)
            for side in ("west", "south", "east", "north")
        ),
        sa.Column(
            "transaction",
            sa.BigInteger(),
            server_default=sa.text("pg_current_xact_id()::text::bigint"),
            nullable=False,
        ),
        sa.Column(
            "at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tile_change")),
    )
    op.create_index(op.f("ix_tile_change_transaction"), "tile_change", ["transaction"])
    op.create_table(
        "tile_floor",
        sa.Column("collection", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column(
            "at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("collection", name=op.f("pk_tile_floor")),
    )
    for name in COLLECTIONS:
        op.execute(f"INSERT INTO tile_floor (collection, id) VALUES ('{name}', 0)")
    for function in (EVERYWHERE_BOX, NOTE, NOTE_EVERYWHERE, NOTE_JOBS):
        op.execute(function)
    for table in DRAWN:
        _watch(table)
    for table, collection in EVERYWHERE.items():
        op.execute(
            f"CREATE TRIGGER note_tile_change AFTER INSERT OR UPDATE OR DELETE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere('{collection}')"
        )
    op.execute(
        "CREATE TRIGGER note_tile_change AFTER UPDATE ON job"
        " REFERENCING OLD TABLE AS was NEW TABLE AS became"
        " FOR EACH STATEMENT EXECUTE FUNCTION note_tile_change_of_job()"
    )


def downgrade() -> None:
    for table in DRAWN:
        for operation in (*REFERENCES, "TRUNCATE"):
            op.execute(f"DROP TRIGGER IF EXISTS note_tile_{operation.lower()} ON {table}")
        op.execute(f"DROP FUNCTION note_tile_change_of_{table}")
    for table in (*EVERYWHERE, "job"):
        op.execute(f"DROP TRIGGER note_tile_change ON {table}")
    for function in (
        *("note_tile_change_of_job", "note_tiles_everywhere", "note_tile_change"),
        "everywhere",
    ):
        op.execute(f"DROP FUNCTION {function}")
    op.drop_table("tile_floor")
    op.drop_table("tile_change")


def _watch(table: str) -> None:
    drawings, readings = DRAWN[table], READ.get(table, ())
    op.execute(
        BODY.format(
            table=table,
            inserted=_indented(_notes(table, "INSERT")),
            deleted=_indented(_notes(table, "DELETE")),
            updated=_indented([*_notes(table, "UPDATE"), *_readings(readings)]),
        )
    )
    for operation, references in REFERENCES.items():
        if drawings or operation == "UPDATE":
            op.execute(
                f"CREATE TRIGGER note_tile_{operation.lower()} AFTER {operation} ON {table}"
                f" REFERENCING {references}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION note_tile_change_of_{table}()"
            )
    touched = sorted({one.collection for one in (*drawings, *readings)})
    listed = ", ".join(f"'{collection}'" for collection in touched)
    op.execute(
        f"CREATE TRIGGER note_tile_truncate AFTER TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere({listed})"
    )


def _notes(table: str, operation: Operation) -> list[str]:
    """A new region has no plan yet, so its own row is all there is to draw."""
    drawings = DRAWN[table][:1] if (table, operation) == ("region", "INSERT") else DRAWN[table]
    return [
        f"PERFORM note_tile_change('{one.collection}',"
        f" ({one.extent.format(rows=ROWS[operation])}));"
        for one in drawings
    ]


def _readings(readings: Sequence[Read]) -> Iterator[str]:
    """Rows that show what has changed, looked for by index once any has."""
    for columns in dict.fromkeys(one.columns for one in readings):
        names = columns.split(", ")
        before = ", ".join(f"was.{name}" for name in names)
        after = ", ".join(f"became.{name}" for name in names)
        yield (
            "changed := ARRAY(SELECT became.id FROM was JOIN became USING (id)"
            f" WHERE ({before}) IS DISTINCT FROM ({after}));"
        )
        yield "IF changed <> '{}' THEN"
        for one in readings:
            if one.columns == columns:
                yield (
                    f"  PERFORM note_tile_change('{one.collection}',"
                    f" (SELECT ST_Extent(h.geom) FROM {one.rows}));"
                )
        yield "END IF;"


def _indented(lines: Sequence[str]) -> str:
    return "\n    ".join(lines or ["NULL;"])
