"""A page over all stations in the order of time reads what it shows, however large the month."""

from datetime import UTC, date, datetime

from sqlalchemy import text

from shanhai.db.engine import Sessions
from shanhai.db.observations.partitions import make_months, month_table
from tests.support.observation_rows import forget_observations

MONTH = date(2019, 5, 1)
STATIONS, TIMES = 40, 1_000
# One station after another, as files are brought in: no page of the table has only one time.
FILL = text("""
  INSERT INTO observation (observed_at, value, received_at, station_id, source_id, property_id,
                           quality, flags)
  SELECT CAST(:start AS timestamptz) + tick * interval '30 minutes', 1, now(), station, 1, 1, 0, 0
    FROM generate_series(1, :stations) station, generate_series(0, :times - 1) tick
   ORDER BY station, tick
""")
PAGE = f"""
  EXPLAIN (ANALYZE, FORMAT JSON)
  SELECT * FROM {month_table(MONTH)}
   WHERE station_id = ANY(CAST(:stations AS int[])) AND observed_at >= '2019-05-10 00:00+00'
   ORDER BY observed_at, station_id, property_id LIMIT 50
"""


async def test_it_reads_the_rows_of_its_moments(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await forget_observations(session)
        await make_months(session, [MONTH])
        start = datetime(2019, 5, 1, tzinfo=UTC)
        await session.execute(FILL, {"start": start, "stations": STATIONS, "times": TIMES})
        await session.execute(text(f"ANALYZE {month_table(MONTH)}"))
        plan = await session.scalar(text(PAGE), {"stations": [*range(1, STATIONS + 1)]})
        await session.rollback()
    read = plan[0]["Plan"]
    while "Plans" in read:
        (read,) = read["Plans"]
    assert read["Index Name"].endswith("observed_at_idx")
    assert read["Actual Rows"] <= 2 * STATIONS + 1
