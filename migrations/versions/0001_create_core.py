"""Create the core: regions, plans, zones, datasets, jobs, keys and the audit log."""

from collections.abc import Sequence

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

JOB_GUARD = """
CREATE FUNCTION job_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status IN ('successful', 'failed', 'dismissed') THEN
    RAISE EXCEPTION 'job % is %, it never changes again', OLD.id, OLD.status
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.status <> OLD.status AND NOT (
    (OLD.status = 'accepted' AND NEW.status IN ('running', 'dismissed', 'failed'))
    OR (OLD.status = 'running' AND NEW.status IN ('accepted', 'successful', 'failed', 'dismissed'))
  ) THEN
    RAISE EXCEPTION 'job % cannot go from % to %', OLD.id, OLD.status, NEW.status
      USING ERRCODE = 'check_violation';
  END IF;
  NEW.updated_at := clock_timestamp();
  RETURN NEW;
END $$
"""

AUDIT_GUARD = """
CREATE FUNCTION audit_log_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$
"""

# Official names and our wording of the printed requirements (Planners 2025-05, Table 2).
SUPPLY_DEMAND_CLASSES = (
    {
        "code": "strict_protection",
        "group_code": "protection",
        "name_zh": "严格保护与管控区",
        "name_en": "Strict protection and control zone",
        "color": "#1b6e3c",
        "requirement_zh": "严禁与主导功能不符的开发建设，未经批准不得改变用途或占用；仅开展规划内的"
        "维护、修复与功能提升，以保护保育、自然恢复为主。",
        "requirement_en": "No development that conflicts with the main function; no change of use "
        "or occupation without authority; only planned work that maintains, repairs or improves "
        "function, by conservation and natural recovery.",
    },
    {
        "code": "key_protection",
        "group_code": "protection",
        "name_zh": "重点保护与管控区",
        "name_en": "Key protection and control zone",
        "color": "#5aa957",
        "requirement_zh": "加强保护与生态建设，限制开发建设；在功能不降低且符合准入、强度与风貌管控"
        "的前提下可适度利用；及时修复建设、采矿、围垦造成的破坏。",
        "requirement_en": "Strengthen conservation and limit building; moderate use only where "
        "function is kept and access, intensity and character controls are met; repair promptly "
        "what building, mining or reclamation damaged.",
    },
    {
        "code": "general_protection",
        "group_code": "protection",
        "name_zh": "一般保护与管控区",
        "name_en": "General protection and control zone",
        "color": "#c5dd8c",
        "requirement_zh": "在不突破红线、资源利用上线和环境质量底线的前提下按承载能力适度利用，防止"
        "过度利用，引导修复至生态系统自我维持。",
        "requirement_en": "Use within carrying capacity while red line, resource ceiling and "
        "quality floor hold; prevent overuse; restore until the ecosystem sustains itself.",
    },
    {
        "code": "priority_restoration",
        "group_code": "restoration",
        "name_zh": "优先修复与功能提升区",
        "name_en": "Priority restoration and function enhancement zone",
        "color": "#c0392b",
        "requirement_zh": "严格执行生态环境准入清单，统筹系统治理；以工程、技术、生物措施实施重大修"
        "复工程，自然恢复与人工修复相结合。",
        "requirement_en": "Apply the environmental access list strictly; run major restoration "
        "projects with engineering, technical and biological measures; combine natural and "
        "artificial recovery.",
    },
    {
        "code": "general_restoration",
        "group_code": "restoration",
        "name_zh": "一般修复与功能提升区",
        "name_en": "General restoration and function enhancement zone",
        "color": "#f0a35e",
        "requirement_zh": "优先消除或避让人为胁迫，修复受损生态系统和受污染区域，"
        "提升自我调节能力。",
        "requirement_en": "Remove or avoid human stress first; restore damaged ecosystems and "
        "polluted areas; raise the capacity for self-regulation.",
    },
)


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_table(
        "api_key",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("networks", postgresql.ARRAY(postgresql.CIDR()), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("last_used_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_key_prefix")),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("object_table", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index(
        "ix_audit_log_object_table_object_id",
        "audit_log",
        ["object_table", "object_id"],
        unique=False,
    )
    op.create_table(
        "idempotency_key",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body_sha256", sa.String(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_key")),
        sa.UniqueConstraint(
            "owner", "route", "key", name=op.f("uq_idempotency_key_owner_route_key")
        ),
    )
    op.create_index(
        "ix_idempotency_key_created_at", "idempotency_key", ["created_at"], unique=False
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column(
            "inputs",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "task",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("status", sa.String(), server_default="accepted", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("crash_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("dispatched_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column(
            "cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("progress", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("stage", sa.String(), nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("seed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("software", sa.String(), nullable=True),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("started_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("finished_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('accepted', 'running', 'successful', 'failed', 'dismissed')",
            name=op.f("ck_job_status"),
        ),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name=op.f("ck_job_progress")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index(
        "ix_job_created_at",
        "job",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_job_leased",
        "job",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_index(
        "ix_job_waiting",
        "job",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("status = 'accepted'"),
    )
    op.create_table(
        "region",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("metric_srid", sa.Integer(), nullable=True),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column(
            "area_m2",
            sa.Double(),
            sa.Computed("ST_Area(geom::geography)", persisted=True),
            nullable=True,
        ),
        sa.Column("valid_from", sa.Date(), server_default=sa.text("'1900-01-01'"), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column(
            "attrs",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "level IN ('nation', 'province', 'city', 'district', 'street', 'town', 'basin',"
            " 'bay', 'island', 'cooperation', 'demonstration_area')",
            name=op.f("ck_region_level"),
        ),
        sa.CheckConstraint("geom IS NULL OR ST_IsValid(geom)", name=op.f("ck_region_geom_valid")),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_region_period")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["region.id"], name=op.f("fk_region_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_region")),
    )
    op.create_index("ix_region_geom", "region", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_region_parent_id"), "region", ["parent_id"], unique=False)
    op.create_index(
        "uq_region_code_live",
        "region",
        ["code", "valid_from"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "upload",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("filename", sa.String(), nullable=True),
        sa.Column("total_bytes", sa.BigInteger(), nullable=True),
        sa.Column("received_bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("received_bytes >= 0", name=op.f("ck_upload_received_bytes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
    )
    op.create_table(
        "zone_class",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("scheme_kind", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("order_no", sa.Integer(), nullable=False),
        sa.Column("group_code", sa.String(), nullable=True),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("color", sa.String(), nullable=True),
        sa.Column("requirement_zh", sa.String(), nullable=True),
        sa.Column("requirement_en", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone_class")),
        sa.UniqueConstraint("scheme_kind", "code", name=op.f("uq_zone_class_scheme_kind_code")),
    )
    op.create_table(
        "dataset",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=False),
        sa.Column("theme", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), server_default="raster", nullable=False),
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("checksum", sa.String(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("crs", sa.String(), nullable=False),
        sa.Column("grid", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("unit", sa.String(), nullable=True),
        sa.Column("nodata", sa.Double(), nullable=True),
        sa.Column("native_resolution_m", sa.Double(), nullable=True),
        sa.Column("stand_in", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("stand_in_note_zh", sa.String(), nullable=True),
        sa.Column("stand_in_note_en", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("licence", sa.String(), nullable=True),
        sa.Column("observed_from", sa.Date(), nullable=True),
        sa.Column("observed_to", sa.Date(), nullable=True),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("public", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "footprint",
            geoalchemy2.types.Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column(
            "attrs",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "origin <> 'computed' OR job_id IS NOT NULL", name=op.f("ck_dataset_computed_has_job")
        ),
        sa.CheckConstraint(
            "origin IN ('imported', 'drawn', 'computed')", name=op.f("ck_dataset_origin")
        ),
        sa.CheckConstraint(
            "footprint IS NULL OR ST_IsValid(footprint)", name=op.f("ck_dataset_footprint_valid")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_dataset_job_id")),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name=op.f("fk_dataset_region_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset")),
    )
    op.create_index(
        "ix_dataset_footprint", "dataset", ["footprint"], unique=False, postgresql_using="gist"
    )
    op.create_index(op.f("ix_dataset_job_id"), "dataset", ["job_id"], unique=False)
    op.create_index(
        "ix_dataset_newest",
        "dataset",
        ["region_id", "theme", sa.literal_column("created_at DESC")],
        unique=False,
    )
    op.create_index(
        "uq_dataset_code_live",
        "dataset",
        ["code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "plan",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=True),
        sa.Column("upper_plan_id", sa.BigInteger(), nullable=True),
        sa.Column("period", postgresql.INT4RANGE(), nullable=False),
        sa.Column("base_year", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(), server_default="draft", nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column(
            "attrs",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('draft', 'submitted', 'approved', 'superseded', 'withdrawn')",
            name=op.f("ck_plan_status"),
        ),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_plan_period")
        ),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name=op.f("fk_plan_region_id")),
        sa.ForeignKeyConstraint(["upper_plan_id"], ["plan.id"], name=op.f("fk_plan_upper_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_plan_code_version")),
    )
    op.create_index(op.f("ix_plan_region_id"), "plan", ["region_id"], unique=False)
    op.create_index(op.f("ix_plan_upper_plan_id"), "plan", ["upper_plan_id"], unique=False)
    op.create_index(
        "uq_plan_code_live",
        "plan",
        ["code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL AND valid_to IS NULL"),
    )
    op.create_table(
        "job_dataset",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("checksum", sa.String(), nullable=False),
        sa.CheckConstraint("role IN ('input', 'output')", name=op.f("ck_job_dataset_role")),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["dataset.id"], name=op.f("fk_job_dataset_dataset_id")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_job_dataset_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_dataset")),
    )
    op.create_index(op.f("ix_job_dataset_dataset_id"), "job_dataset", ["dataset_id"], unique=False)
    op.create_index(
        "uq_job_dataset_job_id_role_name", "job_dataset", ["job_id", "role", "name"], unique=True
    )
    op.create_table(
        "zone_scheme",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(), server_default="draft", nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("supersedes_id", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("gap_reason", sa.String(), nullable=True),
        sa.Column(
            "attrs",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("region_id"), "="),
            (sa.column("kind"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            where=sa.text("status IN ('published', 'superseded') AND deleted_at IS NULL"),
            using="gist",
            name="ex_zone_scheme_one_published",
        ),
        sa.CheckConstraint(
            "origin <> 'computed' OR job_id IS NOT NULL",
            name=op.f("ck_zone_scheme_computed_has_job"),
        ),
        sa.CheckConstraint(
            "origin IN ('imported', 'drawn', 'computed')", name=op.f("ck_zone_scheme_origin")
        ),
        sa.CheckConstraint(
            "status <> 'published' OR valid_from IS NOT NULL",
            name=op.f("ck_zone_scheme_published_from"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'review', 'approved', 'published', 'superseded')",
            name=op.f("ck_zone_scheme_status"),
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_zone_scheme_job_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_zone_scheme_plan_id")),
        sa.ForeignKeyConstraint(
            ["region_id"], ["region.id"], name=op.f("fk_zone_scheme_region_id")
        ),
        sa.ForeignKeyConstraint(
            ["supersedes_id"], ["zone_scheme.id"], name=op.f("fk_zone_scheme_supersedes_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone_scheme")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_zone_scheme_code_version")),
    )
    op.create_index(op.f("ix_zone_scheme_job_id"), "zone_scheme", ["job_id"], unique=False)
    op.create_index(op.f("ix_zone_scheme_plan_id"), "zone_scheme", ["plan_id"], unique=False)
    op.create_index(op.f("ix_zone_scheme_region_id"), "zone_scheme", ["region_id"], unique=False)
    op.create_table(
        "zone",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("scheme_id", sa.BigInteger(), nullable=False),
        sa.Column("class_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=True),
        sa.Column("name_en", sa.String(), nullable=True),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column(
            "area_m2",
            sa.Double(),
            sa.Computed("ST_Area(geom::geography)", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "attrs",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.CheckConstraint("geom IS NULL OR ST_IsValid(geom)", name=op.f("ck_zone_geom_valid")),
        sa.ForeignKeyConstraint(["class_id"], ["zone_class.id"], name=op.f("fk_zone_class_id")),
        sa.ForeignKeyConstraint(["scheme_id"], ["zone_scheme.id"], name=op.f("fk_zone_scheme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone")),
        sa.UniqueConstraint("scheme_id", "code", name=op.f("uq_zone_scheme_id_code")),
    )
    op.create_index("ix_zone_geom", "zone", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_zone_scheme_id"), "zone", ["scheme_id"], unique=False)
    op.execute(JOB_GUARD)
    op.execute(
        "CREATE TRIGGER job_guard BEFORE UPDATE ON job FOR EACH ROW EXECUTE FUNCTION job_guard()"
    )
    op.execute(AUDIT_GUARD)
    op.execute(
        "CREATE TRIGGER audit_log_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_log_guard()"
    )
    zone_class = sa.table(
        "zone_class",
        *(
            sa.column(name)
            for name in (
                "scheme_kind",
                "code",
                "order_no",
                "group_code",
                "name_zh",
                "name_en",
                "color",
                "requirement_zh",
                "requirement_en",
            )
        ),
    )
    op.bulk_insert(
        zone_class,
        [
            {"scheme_kind": "supply_demand", "order_no": order, **row}
            for order, row in enumerate(SUPPLY_DEMAND_CLASSES, start=1)
        ],
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER audit_log_guard ON audit_log")
    op.execute("DROP FUNCTION audit_log_guard")
    op.execute("DROP TRIGGER job_guard ON job")
    op.execute("DROP FUNCTION job_guard")
    op.drop_index(op.f("ix_zone_scheme_id"), table_name="zone")
    op.drop_index("ix_zone_geom", table_name="zone", postgresql_using="gist")
    op.drop_table("zone")
    op.drop_index(op.f("ix_zone_scheme_region_id"), table_name="zone_scheme")
    op.drop_index(op.f("ix_zone_scheme_plan_id"), table_name="zone_scheme")
    op.drop_index(op.f("ix_zone_scheme_job_id"), table_name="zone_scheme")
    op.drop_table("zone_scheme")
    op.drop_index("uq_job_dataset_job_id_role_name", table_name="job_dataset")
    op.drop_index(op.f("ix_job_dataset_dataset_id"), table_name="job_dataset")
    op.drop_table("job_dataset")
    op.drop_index(
        "uq_plan_code_live",
        table_name="plan",
        postgresql_where=sa.text("deleted_at IS NULL AND valid_to IS NULL"),
    )
    op.drop_index(op.f("ix_plan_upper_plan_id"), table_name="plan")
    op.drop_index(op.f("ix_plan_region_id"), table_name="plan")
    op.drop_table("plan")
    op.drop_index(
        "uq_dataset_code_live", table_name="dataset", postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.drop_index("ix_dataset_newest", table_name="dataset")
    op.drop_index(op.f("ix_dataset_job_id"), table_name="dataset")
    op.drop_index("ix_dataset_footprint", table_name="dataset", postgresql_using="gist")
    op.drop_table("dataset")
    op.drop_table("zone_class")
    op.drop_table("upload")
    op.drop_index(
        "uq_region_code_live", table_name="region", postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.drop_index(op.f("ix_region_parent_id"), table_name="region")
    op.drop_index("ix_region_geom", table_name="region", postgresql_using="gist")
    op.drop_table("region")
    op.drop_index(
        "ix_job_waiting", table_name="job", postgresql_where=sa.text("status = 'accepted'")
    )
    op.drop_index("ix_job_leased", table_name="job", postgresql_where=sa.text("status = 'running'"))
    op.drop_index("ix_job_created_at", table_name="job")
    op.drop_table("job")
    op.drop_index("ix_idempotency_key_created_at", table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_index("ix_audit_log_object_table_object_id", table_name="audit_log")
    op.drop_table("audit_log")
    op.drop_table("api_key")
