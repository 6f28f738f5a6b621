"""Create what a plan is made of: lines, patterns, corridors, projects, indicators; keep history."""

from collections.abc import Sequence

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

CORE_CHANGES = (
    # One live row per code; what else there is of it stays readable as a former state.
    "UPDATE region r SET deleted_at = now() WHERE deleted_at IS NULL AND EXISTS (SELECT FROM region"
    " o WHERE o.code = r.code AND o.deleted_at IS NULL AND o.valid_from > r.valid_from)",
    "UPDATE plan p SET deleted_at = now() WHERE deleted_at IS NULL AND EXISTS (SELECT FROM plan o"
    " WHERE o.code = p.code AND o.deleted_at IS NULL AND o.version > p.version)",
    "DROP INDEX uq_region_code_live",
    "CREATE UNIQUE INDEX uq_region_code_live ON region (code) WHERE deleted_at IS NULL",
    "ALTER TABLE region DROP CONSTRAINT ck_region_period",
    "ALTER TABLE plan DROP CONSTRAINT uq_plan_code_version, DROP CONSTRAINT ck_plan_period",
    "DROP INDEX uq_plan_code_live",
    "CREATE UNIQUE INDEX uq_plan_code_live ON plan (code) WHERE deleted_at IS NULL",
    "ALTER TABLE plan ADD first_year integer, ADD last_year integer",
    "UPDATE plan SET first_year = lower(period), last_year = upper(period) - 1",
    "ALTER TABLE plan ALTER first_year SET NOT NULL, DROP COLUMN period,"
    " ADD CONSTRAINT ck_plan_years CHECK (last_year >= first_year)",
    "ALTER TABLE dataset ADD valid_from date DEFAULT current_date, ADD valid_to date",
    "UPDATE dataset SET valid_from = created_at::date, valid_to = deleted_at::date",
    "ALTER TABLE zone ADD functions text[] NOT NULL DEFAULT '{}',"
    " ADD problems text[] NOT NULL DEFAULT '{}', ADD row_version integer NOT NULL DEFAULT 1,"
    " ADD created_at timestamptz NOT NULL DEFAULT now(),"
    " ADD updated_at timestamptz NOT NULL DEFAULT now(), ADD deleted_at timestamptz,"
    " ADD valid_from date, ADD valid_to date, DROP CONSTRAINT uq_zone_scheme_id_code",
    "CREATE UNIQUE INDEX uq_zone_code_live ON zone (scheme_id, code) WHERE deleted_at IS NULL",
    "CREATE INDEX ix_zone_code ON zone (code)",
    "CREATE INDEX ix_zone_class_id ON zone (class_id)",
    "ALTER TABLE zone_class DROP CONSTRAINT uq_zone_class_scheme_kind_code",
    "ALTER TABLE zone_class RENAME code TO class_code",
    "ALTER TABLE zone_class ADD code varchar, ADD traits_zh varchar, ADD traits_en varchar,"
    " ADD relation varchar, ADD restoration_modes text[] NOT NULL DEFAULT '{}',"
    " ADD attrs jsonb NOT NULL DEFAULT '{}', ADD row_version integer NOT NULL DEFAULT 1,"
    " ADD created_at timestamptz NOT NULL DEFAULT now(),"
    " ADD updated_at timestamptz NOT NULL DEFAULT now(), ADD deleted_at timestamptz,"
    " ADD valid_from date, ADD valid_to date",
    "UPDATE zone_class SET code = scheme_kind || '.' || class_code",
    "ALTER TABLE zone_class ALTER code SET NOT NULL, ALTER valid_from SET DEFAULT current_date",
    "CREATE UNIQUE INDEX uq_zone_class_code_live ON zone_class (code) WHERE deleted_at IS NULL",
    "CREATE UNIQUE INDEX uq_zone_class_kind_class_live ON zone_class (scheme_kind, class_code)"
    " WHERE deleted_at IS NULL",
)

CORE_CHANGES_BACK = (
    "DROP INDEX uq_zone_class_kind_class_live",
    "DROP INDEX uq_zone_class_code_live",
    "ALTER TABLE zone_class DROP code, DROP traits_zh, DROP traits_en, DROP relation,"
    " DROP restoration_modes, DROP attrs, DROP row_version, DROP created_at, DROP updated_at,"
    " DROP deleted_at, DROP valid_from, DROP valid_to",
    "ALTER TABLE zone_class RENAME class_code TO code",
    "ALTER TABLE zone_class ADD CONSTRAINT uq_zone_class_scheme_kind_code"
    " UNIQUE (scheme_kind, code)",
    "DROP INDEX ix_zone_class_id",
    "DROP INDEX ix_zone_code",
    "DROP INDEX uq_zone_code_live",
    "ALTER TABLE zone DROP functions, DROP problems, DROP row_version, DROP created_at,"
    " DROP updated_at, DROP deleted_at, DROP valid_from, DROP valid_to,"
    " ADD CONSTRAINT uq_zone_scheme_id_code UNIQUE (scheme_id, code)",
    "ALTER TABLE dataset DROP valid_from, DROP valid_to",
    "ALTER TABLE plan ADD period int4range",
    "UPDATE plan SET period = int4range(first_year, last_year + 1)",
    "ALTER TABLE plan ALTER period SET NOT NULL, DROP first_year, DROP last_year,"
    " ADD CONSTRAINT uq_plan_code_version UNIQUE (code, version),"
    " ADD CONSTRAINT ck_plan_period CHECK (valid_to IS NULL OR valid_to > valid_from)",
    "DROP INDEX uq_plan_code_live",
    "CREATE UNIQUE INDEX uq_plan_code_live ON plan (code)"
    " WHERE deleted_at IS NULL AND valid_to IS NULL",
    "ALTER TABLE region"
    " ADD CONSTRAINT ck_region_period CHECK (valid_to IS NULL OR valid_to > valid_from)",
    "DROP INDEX uq_region_code_live",
    "CREATE UNIQUE INDEX uq_region_code_live ON region (code, valid_from) WHERE deleted_at IS NULL",
)

CORE_TABLES = ("region", "plan", "dataset", "zone_scheme", "zone_class", "zone")
"""Tables that were there before and get what the new ones have."""

NEW_TABLES = (
    "indicator",
    "project_state",
    "corridor_node",
    "document",
    "fund_source",
    "party",
    "project_transition",
    "control_area",
    "control_rule",
    "data_finding",
    "evaluation_snapshot",
    "indicator_target",
    "indicator_value",
    "pattern",
    "plan_indicator",
    "problem",
    "programme",
    "station",
    "corridor",
    "pattern_component",
    "project",
    "zone_adjustment",
    "compliance_exception",
    "fund_entry",
    "project_event",
    "project_measure",
    "project_problem",
    "project_region",
    "zone_town",
)
"""In the order they refer to each other."""

HISTORIC_TABLES = (
    *CORE_TABLES,
    *("party", "indicator", "plan_indicator", "control_area", "control_rule"),
    *("pattern", "pattern_component", "corridor", "corridor_node", "problem"),
    *("programme", "project", "fund_source", "document", "station", "compliance_exception"),
)
"""Tables whose former states are kept."""

UNCHANGING_TABLES = ("project_event", "fund_entry", "indicator_value", "evaluation_snapshot")

# A state that was followed by one of a later day held until that day. One that was corrected
# without a later day never held: its period is empty, so no day finds it. The counters alone are
# no state.
KEEP_HISTORY = """
CREATE FUNCTION keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.row_version := OLD.row_version;
  NEW.updated_at := OLD.updated_at;
  IF NEW IS NOT DISTINCT FROM OLD THEN
    RETURN NULL;
  END IF;
  IF NEW.valid_from IS NOT NULL
     AND (OLD.valid_from IS NULL OR NEW.valid_from > OLD.valid_from) THEN
    OLD.valid_to := least(OLD.valid_to, NEW.valid_from);
  ELSE
    OLD.valid_from := coalesce(OLD.valid_from, current_date);
    OLD.valid_to := OLD.valid_from;
  END IF;
  EXECUTE format('INSERT INTO %I SELECT clock_timestamp(), ($1).*', TG_TABLE_NAME || '_history')
    USING OLD;
  RETURN NULL;
END $$
"""

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$
"""

PROJECT_STATES = (
    ("draft", "草案", "Draft"),
    ("proposed", "已申报", "Proposed"),
    ("reserve", "已入库", "In reserve"),
    ("approved", "已批准", "Approved"),
    ("design", "设计", "Design"),
    ("implementation", "实施", "Implementation"),
    ("suspended", "暂停", "Suspended"),
    ("acceptance", "验收", "Acceptance"),
    ("monitoring", "监测", "Monitoring"),
    ("effect_evaluation", "成效评估", "Evaluation of effect"),
    ("after_care", "后期管护", "After-care"),
    ("closed", "办结", "Closed"),
    ("rejected", "不予批准", "Rejected"),
    ("cancelled", "取消", "Cancelled"),
)
TERMINAL_STATES = ("closed", "rejected", "cancelled")

PROJECT_GUARDS = {
    "reason": ("须说明理由", "a reason is given"),
    "complete": (
        "须有名称、区域、类型、起止年份和至少一项措施",
        "name, region, type, years and at least one measure are given",
    ),
    "checked": (
        "须有范围和投资，且管控线与分区检查已做并未被否定",
        "geometry and cost are given; lines and zones were checked and do not refuse it",
    ),
    "decided": (
        "例外事项已有决定，资金份额已知，公示期已满",
        "open exceptions are decided, the share of funds is known, the comment period is over",
    ),
    "ready": ("范围已定，且无禁止的措施", "the geometry is final and no measure is forbidden"),
    "settled": ("须说明理由，且资金已结清", "a reason is given and the money is settled"),
    "done": (
        "每项措施均有完成量和文件",
        "every measure has a done amount, and documents are there",
    ),
    "faults": ("须列出整改问题", "the faults to be mended are listed"),
    "accepted": ("须有验收文件", "there is an acceptance document"),
    "monitored": ("验收后至少有一次监测结果", "there is a monitoring result after acceptance"),
    "goal_missed": ("目标未达到，须说明理由", "the goal was missed; a reason is given"),
    "evaluated": ("须有评估文件", "there is an evaluation document"),
    "care_over": ("管护期已满", "the period of after-care is over"),
}

PROJECT_STEPS = (
    ("draft", "proposed", ("owner",), "complete"),
    ("proposed", "draft", ("planner",), "reason"),
    ("proposed", "reserve", ("planner",), "checked"),
    ("proposed", "rejected", ("approver",), "reason"),
    ("reserve", "rejected", ("approver",), "reason"),
    ("reserve", "approved", ("approver",), "decided"),
    ("approved", "design", ("owner",), None),
    ("design", "implementation", ("approver",), "ready"),
    ("implementation", "suspended", ("supervisor",), "reason"),
    ("suspended", "implementation", ("supervisor",), "reason"),
    ("suspended", "cancelled", ("approver",), "settled"),
    ("implementation", "acceptance", ("owner",), "done"),
    ("acceptance", "implementation", ("approver",), "faults"),
    ("acceptance", "monitoring", ("approver",), "accepted"),
    ("monitoring", "effect_evaluation", ("supervisor",), "monitored"),
    ("effect_evaluation", "implementation", ("approver",), "goal_missed"),
    ("effect_evaluation", "after_care", ("approver",), "evaluated"),
    ("after_care", "closed", ("owner",), "care_over"),
    *(
        (state, "cancelled", ("owner", "approver"), "reason")
        for state in ("draft", "proposed", "reserve", "approved", "design")
    ),
)


def upgrade() -> None:
    for statement in CORE_CHANGES:
        op.execute(statement)
    for table in CORE_TABLES:
        op.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_period"
            " CHECK (valid_to IS NULL OR valid_to >= valid_from)"
        )
    _create_tables()
    op.execute(KEEP_HISTORY)
    for table in HISTORIC_TABLES:
        _keep_history_of(table)
    op.execute(REFUSE_CHANGE)
    for table in UNCHANGING_TABLES:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    _insert_project_steps()


def downgrade() -> None:
    for table in HISTORIC_TABLES:
        op.execute(f"DROP TRIGGER keep_history ON {table}")
        op.drop_table(f"{table}_history")
    op.execute("DROP FUNCTION keep_history")
    for table in reversed(NEW_TABLES):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change")
    for table in CORE_TABLES:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_period")
    for statement in CORE_CHANGES_BACK:
        op.execute(statement)


def _keep_history_of(table: str) -> None:
    """A table beside this one for its former states, and what fills it.

    The moment of recording comes first: columns both tables get later stay in the same order.
    """
    op.execute(f"CREATE TABLE {table}_history (recorded_to timestamptz NOT NULL, LIKE {table})")
    op.create_index(f"ix_{table}_history_code", f"{table}_history", ["code"])
    inspected = sa.inspect(op.get_bind()).get_columns(table)
    for column in inspected:
        if isinstance(column["type"], geoalchemy2.Geometry):
            _spatial(f"{table}_history", column["name"])
    op.execute(
        f"CREATE TRIGGER keep_history AFTER UPDATE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION keep_history()"
    )


def _insert_project_steps() -> None:
    states = sa.table(
        "project_state",
        *(sa.column(name) for name in ("state", "order_no", "terminal", "name_zh", "name_en")),
    )
    op.bulk_insert(
        states,
        [
            {
                "state": state,
                "order_no": order,
                "terminal": state in TERMINAL_STATES,
                "name_zh": zh,
                "name_en": en,
            }
            for order, (state, zh, en) in enumerate(PROJECT_STATES, start=1)
        ],
    )
    steps = sa.table(
        "project_transition",
        sa.column("from_state"),
        sa.column("to_state"),
        sa.column("roles", postgresql.ARRAY(sa.TEXT())),
        *(sa.column(name) for name in ("guard", "guard_zh", "guard_en")),
    )
    op.bulk_insert(
        steps,
        [
            {
                "from_state": source,
                "to_state": target,
                "roles": list(roles),
                "guard": guard,
                "guard_zh": None if guard is None else PROJECT_GUARDS[guard][0],
                "guard_en": None if guard is None else PROJECT_GUARDS[guard][1],
            }
            for source, target, roles, guard in PROJECT_STEPS
        ],
    )


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True)


def _text(
    name: str, *, nullable: bool = False, server_default: str | None = None
) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable, server_default=server_default)


def _texts(name: str) -> sa.Column[list[str]]:
    default = sa.text("'{}'")
    return sa.Column(name, postgresql.ARRAY(sa.TEXT()), server_default=default, nullable=False)


def _ref(name: str, table: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), sa.ForeignKey(f"{table}.id"), nullable=nullable)


def _job() -> sa.Column[object]:
    return sa.Column("job_id", sa.Uuid(), sa.ForeignKey("job.id"))


def _shape(name: str, kind: str) -> sa.Column[object]:
    return sa.Column(name, geoalchemy2.Geometry(kind, srid=4490, spatial_index=False))


def _measured(name: str, function: str) -> sa.Column[float]:
    measure = sa.Computed(f"{function}(geom::geography)", persisted=True)
    return sa.Column(name, sa.Double(), measure)


def _common() -> tuple[sa.Column[object], ...]:
    """Free attributes, row version, times, soft deletion, valid time."""
    moment = postgresql.TIMESTAMP(timezone=True)
    now, today = sa.text("now()"), sa.text("current_date")
    return (
        sa.Column("attrs", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", moment, server_default=now, nullable=False),
        sa.Column("updated_at", moment, server_default=now, nullable=False),
        sa.Column("deleted_at", moment),
        sa.Column("valid_from", sa.Date(), server_default=today),
        sa.Column("valid_to", sa.Date()),
    )


def _one_of(column: str, values: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values.split())
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def _in_order() -> sa.CheckConstraint:
    return sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="period")


def _computed_has_job() -> sa.CheckConstraint:
    return sa.CheckConstraint("origin <> 'computed' OR job_id IS NOT NULL", name="computed_has_job")


def _valid_shape(column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IS NULL OR ST_IsValid({column})", name=f"{column}_valid")


def _live_code(table: str, *parents: str) -> None:
    op.create_index(
        f"uq_{table}_code_live",
        table,
        [*parents, "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def _spatial(table: str, column: str) -> None:
    op.create_index(f"ix_{table}_{column}", table, [column], postgresql_using="gist")


def _create_tables() -> None:
    op.create_table(
        "indicator",
        _id(),
        _text("code"),
        _text("name_zh"),
        _text("name_en"),
        _text("unit"),
        _text("property"),
        _text("direction"),
        _text("category", nullable=True),
        _text("formula_zh", nullable=True),
        _text("formula_en", nullable=True),
        *_common(),
        _one_of("direction", "higher lower"),
        _one_of("property", "binding expected"),
        _in_order(),
    )
    _live_code("indicator")
    op.create_table(
        "project_state",
        _text("state"),
        sa.Column("order_no", sa.Integer(), nullable=False),
        sa.Column("terminal", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _text("name_zh"),
        _text("name_en"),
        sa.PrimaryKeyConstraint("state", name=op.f("pk_project_state")),
        sa.UniqueConstraint("order_no", name=op.f("uq_project_state_order_no")),
    )
    op.create_table(
        "corridor_node",
        _id(),
        _text("code"),
        _text("name_zh", nullable=True),
        _text("name_en", nullable=True),
        _text("kind"),
        _ref("region_id", "region"),
        sa.Column(
            "corridor_ids",
            postgresql.ARRAY(sa.BigInteger()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("score", sa.Double(), nullable=True),
        _text("origin", server_default="drawn"),
        _job(),
        _text("status", server_default="draft"),
        _shape("geom", "GEOMETRY"),
        _measured("area_m2", "ST_Area"),
        *_common(),
        _one_of("kind", "source stepping_stone pinch_point barrier"),
        _computed_has_job(),
        _one_of("origin", "imported drawn computed"),
        _one_of("status", "draft published superseded"),
        _valid_shape("geom"),
        _in_order(),
    )
    op.create_index(
        "ix_corridor_node_corridor_ids", "corridor_node", ["corridor_ids"], postgresql_using="gin"
    )
    _spatial("corridor_node", "geom")
    op.create_index("ix_corridor_node_job_id", "corridor_node", ["job_id"])
    op.create_index("ix_corridor_node_region_id_kind", "corridor_node", ["region_id", "kind"])
    _live_code("corridor_node")
    op.create_table(
        "document",
        _id(),
        _text("code"),
        _text("owner_collection"),
        _text("owner_code"),
        _ref("region_id", "region", nullable=True),
        _text("title_zh"),
        _text("title_en", nullable=True),
        _text("kind"),
        _text("filename"),
        _text("media_type"),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        _text("sha256"),
        _text("uri"),
        sa.Column("is_public", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _text("uploaded_by"),
        _shape("geom", "POINT"),
        *_common(),
        sa.CheckConstraint("bytes >= 0", name="bytes"),
        _in_order(),
    )
    _spatial("document", "geom")
    op.create_index("ix_document_owner", "document", ["owner_collection", "owner_code"])
    op.create_index("ix_document_region_id", "document", ["region_id"])
    op.create_index("ix_document_sha256", "document", ["sha256"])
    _live_code("document")
    op.create_table(
        "fund_source",
        _id(),
        _text("code"),
        _text("name_zh"),
        _text("name_en"),
        _text("kind"),
        _ref("region_id", "region", nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=16, scale=2), nullable=False),
        sa.Column("allowed_measures", postgresql.ARRAY(sa.TEXT()), nullable=True),
        *_common(),
        _one_of("kind", "central provincial municipal district bond social loan other"),
        sa.CheckConstraint("amount >= 0", name="amount"),
        _in_order(),
    )
    op.create_index("ix_fund_source_region_id", "fund_source", ["region_id"])
    _live_code("fund_source")
    op.create_table(
        "party",
        _id(),
        _text("code"),
        _text("name_zh"),
        _text("name_en"),
        _text("kind"),
        _ref("region_id", "region", nullable=True),
        _ref("parent_id", "party", nullable=True),
        *_common(),
        _one_of("kind", "government department firm social_body expert"),
        _in_order(),
    )
    op.create_index("ix_party_parent_id", "party", ["parent_id"])
    op.create_index("ix_party_region_id", "party", ["region_id"])
    _live_code("party")
    op.create_table(
        "project_transition",
        _text("from_state"),
        _text("to_state"),
        sa.Column("roles", postgresql.ARRAY(sa.TEXT()), nullable=False),
        _text("guard", nullable=True),
        _text("guard_zh", nullable=True),
        _text("guard_en", nullable=True),
        sa.ForeignKeyConstraint(
            ["from_state"], ["project_state.state"], name=op.f("fk_project_transition_from_state")
        ),
        sa.ForeignKeyConstraint(
            ["to_state"], ["project_state.state"], name=op.f("fk_project_transition_to_state")
        ),
        sa.PrimaryKeyConstraint("from_state", "to_state", name=op.f("pk_project_transition")),
    )
    op.create_table(
        "control_area",
        _id(),
        _text("code"),
        _text("name_zh"),
        _text("name_en"),
        _text("kind"),
        _text("class_code", nullable=True),
        _text("level", nullable=True),
        _ref("region_id", "region"),
        _ref("plan_id", "plan", nullable=True),
        _text("legal_basis", nullable=True),
        _text("delimitation", nullable=True),
        sa.Column("approved_area_km2", sa.Numeric(), nullable=True),
        _text("status", server_default="draft"),
        sa.Column("is_public", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        _text("origin", server_default="drawn"),
        _job(),
        _shape("geom", "GEOMETRY"),
        _measured("area_m2", "ST_Area"),
        _measured("length_m", "ST_Length"),
        *_common(),
        _one_of(
            "kind",
            "red_line permanent_basic_farmland cultivated_land urban_boundary "
            "eco_control_line protected_area water_source_area habitat access_unit "
            "wetland shoreline island sea_use_right legacy_mine soil_erosion",
        ),
        _one_of("level", "national provincial city district local"),
        _computed_has_job(),
        _one_of("origin", "imported drawn computed"),
        _one_of("status", "draft published"),
        sa.CheckConstraint("approved_area_km2 >= 0", name="approved_area_km2"),
        _valid_shape("geom"),
        _in_order(),
    )
    _spatial("control_area", "geom")
    op.create_index("ix_control_area_job_id", "control_area", ["job_id"])
    op.create_index(
        "ix_control_area_kind",
        "control_area",
        ["region_id", "kind", "valid_from"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index("ix_control_area_plan_id", "control_area", ["plan_id"])
    _live_code("control_area")
    op.create_table(
        "control_rule",
        _id(),
        _text("code"),
        _text("scope"),
        _text("subject", nullable=True),
        _ref("region_id", "region", nullable=True),
        _ref("plan_id", "plan", nullable=True),
        _text("activity"),
        _text("activity_zh", nullable=True),
        _text("activity_en", nullable=True),
        _text("decision"),
        _texts("conditions"),
        _text("legal_basis", nullable=True),
        _text("text_zh", nullable=True),
        _text("text_en", nullable=True),
        *_common(),
        _one_of("decision", "forbidden restricted conditional capped encouraged required"),
        _one_of("scope", "control_area zone_class everywhere"),
        _in_order(),
    )
    op.create_index("ix_control_rule_plan_id", "control_rule", ["plan_id"])
    op.create_index("ix_control_rule_region_id", "control_rule", ["region_id"])
    op.create_index("ix_control_rule_subject", "control_rule", ["scope", "subject"])
    _live_code("control_rule")
    op.create_table(
        "data_finding",
        _id(),
        _ref("plan_id", "plan"),
        _text("code"),
        _text("kind"),
        _text("severity"),
        _text("text_zh"),
        _text("text_en"),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "attrs",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "found_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("resolved_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        _one_of("severity", "info low medium high"),
        sa.UniqueConstraint("plan_id", "code", name=op.f("uq_data_finding_plan_id_code")),
    )
    op.create_table(
        "evaluation_snapshot",
        _id(),
        _text("code"),
        _ref("region_id", "region"),
        _ref("plan_id", "plan"),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        _text("sha256"),
        _text("created_by"),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.UniqueConstraint("code", name=op.f("uq_evaluation_snapshot_code")),
    )
    op.create_index(
        "ix_evaluation_snapshot_plan_id_year", "evaluation_snapshot", ["plan_id", "year"]
    )
    op.create_index(
        "ix_evaluation_snapshot_region_id_year", "evaluation_snapshot", ["region_id", "year"]
    )
    op.create_table(
        "indicator_target",
        _id(),
        _ref("indicator_id", "indicator"),
        _ref("region_id", "region"),
        _ref("plan_id", "plan"),
        _text("role"),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("value", sa.Numeric(), nullable=True),
        _text("comparator_printed", nullable=True),
        _text("sense"),
        sa.Column("cumulative_from", sa.Integer(), nullable=True),
        sa.Column("revisable", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _text("source", nullable=True),
        sa.Column(
            "attrs",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        _one_of("comparator_printed", "ge gt le lt eq none"),
        _one_of("role", "base target reference"),
        _one_of("sense", "at_least at_most track"),
        sa.UniqueConstraint(
            "indicator_id",
            "region_id",
            "plan_id",
            "role",
            "year",
            name="uq_indicator_target_key",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_indicator_target_plan_id", "indicator_target", ["plan_id"])
    op.create_index("ix_indicator_target_region_id", "indicator_target", ["region_id"])
    op.create_table(
        "indicator_value",
        _id(),
        _ref("indicator_id", "indicator"),
        _ref("region_id", "region"),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("value", sa.Numeric(), nullable=False),
        _text("quality", nullable=True),
        _text("method", nullable=True),
        _text("source", nullable=True),
        _ref("party_id", "party", nullable=True),
        _ref("source_dataset_id", "dataset", nullable=True),
        sa.Column("cumulative", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "attrs",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        _text("recorded_by", nullable=True),
        sa.Column(
            "recorded_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
    )
    op.create_index(
        "ix_indicator_value_key",
        "indicator_value",
        ["indicator_id", "region_id", "year", sa.text("recorded_at DESC"), sa.text("id DESC")],
    )
    op.create_index("ix_indicator_value_party_id", "indicator_value", ["party_id"])
    op.create_index("ix_indicator_value_region_id", "indicator_value", ["region_id"])
    op.create_index(
        "ix_indicator_value_source_dataset_id", "indicator_value", ["source_dataset_id"]
    )
    op.create_table(
        "pattern",
        _id(),
        _text("code"),
        _text("name_zh"),
        _text("name_en"),
        _text("level", nullable=True),
        _ref("region_id", "region"),
        _ref("plan_id", "plan", nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        _text("status", server_default="draft"),
        *_common(),
        _one_of("status", "draft published superseded"),
        _in_order(),
    )
    op.create_index("ix_pattern_plan_id", "pattern", ["plan_id"])
    op.create_index("ix_pattern_region_id", "pattern", ["region_id"])
    _live_code("pattern")
    op.create_table(
        "plan_indicator",
        _id(),
        _text("code"),
        _ref("plan_id", "plan"),
        _ref("indicator_id", "indicator"),
        sa.Column("order_no", sa.Integer(), nullable=False),
        _text("category", nullable=True),
        _text("category_zh", nullable=True),
        _text("category_en", nullable=True),
        _text("property", nullable=True),
        _ref("party_id", "party", nullable=True),
        *_common(),
        _one_of("property", "binding expected"),
        _in_order(),
    )
    op.create_index("ix_plan_indicator_indicator_id", "plan_indicator", ["indicator_id"])
    op.create_index("ix_plan_indicator_party_id", "plan_indicator", ["party_id"])
    _live_code("plan_indicator", "plan_id")
    op.create_index(
        "uq_plan_indicator_indicator_live",
        "plan_indicator",
        ["plan_id", "indicator_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "problem",
        _id(),
        _text("code"),
        _text("name_zh"),
        _text("name_en"),
        _text("type"),
        _text("element", nullable=True),
        _text("level", nullable=True),
        _ref("region_id", "region"),
        _ref("plan_id", "plan", nullable=True),
        sa.Column("quantity", sa.Numeric(), nullable=True),
        _text("unit", nullable=True),
        _text("severity", nullable=True),
        _text("status", server_default="open"),
        _text("cause", nullable=True),
        _texts("places"),
        _shape("geom", "GEOMETRY"),
        _measured("area_m2", "ST_Area"),
        *_common(),
        _one_of("level", "region city district"),
        _one_of("severity", "info low medium high"),
        _one_of("status", "open planned resolved"),
        _valid_shape("geom"),
        _in_order(),
    )
    _spatial("problem", "geom")
    op.create_index("ix_problem_plan_id", "problem", ["plan_id"])
    op.create_index("ix_problem_region_id_type", "problem", ["region_id", "type"])
    _live_code("problem")
    op.create_table(
        "programme",
        _id(),
        _text("code"),
        _text("name_zh"),
        _text("name_en"),
        _ref("plan_id", "plan"),
        sa.Column("order_no", sa.Integer(), server_default=sa.text("1"), nullable=False),
        _text("summary_zh", nullable=True),
        _text("summary_en", nullable=True),
        _shape("extent", "MULTIPOLYGON"),
        *_common(),
        _valid_shape("extent"),
        _in_order(),
    )
    _spatial("programme", "extent")
    op.create_index("ix_programme_plan_id", "programme", ["plan_id"])
    _live_code("programme")
    op.create_table(
        "station",
        _id(),
        _text("code"),
        _text("name_zh"),
        _text("name_en"),
        _text("kind"),
        _ref("region_id", "region", nullable=True),
        _ref("owner_id", "party", nullable=True),
        sa.Column("interval_s", sa.Integer(), nullable=True),
        _shape("geom", "POINT"),
        *_common(),
        _one_of("kind", "sky air land sea water_section"),
        _valid_shape("geom"),
        sa.CheckConstraint("interval_s > 0", name="interval_s"),
        _in_order(),
    )
    _spatial("station", "geom")
    op.create_index("ix_station_owner_id", "station", ["owner_id"])
    op.create_index("ix_station_region_id", "station", ["region_id"])
    _live_code("station")
    op.create_table(
        "corridor",
        _id(),
        _text("code"),
        _text("name_zh"),
        _text("name_en"),
        _ref("region_id", "region"),
        _ref("plan_id", "plan", nullable=True),
        _ref("pattern_id", "pattern", nullable=True),
        sa.Column("order_no", sa.Integer(), nullable=True),
        _text("type"),
        _text("class_code", nullable=True),
        sa.Column("width_m", sa.Double(), nullable=True),
        _texts("connects"),
        _text("origin", server_default="drawn"),
        _job(),
        _text("status", server_default="draft"),
        _shape("geom", "MULTILINESTRING"),
        _measured("length_m", "ST_Length"),
        _shape("footprint", "MULTIPOLYGON"),
        *_common(),
        _one_of("class_code", "main branch"),
        _computed_has_job(),
        _one_of("origin", "imported drawn computed"),
        _one_of("status", "draft published superseded"),
        _one_of("type", "mountain_sea river greenway habitat"),
        _valid_shape("footprint"),
        _valid_shape("geom"),
        _in_order(),
        sa.CheckConstraint("width_m > 0", name="width_m"),
    )
    _spatial("corridor", "footprint")
    _spatial("corridor", "geom")
    op.create_index("ix_corridor_job_id", "corridor", ["job_id"])
    op.create_index("ix_corridor_pattern_id", "corridor", ["pattern_id"])
    op.create_index("ix_corridor_plan_id", "corridor", ["plan_id"])
    op.create_index("ix_corridor_region_id_type", "corridor", ["region_id", "type"])
    _live_code("corridor")
    op.create_table(
        "pattern_component",
        _id(),
        _text("code"),
        _text("name_zh"),
        _text("name_en"),
        _ref("pattern_id", "pattern"),
        _ref("parent_id", "pattern_component", nullable=True),
        _text("type"),
        sa.Column("order_no", sa.Integer(), server_default=sa.text("1"), nullable=False),
        _text("certainty", server_default="stated"),
        _text("label_zh", nullable=True),
        _text("label_en", nullable=True),
        _texts("covers"),
        _shape("geom", "GEOMETRY"),
        _measured("area_m2", "ST_Area"),
        _measured("length_m", "ST_Length"),
        *_common(),
        _one_of("certainty", "stated inferred"),
        _valid_shape("geom"),
        _in_order(),
    )
    _spatial("pattern_component", "geom")
    op.create_index("ix_pattern_component_order", "pattern_component", ["pattern_id", "order_no"])
    op.create_index("ix_pattern_component_parent_id", "pattern_component", ["parent_id"])
    _live_code("pattern_component")
    op.create_table(
        "project",
        _id(),
        _text("code"),
        _text("name_zh"),
        _text("name_en"),
        _text("summary_zh", nullable=True),
        _text("summary_en", nullable=True),
        _ref("region_id", "region"),
        _ref("plan_id", "plan", nullable=True),
        _ref("programme_id", "programme", nullable=True),
        _ref("owner_id", "party", nullable=True),
        _text("plan_group", nullable=True),
        _text("type_code", nullable=True),
        _text("state", server_default="draft"),
        sa.Column("start_year", sa.Integer(), nullable=False),
        sa.Column("end_year", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Numeric(precision=16, scale=2), nullable=True),
        sa.Column("currency", sa.String(length=3), server_default="CNY", nullable=False),
        sa.Column("score", sa.Numeric(), nullable=True),
        sa.Column("is_public", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        _shape("geom", "GEOMETRY"),
        _measured("area_m2", "ST_Area"),
        _measured("length_m", "ST_Length"),
        *_common(),
        sa.CheckConstraint("cost >= 0", name="cost"),
        sa.CheckConstraint("end_year >= start_year", name="years"),
        _valid_shape("geom"),
        _in_order(),
        sa.ForeignKeyConstraint(["state"], ["project_state.state"], name=op.f("fk_project_state")),
    )
    _spatial("project", "geom")
    op.create_index("ix_project_owner_id", "project", ["owner_id"])
    op.create_index("ix_project_plan_id", "project", ["plan_id"])
    op.create_index("ix_project_programme_id", "project", ["programme_id"])
    op.create_index("ix_project_region_id_state", "project", ["region_id", "state"])
    _live_code("project")
    op.create_table(
        "zone_adjustment",
        _id(),
        _ref("scheme_id", "zone_scheme"),
        sa.Column("seq", sa.Integer(), nullable=False),
        _ref("from_class_id", "zone_class", nullable=True),
        _ref("to_class_id", "zone_class"),
        _text("note"),
        _text("actor"),
        sa.Column(
            "at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        _shape("geom", "MULTIPOLYGON"),
        _measured("area_m2", "ST_Area"),
        _valid_shape("geom"),
        sa.UniqueConstraint("scheme_id", "seq", name=op.f("uq_zone_adjustment_scheme_id_seq")),
    )
    _spatial("zone_adjustment", "geom")
    op.create_table(
        "compliance_exception",
        _id(),
        _text("code"),
        _ref("region_id", "region", nullable=True),
        _ref("project_id", "project", nullable=True),
        _text("geometry_sha256", nullable=True),
        _ref("control_area_id", "control_area", nullable=True),
        _ref("rule_id", "control_rule", nullable=True),
        _text("rule"),
        _text("reason"),
        _text("approver"),
        sa.Column(
            "approved_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        *_common(),
        sa.CheckConstraint("num_nonnulls(project_id, geometry_sha256) = 1", name="subject"),
        _in_order(),
    )
    op.create_index(
        "ix_compliance_exception_control_area_id", "compliance_exception", ["control_area_id"]
    )
    op.create_index(
        "ix_compliance_exception_geometry_sha256", "compliance_exception", ["geometry_sha256"]
    )
    op.create_index("ix_compliance_exception_project_id", "compliance_exception", ["project_id"])
    op.create_index("ix_compliance_exception_region_id", "compliance_exception", ["region_id"])
    op.create_index("ix_compliance_exception_rule_id", "compliance_exception", ["rule_id"])
    _live_code("compliance_exception")
    op.create_table(
        "fund_entry",
        _id(),
        _ref("source_id", "fund_source"),
        _ref("project_id", "project"),
        _text("kind"),
        sa.Column("amount", sa.Numeric(precision=16, scale=2), nullable=False),
        _text("measure", nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        _text("note", nullable=True),
        _text("actor"),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("kind <> 'payment' OR paid_on IS NOT NULL", name="paid_on"),
        _one_of("kind", "allocation payment return"),
        sa.CheckConstraint("amount > 0", name="amount"),
    )
    op.create_index("ix_fund_entry_project_id_kind", "fund_entry", ["project_id", "kind"])
    op.create_index("ix_fund_entry_source_id_kind", "fund_entry", ["source_id", "kind"])
    op.create_table(
        "project_event",
        _id(),
        _ref("project_id", "project"),
        sa.Column("seq", sa.Integer(), nullable=False),
        _text("from_state"),
        _text("to_state"),
        sa.Column(
            "at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        _text("actor"),
        _text("note", nullable=True),
        _texts("documents"),
        sa.ForeignKeyConstraint(
            ["from_state", "to_state"],
            ["project_transition.from_state", "project_transition.to_state"],
            name="fk_project_event_step",
        ),
        sa.UniqueConstraint("project_id", "seq", name=op.f("uq_project_event_project_id_seq")),
    )
    op.create_table(
        "project_measure",
        _id(),
        _ref("project_id", "project"),
        sa.Column("order_no", sa.Integer(), server_default=sa.text("1"), nullable=False),
        _text("measure"),
        _text("name_zh", nullable=True),
        _text("name_en", nullable=True),
        sa.Column("planned", sa.Double(), nullable=True),
        sa.Column("done", sa.Double(), nullable=True),
        _text("unit", nullable=True),
        _ref("indicator_id", "indicator", nullable=True),
        sa.Column(
            "attrs",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.CheckConstraint("planned >= 0 AND done >= 0", name="amounts"),
        sa.UniqueConstraint(
            "project_id", "measure", name=op.f("uq_project_measure_project_id_measure")
        ),
    )
    op.create_index("ix_project_measure_indicator_id", "project_measure", ["indicator_id"])
    op.create_table(
        "project_problem",
        _ref("project_id", "project"),
        _ref("problem_id", "problem"),
        sa.PrimaryKeyConstraint("project_id", "problem_id", name=op.f("pk_project_problem")),
    )
    op.create_index("ix_project_problem_problem_id", "project_problem", ["problem_id"])
    op.create_table(
        "project_region",
        _ref("project_id", "project"),
        _ref("region_id", "region"),
        sa.PrimaryKeyConstraint("project_id", "region_id", name=op.f("pk_project_region")),
    )
    op.create_index("ix_project_region_region_id", "project_region", ["region_id"])
    op.create_table(
        "zone_town",
        _ref("zone_id", "zone"),
        _ref("region_id", "region"),
        sa.Column("share", sa.Numeric(), nullable=True),
        sa.CheckConstraint("share BETWEEN 0 AND 1", name="share"),
        sa.PrimaryKeyConstraint("zone_id", "region_id", name=op.f("pk_zone_town")),
    )
    op.create_index("ix_zone_town_region_id", "zone_town", ["region_id"])
