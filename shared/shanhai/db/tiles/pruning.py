"""Keep the log of changes short: every process that draws tiles holds it in memory."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

MOST = 4096
"""Changes of a collection that are kept; beyond it the older half is forgotten."""
KEPT = MOST // 2

# Whoever forgets raises the floor in the same transaction: it is part of every key, so a process
# that has not seen what was forgotten makes none that was in use before.
_PRUNE = text("""
  WITH long AS (
    SELECT collection FROM tile_change GROUP BY collection HAVING count(*) > :most
  ), gone AS (
    DELETE FROM tile_change c USING (
      SELECT id, row_number() OVER (PARTITION BY collection ORDER BY id DESC) AS place
        FROM tile_change JOIN long USING (collection)) AS ranked
     WHERE ranked.id = c.id AND ranked.place > :kept
    RETURNING c.collection, c.id
  ), raised AS (
    INSERT INTO tile_floor AS f (collection, id)
    SELECT collection, max(id) FROM gone GROUP BY collection
    ON CONFLICT (collection) DO UPDATE SET id = greatest(f.id, excluded.id), at = excluded.at
  )
  SELECT count(*), pg_notify('shanhai_tiles', '') FROM gone HAVING count(*) > 0
""")


async def prune_changes(session: AsyncSession, *, most: int = MOST, kept: int = KEPT) -> int:
    """Forget the older changes of collections that have many; how many were forgotten.

    Keys of all tiles of such a collection change, once in `most - kept` changes.
    """
    found = (await session.execute(_PRUNE, {"most": most, "kept": kept})).first()
    return 0 if found is None else int(found[0])
