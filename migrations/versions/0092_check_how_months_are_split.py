"""Make months of observations whole, with a warning, where the settings of it cannot be used.

A value such as 'abc' made every first observation of a month fail. What it is that cannot be used
is told by `observation_split`, which `shanhai doctor` asks, too.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0092"
down_revision: str | None = "0091"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# A month split by day has up to 31 times as many tables as `hashes`, each with its indexes.
SPLIT = """
CREATE FUNCTION observation_split(OUT days boolean, OUT hashes integer, OUT fault text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  told_days CONSTANT text := coalesce(nullif(current_setting('shanhai.observation_days', true), ''),
                                      'off');
  told_hashes CONSTANT text :=
    coalesce(nullif(current_setting('shanhai.observation_hashes', true), ''), '1');
BEGIN
  hashes := 1;
  BEGIN
    days := told_days::boolean;
  EXCEPTION WHEN invalid_text_representation THEN
    days := false;
    fault := format('shanhai.observation_days is %L, neither on nor off', left(told_days, 80));
  END;
  IF told_hashes ~ '^[0-9]{1,2}$' AND told_hashes::integer <= 64 THEN
    hashes := told_hashes::integer;
  ELSE
    fault := concat_ws('; ', fault, format('shanhai.observation_hashes is %L, no number up to 64',
                                           left(told_hashes, 80)));
  END IF;
END $$
"""
# The function of 0087 reads the settings itself where it declares these, and has no warning.
READ = (
    "coalesce(nullif(current_setting('shanhai.observation_days', true), ''), 'off')::boolean",
    "coalesce(nullif(current_setting('shanhai.observation_hashes', true), ''), '1')::integer",
    "BEGIN\n  IF month <>",
)
ASKED = (
    "(SELECT s.days FROM observation_split() s)",
    "(SELECT s.hashes FROM observation_split() s)",
    "BEGIN\n"
    "  IF (SELECT s.fault FROM observation_split() s) IS NOT NULL THEN\n"
    "    RAISE WARNING 'months are not split so: %', (SELECT s.fault FROM observation_split() s);\n"
    "  END IF;\n"
    "  IF month <>",
)
EDIT = """
DO $edit$
DECLARE
  was CONSTANT text := pg_get_functiondef('make_observation_month(date)'::regprocedure);
BEGIN
  EXECUTE {edited};
END $edit$
"""


def _edit(former: Sequence[str], new: Sequence[str]) -> None:
    edited = "was"
    for one, other in zip(former, new, strict=True):
        edited = f"replace({edited}, $was${one}$was$, $is${other}$is$)"
    op.execute(EDIT.format(edited=edited))


def upgrade() -> None:
    op.execute(SPLIT)
    _edit(READ, ASKED)


def downgrade() -> None:
    _edit(ASKED, READ)
    op.execute("DROP FUNCTION observation_split()")
