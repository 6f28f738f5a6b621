"""Let the evidence of an entry of the ledger be changed until the entry is decided.

What is given back is accepted by documents; those that came later could not be named.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0101"
down_revision: str | None = "0100"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STAYS = """
CREATE OR REPLACE FUNCTION balance_entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  moving text[] := ARRAY['state', 'accepted_on', 'attrs', 'row_version', 'updated_at', 'valid_from',
                         'valid_to'{more}];
BEGIN
  IF TG_OP = 'DELETE' OR to_jsonb(OLD) - moving <> to_jsonb(NEW) - moving THEN
    RAISE EXCEPTION 'an entry of the ledger is never edited: reverse it by another one'
      ' / 台账记录不得更改，请以冲销记录更正';
  END IF;
  IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
       ('proposed', 'accepted'), ('proposed', 'rejected'), ('accepted', 'reversed'))
     OR OLD.accepted_on IS DISTINCT FROM NEW.accepted_on AND OLD.state <> 'proposed' THEN
    RAISE EXCEPTION 'an entry of the ledger does not go from % to % / 台账记录不能从 % 变为 %',
      OLD.state, NEW.state, OLD.state, NEW.state;
  END IF;
  RETURN NEW;
END $$
"""
UNDECIDED = "] || CASE OLD.state WHEN 'proposed' THEN ARRAY['evidence'] ELSE ARRAY[]::text[] END;"


def upgrade() -> None:
    op.execute(STAYS.replace("{more}];", UNDECIDED))


def downgrade() -> None:
    op.execute(STAYS.replace("{more}", ""))
