"""Keep what plans say as rows: provisions, figures, named features; and official texts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: str = "0037"
down_revision: str | None = "0036"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Lists as they were when this was written: later changes of the vocabulary bring migrations.
PROVISION_KINDS = (
    *("article", "task", "objective", "challenge", "opportunity", "safeguard"),
    *("step", "stage", "demonstration"),
)
FIGURE_KINDS = (
    *("evaluation", "benefit", "achievement", "condition", "context", "reference", "count"),
)
FEATURE_KINDS = (
    *("nature_reserve", "forest_park", "park", "species", "mountain", "river", "lake"),
    *("reservoir", "bay", "sea_area", "river_island", "hot_spring", "works", "practice_base"),
)
LEVELS = (
    *("nation", "province", "city", "district", "street", "town"),
    *("basin", "bay", "island", "cooperation", "demonstration_area"),
)
NEW_TABLES = ("plan_provision", "plan_figure", "named_feature")
WITH_TEXT = ("zone_class", "control_rule")

# Requirements that had another meaning in law than the printed ones, and what they are now; what
# somebody has written instead stays.
REQUIREMENTS = (
    (
        "strict_protection",
        "严禁与主导功能不符的开发建设，未经批准不得改变用途或占用；仅开展规划内的"
        "维护、修复与功能提升，以保护保育、自然恢复为主。",
        "No development that conflicts with the main function; no change of use "
        "or occupation without authority; only planned work that maintains, repairs or improves "
        "function, by conservation and natural recovery.",
        "严禁不符合主体功能定位的各类开发活动，严禁任意改变用途，禁止擅自占用和改变土地性质；"
        "仅按规划开展维护、修复和功能提升，以保护保育、自然恢复为主。",
        "Development that does not fit the main function is forbidden, and so are any arbitrary "
        "change of use, unauthorised occupation and change of the nature of land; only planned "
        "work that maintains, repairs or improves function, by conservation and natural recovery.",
    ),
    (
        "key_protection",
        "加强保护与生态建设，限制开发建设；在功能不降低且符合准入、强度与风貌管控"
        "的前提下可适度利用；及时修复建设、采矿、围垦造成的破坏。",
        "Strengthen conservation and limit building; moderate use only where "
        "function is kept and access, intensity and character controls are met; repair promptly "
        "what building, mining or reclamation damaged.",
        "加强保护保育与生态建设，限制开发建设；在不降低功能、不损害生态系统并符合空间准入、强度控制和"
        "风貌管控的前提下，可适度利用和调整布局；以自然恢复为主、人工修复为辅，及时修复不合理的建设、"
        "采矿、农业开垦造成的破坏。",
        "Strengthen conservation and ecological construction and limit building; moderate use and "
        "adjustment of layout only where function is kept, the ecosystem is not harmed and spatial "
        "access, intensity and character controls are met; mainly natural recovery, aided by "
        "artificial restoration, and prompt repair of what building, mining or the clearing of "
        "land for farming damaged.",
    ),
    (
        "general_protection",
        "在不突破红线、资源利用上线和环境质量底线的前提下按承载能力适度利用，防止"
        "过度利用，引导修复至生态系统自我维持。",
        "Use within carrying capacity while red line, resource ceiling and "
        "quality floor hold; prevent overuse; restore until the ecosystem sustains itself.",
        "按资源环境承载能力管控；在不突破生态保护红线、资源利用上线和环境质量底线的前提下适度利用，防止"
        "过度垦殖、采伐、取水、渔猎和旅游；鼓励开展稳定生态功能的修复，直至生态系统自我维持。",
        "Control by the carrying capacity of resources and environment; moderate use while red "
        "line, resource ceiling and quality floor hold; no excessive reclaiming of land for crops, "
        "logging, withdrawal of water, fishing, hunting or tourism; restoration that stabilises "
        "function is encouraged until the ecosystem sustains itself.",
    ),
    (
        "priority_restoration",
        "严格执行生态环境准入清单，统筹系统治理；以工程、技术、生物措施实施重大修"
        "复工程，自然恢复与人工修复相结合。",
        "Apply the environmental access list strictly; run major restoration "
        "projects with engineering, technical and biological measures; combine natural and "
        "artificial recovery.",
        "严格执行生态环境准入清单，统筹山水林田湖草沙一体化治理；因地制宜、科学规划、系统治理、合理利用，"
        "以工程、技术、生物等措施实施重大生态修复工程，自然恢复与人工修复相结合。",
        "Apply the environmental access list strictly; govern mountains, waters, forests, fields, "
        "lakes, grasslands and sands as one, as suits the place, by plan, as a system and with "
        "reasonable use; run major restoration projects with engineering, technical and "
        "biological measures; combine natural and artificial recovery.",
    ),
)


# Named features show the code of their region.
NOTE_REGIONS = """
CREATE FUNCTION note_named_features_of_region() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM note_tile_change('named_features', (
    SELECT ST_Extent(feature.geom) FROM named_feature feature WHERE feature.region_id = ANY (
      ARRAY(SELECT was.id FROM was JOIN became USING (id)
             WHERE was.code IS DISTINCT FROM became.code))));
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    _add_columns()
    op.create_table(
        "plan_provision",
        *_begun(),
        sa.Column("kind", sa.String(), nullable=False),
        _order(),
        *_named(),
        *(sa.Column(name, sa.String()) for name in ("article", "form", "level")),
        *_years(),
        _texts("places"),
        sa.Column(
            "region_ids",
            postgresql.ARRAY(sa.BigInteger()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        *(sa.Column(name, sa.String()) for name in ("text_zh", "text_en", "text_official")),
        *_versioned(),
        *_checks("plan_provision", kind=PROVISION_KINDS, form=("state", "deliverable")),
        *_checks("plan_provision", level=LEVELS),
        *_ended("plan_provision"),
    )
    op.create_table(
        "plan_figure",
        *_begun(),
        sa.Column("indicator_id", sa.BigInteger()),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("aspect", sa.String()),
        _order(),
        *_named(),
        *(sa.Column(name, sa.String()) for name in ("class_zh", "class_en", "comparator")),
        sa.Column("value", sa.Numeric()),
        sa.Column("unit", sa.String()),
        sa.Column("share_percent", sa.Numeric()),
        sa.Column("trend", sa.String()),
        *_years(),
        _texts("places"),
        _texts("untold"),
        *(sa.Column(name, sa.String()) for name in ("article", "note_zh", "note_en")),
        *_versioned(),
        *_checks(
            "plan_figure",
            kind=FIGURE_KINDS,
            aspect=("ecological", "social", "economic"),
            comparator=("ge", "gt", "le", "lt", "eq"),
            trend=("better", "stable_to_better", "stable", "worse"),
        ),
        sa.ForeignKeyConstraint(
            ["indicator_id"], ["indicator.id"], name="fk_plan_figure_indicator_id"
        ),
        *_ended("plan_figure"),
    )
    op.create_index("ix_plan_figure_indicator_id", "plan_figure", ["indicator_id"])
    for table in ("plan_provision", "plan_figure"):
        op.create_index(f"ix_{table}_plan_id", table, ["plan_id"])
        op.create_index(f"ix_{table}_copied_from_id", table, ["copied_from_id"])
        _live_code(table, "plan_id", "code")
    op.create_table(
        "named_feature",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        *_named(),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.String()) for name in ("article", "note_zh", "note_en")),
        sa.Column("geom", Geometry("GEOMETRY", srid=4490, spatial_index=False)),
        sa.Column("area_m2", sa.Double(), sa.Computed("ST_Area(geom::geography)", persisted=True)),
        sa.Column(
            "length_m", sa.Double(), sa.Computed("ST_Length(geom::geography)", persisted=True)
        ),
        *_versioned(),
        *_checks("named_feature", kind=FEATURE_KINDS),
        sa.CheckConstraint(
            "geom IS NULL OR ST_IsValid(geom)", name=op.f("ck_named_feature_geom_valid")
        ),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_named_feature_period")
        ),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name="fk_named_feature_region_id"),
        sa.PrimaryKeyConstraint("id", name="pk_named_feature"),
    )
    op.create_index("ix_named_feature_geom", "named_feature", ["geom"], postgresql_using="gist")
    op.create_index("ix_named_feature_region_id_kind", "named_feature", ["region_id", "kind"])
    _live_code("named_feature", "code")
    for table in NEW_TABLES:
        op.execute(f"CREATE TABLE {table}_history (recorded_to timestamptz NOT NULL, LIKE {table})")
        op.create_index(f"ix_{table}_history_code", f"{table}_history", ["code"])
    op.create_index(
        "ix_named_feature_history_geom", "named_feature_history", ["geom"], postgresql_using="gist"
    )
    for table in ("plan", *WITH_TEXT, *NEW_TABLES):
        op.execute(f"SELECT keep_history_of('{table}')")
    op.execute("INSERT INTO tile_floor (collection, id) VALUES ('named_features', 0)")
    op.execute(
        "CREATE TRIGGER note_tile_change AFTER INSERT OR UPDATE OR DELETE ON named_feature"
        " FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere('named_features')"
    )
    op.execute(NOTE_REGIONS)
    op.execute(
        "CREATE TRIGGER note_tile_change AFTER UPDATE ON region"
        " REFERENCING OLD TABLE AS was NEW TABLE AS became"
        " FOR EACH STATEMENT EXECUTE FUNCTION note_named_features_of_region()"
    )
    _require(forward=True)


def downgrade() -> None:
    _require(forward=False)
    op.execute("DROP TRIGGER note_tile_change ON region")
    op.execute("DROP FUNCTION note_named_features_of_region")
    op.execute("DELETE FROM tile_change WHERE collection = 'named_features'")
    op.execute("DELETE FROM tile_floor WHERE collection = 'named_features'")
    for table in reversed(NEW_TABLES):
        op.drop_table(f"{table}_history")
        op.drop_table(table)
        op.execute(f"DROP FUNCTION keep_history_of_{table}()")
    for table in WITH_TEXT:
        for kept in (table, f"{table}_history"):
            op.drop_column(kept, "text_official")
    for kept in ("plan", "plan_history"):
        op.drop_column(kept, "spatial_plan_id")
    for table in ("plan", *WITH_TEXT):
        op.execute(f"SELECT keep_history_of('{table}')")


def _add_columns() -> None:
    for kept in ("plan", "plan_history"):
        op.add_column(kept, sa.Column("spatial_plan_id", sa.BigInteger()))
    op.create_foreign_key("fk_plan_spatial_plan_id", "plan", "plan", ["spatial_plan_id"], ["id"])
    op.create_index("ix_plan_spatial_plan_id", "plan", ["spatial_plan_id"])
    for table in WITH_TEXT:
        for kept in (table, f"{table}_history"):
            op.add_column(kept, sa.Column("text_official", sa.String()))


def _require(*, forward: bool) -> None:
    classes = sa.table(
        "zone_class",
        sa.column("row_version", sa.Integer),
        *map(sa.column, ("scheme_kind", "class_code", "requirement_zh", "requirement_en")),
        sa.column("updated_at"),
    )
    for code, old_zh, old_en, new_zh, new_en in REQUIREMENTS:
        was, becomes = ((old_zh, old_en), (new_zh, new_en))[:: 1 if forward else -1]
        op.execute(
            classes.update()
            .where(
                classes.c.scheme_kind == "supply_demand",
                classes.c.class_code == code,
                classes.c.requirement_zh == was[0],
                classes.c.requirement_en == was[1],
            )
            .values(
                requirement_zh=becomes[0],
                requirement_en=becomes[1],
                row_version=classes.c.row_version + 1,
                updated_at=sa.func.now(),
            )
        )


def _begun() -> tuple[sa.Column[int] | sa.Column[str], ...]:
    return (
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("copied_from_id", sa.BigInteger()),
    )


def _order() -> sa.Column[int]:
    return sa.Column("order_no", sa.Integer(), server_default=sa.text("1"), nullable=False)


def _named() -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.String(), nullable=False) for name in ("name_zh", "name_en"))


def _years() -> tuple[sa.Column[int], ...]:
    return tuple(sa.Column(name, sa.Integer()) for name in ("first_year", "last_year"))


def _texts(name: str) -> sa.Column[list[str]]:
    return sa.Column(
        name, postgresql.ARRAY(sa.TEXT()), server_default=sa.text("'{}'"), nullable=False
    )


def _versioned() -> tuple[sa.Column[object], ...]:
    moment = sa.TIMESTAMP(timezone=True)
    return (
        sa.Column(
            "attrs", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", moment),
        sa.Column("valid_from", sa.Date(), server_default=sa.text("current_date")),
        sa.Column("valid_to", sa.Date()),
    )


def _checks(table: str, **lists: tuple[str, ...]) -> tuple[sa.CheckConstraint, ...]:
    return tuple(
        sa.CheckConstraint(
            f"{column} IN ({', '.join(repr(value) for value in values)})",
            name=op.f(f"ck_{table}_{column}"),
        )
        for column, values in lists.items()
    )


def _ended(table: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to >= valid_from", name=op.f(f"ck_{table}_period")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=f"fk_{table}_plan_id"),
        sa.ForeignKeyConstraint(
            ["copied_from_id"], [f"{table}.id"], name=f"fk_{table}_copied_from_id"
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )


def _live_code(table: str, *columns: str) -> None:
    op.create_index(
        f"uq_{table}_code_live",
        table,
        [*columns],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
