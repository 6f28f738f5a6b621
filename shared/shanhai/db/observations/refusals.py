"""Observations that were refused: noted by day, station and member, and told to who looks after
the feeds.

Only counts and the newest reasons are kept, and for some weeks: what was refused can be sent again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.data_sources import STATIONS
from shanhai.db.engine import Transaction
from shanhai.db.features.columns import source_of
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer
from shanhai.monitoring.observation import RefusedKind, RefusedRows
from shanhai.monitoring.observation_formats import MEMBERS

KEPT_DAYS = 30
LONGEST_DETAIL = 500
"""Characters kept of a reason; it may quote what was sent."""
MOST_LISTED = 10_000
_NOTE = text("""
INSERT INTO observation_refusal AS kept
       (day, source_id, station_id, pointer, number, last_at, detail_en, detail_zh)
SELECT CAST(CAST(:at AS timestamptz) AS date), source, station, pointer, number, :at, en, zh
  FROM unnest(CAST(:source AS int[]), CAST(:station AS bigint[]), CAST(:pointer AS text[]),
              CAST(:number AS bigint[]), CAST(:en AS text[]), CAST(:zh AS text[]))
       AS given (source, station, pointer, number, en, zh)
    ON CONFLICT (day, source_id, station_id, pointer) DO UPDATE
   SET number = kept.number + excluded.number, last_at = excluded.last_at,
       detail_en = excluded.detail_en, detail_zh = excluded.detail_zh
""")
# Of two that forget at once each takes what the other has not.
_FORGET = text("""
DELETE FROM observation_refusal WHERE id IN (
  SELECT id FROM observation_refusal
   WHERE day < CAST(CAST(:at AS timestamptz) AS date) - CAST(:days AS int)
   LIMIT 1000 FOR UPDATE SKIP LOCKED)
""")
_LIST = """
WITH RECURSIVE below (id) AS (
  SELECT id FROM region WHERE code = :region AND deleted_at IS NULL
  UNION SELECT r.id FROM region r JOIN below ON r.parent_id = below.id WHERE r.deleted_at IS NULL
)
SELECT s.kind AS way, t.code AS station, t.name_zh, t.name_en, f.pointer,
       CAST(sum(f.number) AS bigint) AS number, max(f.last_at) AS last_at,
       (array_agg(f.detail_zh ORDER BY f.last_at DESC))[1] AS detail_zh,
       (array_agg(f.detail_en ORDER BY f.last_at DESC))[1] AS detail_en
  FROM observation_refusal f
  JOIN observation_source s ON s.id = f.source_id
  LEFT JOIN ({seen}) t ON t.id = f.station_id
 WHERE f.day > current_date - CAST(:days AS int)
   AND (CAST(:everywhere AS boolean) AND (f.station_id IS NULL OR t.id IS NOT NULL)
        OR t.region_id = ANY(CAST(:members AS bigint[])))
   AND (CAST(:region AS text) IS NULL OR f.station_id IS NULL
        OR t.region_id IN (SELECT id FROM below))
 GROUP BY s.kind, t.id, t.code, t.name_zh, t.name_en, f.pointer
 ORDER BY max(f.last_at) DESC, s.kind, t.code, f.pointer
 LIMIT :most
"""


def kinds_unread(refused: RefusedRows) -> Iterator[RefusedKind]:
    """Rows that could not be read, by the member that was wrong; those not told count as the last
    that is."""
    for place, told in enumerate(refused.told, 1):
        more = refused.number - len(refused.told) if place == len(refused.told) else 0
        yield RefusedKind(None, told.pointer, told.detail, told.detail_zh, 1 + more)


async def note_refusals(
    session: Transaction, refusals: Sequence[tuple[int, RefusedKind]], at: datetime
) -> None:
    """Count refused rows of sources, in the transaction that stores what was sound.

    Args:
        refusals: Each with the number of its source.
        at: When they arrived.
    """
    if not refusals:
        return
    joined: dict[tuple[int, int | None, str], tuple[int, str, str]] = {}
    for source, kind in refusals:
        key = source, kind.station, _member(kind.pointer)
        before = joined[key][0] if key in joined else 0
        joined[key] = before + kind.number, _kept(kind.detail), _kept(kind.detail_zh)
    # In one order for all, so that none waits for one that waits for it.
    order = sorted(joined, key=lambda key: (key[0], key[1] or 0, key[2]))
    await session.execute(
        _NOTE,
        {
            "at": at,
            "source": [source for source, _, _ in order],
            "station": [station for _, station, _ in order],
            "pointer": [pointer for _, _, pointer in order],
            "number": [joined[key][0] for key in order],
            "en": [joined[key][1] for key in order],
            "zh": [joined[key][2] for key in order],
        },
    )
    await session.execute(_FORGET, {"at": at, "days": KEPT_DAYS})


def _member(pointer: str) -> str:
    """The pointer to a member that observations have; all others, which may be any, are one."""
    name = pointer.removeprefix("/").partition("/")[0]
    return f"/{name}" if name in MEMBERS else ""


def _kept(words: str) -> str:
    """What a column can hold of words that may quote what was sent."""
    held = words[:LONGEST_DETAIL].replace("\x00", "\ufffd")
    return held.encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class RefusalCount:
    """Rows refused for one member, that came by one way for one station.

    Attributes:
        station: Its code; None where the rows named none that is known.
        number: How many they are, within the days asked for.
        last_at: When the last of them came, which broke the rule of `detail_zh`, `detail_en`.
    """

    way: str
    station: str | None
    name_zh: str | None
    name_en: str | None
    pointer: str
    number: int
    last_at: datetime
    detail_zh: str
    detail_en: str


async def list_refusals(
    session: AsyncSession, viewer: Viewer, *, days: int, region: str | None = None
) -> list[RefusalCount]:
    """What was refused in the last days, the newest first.

    Args:
        viewer: Who has a role in the region of a station is told of its rows, and who has one
            everywhere also of those that name no known station.
        region: Only stations of the region of this code and those below it.
    """
    values = {
        **viewer_values(viewer),
        "days": days,
        "region": region,
        "everywhere": viewer.members is None,
        "members": sorted(viewer.members or ()),
        "most": MOST_LISTED,
    }
    return [
        RefusalCount(**row._mapping) for row in await session.execute(_list_query(viewer), values)
    ]


def _list_query(viewer: Viewer) -> TextClause:
    name, source = STATIONS.alias, source_of(STATIONS, former=False)
    seen = " AND ".join([STATIONS.live, *visibility(STATIONS, viewer)])
    columns = f"{name}.id, {name}.code, {name}.name_zh, {name}.name_en, {name}.region_id"
    # Constants of this code; the viewer's regions are bound.
    return text(_LIST.format(seen=f"SELECT {columns} FROM {source} WHERE {seen}"))  # noqa: S608
