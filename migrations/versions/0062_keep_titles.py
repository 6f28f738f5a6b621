"""Keep members and scores of demonstration areas, and the titles of regions and places."""

from collections.abc import Sequence

from alembic import op

revision: str = "0062"
down_revision: str | None = "0061"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NAMES = "name_zh varchar NOT NULL, name_en varchar NOT NULL,"
TEXTS = "text_zh varchar, text_en varchar,"
COLUMNS = {
    "demonstration_member": f"""{NAMES}
  order_no integer NOT NULL DEFAULT 1,
  section varchar,
  state varchar,
  member_id bigint CONSTRAINT fk_demonstration_member_member_id REFERENCES region,
  place_id bigint CONSTRAINT fk_demonstration_member_place_id REFERENCES region_link,
  feature_id bigint CONSTRAINT fk_demonstration_member_feature_id REFERENCES named_feature,
  {TEXTS}
  CONSTRAINT ck_demonstration_member_section CHECK (section IN
    ('summit', 'basin', 'sea', 'urban')),
  CONSTRAINT ck_demonstration_member_state CHECK (state IN ('planned', 'in_work', 'reached')),""",
    "demonstration_criterion": f"""{NAMES}
  order_no integer NOT NULL DEFAULT 1,
  weight numeric(8, 2),
  {TEXTS}
  CONSTRAINT ck_demonstration_criterion_weight CHECK (weight > 0),""",
    "demonstration_score": f"""
  criterion_id bigint NOT NULL CONSTRAINT fk_demonstration_score_criterion_id
    REFERENCES demonstration_criterion,
  year integer NOT NULL,
  score numeric(5, 2) NOT NULL,
  {TEXTS}
  evidence text[] NOT NULL DEFAULT '{{}}',
  CONSTRAINT ck_demonstration_score_score CHECK (score BETWEEN 0 AND 100),
  CONSTRAINT ck_demonstration_score_year CHECK (year BETWEEN 1900 AND 2200),""",
    "title": f"""{NAMES}
  series varchar NOT NULL,
  level varchar,
  feature_id bigint CONSTRAINT fk_title_feature_id REFERENCES named_feature,
  plan_id bigint CONSTRAINT fk_title_plan_id REFERENCES plan,
  article varchar,
  target_year integer,
  state varchar NOT NULL DEFAULT 'candidate',
  year integer,
  document varchar,
  evidence text[] NOT NULL DEFAULT '{{}}',
  reason varchar,
  CONSTRAINT ck_title_series CHECK (series IN ('beautiful_city', 'beautiful_village',
    'beautiful_river_lake', 'beautiful_bay', 'beautiful_park', 'two_mountains_base',
    'demonstration')),
  CONSTRAINT ck_title_level CHECK (level IN ('nation', 'province', 'city')),
  CONSTRAINT ck_title_state CHECK (state IN ('candidate', 'approved', 'withdrawn')),
  CONSTRAINT ck_title_approved CHECK (state <> 'approved'
    OR (year IS NOT NULL AND btrim(document) <> '')),
  CONSTRAINT ck_title_withdrawn CHECK (state <> 'withdrawn' OR btrim(reason) <> ''),""",
}
INDEXED = {
    "demonstration_member": ("region_id", "member_id", "place_id", "feature_id"),
    "demonstration_criterion": ("region_id",),
    "demonstration_score": ("criterion_id",),
    "title": ("region_id", "feature_id", "plan_id"),
}
ONCE = (
    "CREATE UNIQUE INDEX uq_demonstration_score_live ON demonstration_score"
    " (region_id, criterion_id, year) WHERE deleted_at IS NULL",
    "CREATE UNIQUE INDEX uq_title_live ON title"
    " (series, level, region_id, coalesce(feature_id, 0))"
    " WHERE deleted_at IS NULL AND state <> 'withdrawn'",
)


def _table(name: str) -> str:
    return f"""
CREATE TABLE {name} (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_{name} PRIMARY KEY,
  code varchar NOT NULL,
  region_id bigint NOT NULL CONSTRAINT fk_{name}_region_id REFERENCES region,
  {COLUMNS[name]}
  attrs jsonb NOT NULL DEFAULT '{{}}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  CONSTRAINT ck_{name}_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
)"""


def upgrade() -> None:
    for table, columns in INDEXED.items():
        op.execute(_table(table))
        for column in columns:
            op.execute(f"CREATE INDEX ix_{table}_{column} ON {table} ({column})")
        for statement in (
            f"CREATE UNIQUE INDEX uq_{table}_code_live ON {table} (code) WHERE deleted_at IS NULL",
            f"CREATE TABLE {table}_history (recorded_to timestamptz NOT NULL, LIKE {table})",
            f"CREATE INDEX ix_{table}_history_code ON {table}_history (code)",
            f"SELECT keep_history_of('{table}')",
        ):
            op.execute(statement)
    for statement in ONCE:
        op.execute(statement)


def downgrade() -> None:
    for table in reversed(INDEXED):
        op.execute(f"DROP TABLE {table}_history")
        op.execute(f"DROP TABLE {table}")
        op.execute(f"DROP FUNCTION keep_history_of_{table}")
