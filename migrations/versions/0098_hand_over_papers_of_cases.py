"""Give the documents of cases to the regions that answer for them: they stayed where they were.

Each is told in the audit log, so that copies of a region's documents know of it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from shanhai.crypto import chosen_suite

revision: str = "0098"
down_revision: str | None = "0097"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

HAND_OVER = """
WITH moved AS (
  UPDATE document d
     SET region_id = c.region_id, row_version = d.row_version + 1, updated_at = now()
    FROM document former JOIN lead_case c ON c.code = former.owner_code
   WHERE former.id = d.id AND former.owner_collection = 'cases' AND former.deleted_at IS NULL
     AND former.region_id IS DISTINCT FROM c.region_id
  RETURNING d.id, d.code, former.row_version AS former_version, d.row_version,
            former.region_id AS former_region, d.region_id)
INSERT INTO audit_log (actor, action, object_table, object_id, before, after)
SELECT 'operator', 'update', 'document', code,
       jsonb_build_object('id', id, 'row_version', former_version, 'region_id', former_region),
       jsonb_build_object('id', id, 'row_version', row_version, 'region_id', region_id)
  FROM moved
 ORDER BY id
"""


def upgrade() -> None:
    # The log is hashed as the services do it.
    suite = sa.text("SELECT set_config('shanhai.crypto_suite', :suite, true)")
    op.get_bind().execute(suite, {"suite": chosen_suite()})
    op.execute(HAND_OVER)


def downgrade() -> None:
    pass
