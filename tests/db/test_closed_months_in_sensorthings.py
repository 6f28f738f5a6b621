"""SensorThings over closed months: each answer is that of before they were closed."""

import base64
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from shanhai.db.engine import Sessions
from shanhai.db.identity import EVERYTHING, PUBLIC
from shanhai.db.observations.archive import close_month
from shanhai.db.observations.archive_restore import annul
from shanhai.db.observations.retention import find_due
from shanhai.db.observations.rollups import sum_up
from shanhai.db.sensorthings import archive_rows
from shanhai.db.sensorthings.options import read_options
from shanhai.db.sensorthings.paths import resolve
from shanhai.db.sensorthings.queries import Asker, read_one, read_page
from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.monitoring.observation import FeedObservation
from shanhai.storage.artifacts import LocalArtifacts
from tests.support.observation_rows import (
    add_station,
    forget_observations,
    store_observations,
)

START = datetime(2020, 3, 30, tzinfo=UTC)
MONTHS = (date(2020, 3, 1), date(2020, 4, 1))
LATER = START + timedelta(days=70)
DESC = "$orderby=phenomenonTime desc"
APRIL = "phenomenonTime ge 2020-04-01T00:00:00Z"
ASKED = (
    "Observations",
    "Observations?$top=7",
    "Observations?$count=true&$top=3&$skip=100",
    f"Observations?{DESC}&$top=5",
    "Observations?$orderby=phenomenonTime&$top=9&$skip=4",
    f"Observations?$filter={APRIL}&$top=6",
    f"Observations?$filter={APRIL} and phenomenonTime lt 2020-04-01T05:00:00Z&$top=50",
    "Observations?$filter=result gt 40&$count=true&$top=4",
    "Observations?$orderby=result desc&$top=6",
    "Observations?$filter=Datastream/id eq 'b:pm25'&$top=30",
    "Observations?$filter=Datastream/Thing/id eq 'b' and result lt 3&$top=30",
    "Observations?$filter=FeatureOfInterest/id eq 'a'&$orderby=phenomenonTime desc&$top=11",
    "Observations('a:pm25:20200330T050000.000000Z')",
    "Observations('a:pm25:20200330T050000.000000Z')/FeatureOfInterest",
    "Observations('a:pm25:20200330T050000.000000Z')/Datastream",
    "Datastreams",
    "Datastreams('a:pm25')/Observations?$top=20",
    f"Datastreams('a:pm25')/Observations?{DESC}&$top=40",
    f"Datastreams('old:pm25')/Observations?{DESC}&$top=1",
    "Datastreams('a:pm25')/Observations?$count=true&$top=2",
    f"Datastreams?$expand=Observations($top=1;{DESC})",
    f"Datastreams?$expand=Observations($top=2;$filter={APRIL};$count=true)",
    "Datastreams?$filter=Observations/result gt 45&$select=name",
    f"Things('b')?$expand=Datastreams($expand=Observations({DESC};$top=3;$skip=1))",
    f"Things?$expand=Datastreams($expand=Observations($top=1;{DESC}))",
    "FeaturesOfInterest?$expand=Observations($top=4)",
    "Observations?$expand=Datastream,FeatureOfInterest&$top=3",
    "Observations?$top=1&$expand=Datastream($expand=Observations($top=5))",
    f"Datastreams('old:pm25')/Observations?{DESC}&$top=2&$expand=Datastream($expand=Observations)",
    "Observations?$top=1&$expand=FeatureOfInterest($expand=Observations($top=5))",
    "Observations?$top=1"
    "&$expand=Datastream($expand=Thing($expand=Datastreams($expand=Observations($top=5))))",
    "Observations('a:pm25:20200330T050000.000000Z')?$expand=Datastream($expand=Observations)",
    "Observations('b:pm25:20200330T050000.000000Z')?$expand=Datastream("
    "$expand=Observations($top=3;$expand=FeatureOfInterest($expand=Observations($top=4))))",
)
PAGED = (
    "Observations?$top=37",
    f"Observations?{DESC}&$top=37",
    "Observations?$orderby=phenomenonTime&$top=37",
    f"Datastreams('a:pm25')/Observations?{DESC}&$top=13",
    "Datastreams('a:pm25')/Observations?$top=13",
    "Observations?$filter=result gt 20&$top=17",
    f"Observations?$filter={APRIL}&$top=31",
)


@pytest.fixture(autouse=True)
async def two_closed_months(sessions: Sessions) -> None:
    """Sessions on a database with values of two closed months and of one that is open."""
    async with sessions.begin() as session:
        await forget_observations(session)
        await session.execute(text("DELETE FROM sampling_feature"))
        for number, code in enumerate(("a", "b", "old")):
            await add_station(session, code, place=(118 + number / 10, 24.5))
    given = [
        FeedObservation(code, "pm25", start + timedelta(hours=hour), hour + number / 10)
        for number, code in enumerate(("a", "b"))
        for start in (START, LATER)
        for hour in range(50)
    ]
    given += [FeedObservation("a", "ph", START + timedelta(hours=h), 7) for h in range(5)]
    given += [FeedObservation("old", "pm25", START + timedelta(hours=h), h) for h in range(5)]
    await store_observations(sessions, given)
    async with sessions.begin() as session:
        await sum_up(session)


@pytest.fixture
def asker(tmp_path: Path) -> Asker:
    """Somebody who may see everything."""
    return Asker(EVERYTHING, "en", "https://example.org", LocalArtifacts(tmp_path))


async def ask(sessions: Sessions, asker: Asker, written: str, *, pages: int = 1) -> list[Any]:
    """The answer, or so many pages of it."""
    path, _, query = written.partition("?")
    options = read_options(
        [
            (name, value)
            for name, _, value in (part.partition("=") for part in query.split("&"))
            if name
        ]
    )
    found: list[Any] = []
    async with sessions() as session:
        resource = await resolve(session, asker, path)
        if resource.key is not None:
            return [await read_one(session, asker, resource.kind, options, resource.key)]
        for _ in range(pages):
            page = await read_page(session, asker, resource.kind, options, resource.within)
            found.append((page.rows, page.count))
            if page.next is None:
                break
            options = replace(options, after=page.next)
    return found


async def close(sessions: Sessions, asker: Asker) -> None:
    for month in MONTHS:
        assert await close_month(sessions, asker.files, month)


async def test_answers_are_those_of_before(sessions: Sessions, asker: Asker) -> None:
    before = [await ask(sessions, asker, written) for written in ASKED]
    paged = [await ask(sessions, asker, written, pages=30) for written in PAGED]
    assert all(before)
    await close(sessions, asker)
    for written, told in zip(ASKED, before, strict=True):
        assert await ask(sessions, asker, written) == told, written
    for written, pages in zip(PAGED, paged, strict=True):
        assert len(pages) > 2
        assert await ask(sessions, asker, written, pages=30) == pages, written


@pytest.mark.parametrize("station", ["null", '"9000000000"', '"x"'])
async def test_a_place_that_no_page_gave_is_refused(
    sessions: Sessions, asker: Asker, station: str
) -> None:
    await close(sessions, asker)
    place = f'[{station},1,"2020-03-30T05:00:00Z"]'.encode()
    token = base64.urlsafe_b64encode(place).decode().rstrip("=")
    with pytest.raises(InvalidInput):
        await ask(sessions, asker, f"Observations?$skiptoken={token}")


async def test_more_than_can_be_looked_at_is_refused(
    sessions: Sessions, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await close(sessions, asker)
    monkeypatch.setattr(archive_rows, "MOST_ROWS", 60)
    with pytest.raises(LimitExceeded, match="name one Datastream"):
        await ask(sessions, asker, "Observations?$filter=result gt 3")
    # What needs few rows of many is answered.
    assert len((await ask(sessions, asker, f"Observations?{DESC}&$top=50"))[0][0]) == 50
    assert (await ask(sessions, asker, "Observations?$top=10&$count=true"))[0][1] == 210


SERIES_OF_A = text("""
  SELECT s.id AS station, p.id AS property FROM station s, observed_property p
   WHERE s.code = 'a' AND p.code = 'pm25'
""")
REACH = text("""
  INSERT INTO sampling_feature (code, name, description, geom, properties, used)
  VALUES ('reach', 'Reach', '', 'SRID=4490;POINT(118 24.4)', '{}', true)
  ON CONFLICT (code) DO UPDATE SET used = true RETURNING id
""")
OF_REACH = (
    "FeaturesOfInterest('reach')",
    "FeaturesOfInterest('reach')/Observations?$count=true",
    "Observations('a:pm25:20200330T003000.000000Z')?$expand=FeatureOfInterest",
    "FeaturesOfInterest?$filter=id eq 'reach'",
)


async def test_the_public_sees_what_values_of_closed_months_are_of(
    sessions: Sessions, asker: Asker
) -> None:
    async with sessions.begin() as session:
        reach = int(await session.scalar(REACH) or 0)
    anybody = replace(asker, viewer=PUBLIC)
    at = START + timedelta(minutes=30)
    given = [
        FeedObservation("a", "pm25", at, 5, feature=reach),
        FeedObservation("b", "pm25", at, 5),
    ]
    await store_observations(sessions, given)
    async with sessions.begin() as session:
        await sum_up(session)
    before = [await ask(sessions, anybody, written) for written in OF_REACH]
    assert all(found and found[0] for found in before)
    assert before[2][0]["expanded"]["FeatureOfInterest"]["id"] == "reach"
    await close(sessions, asker)
    assert [await ask(sessions, anybody, written) for written in OF_REACH] == before
    # Closed anew, the file has it from the file before.
    await store_observations(sessions, [FeedObservation("b", "ph", at, 7)], files=asker.files)
    async with sessions.begin() as session:
        await sum_up(session)
    await close(sessions, asker)
    assert [await ask(sessions, anybody, written) for written in OF_REACH] == before
    async with sessions.begin() as session:
        await session.execute(text("UPDATE station SET visibility = 'region' WHERE code = 'a'"))
    assert await ask(sessions, anybody, OF_REACH[0]) == [None]
    async with sessions.begin() as session:
        await session.execute(text("UPDATE station SET visibility = 'public' WHERE code = 'a'"))
        row = (await session.execute(SERIES_OF_A)).one()
        assert await annul(session, asker.files, row.station, row.property, [at]) == 1
    assert await ask(sessions, anybody, OF_REACH[0]) == [None]


async def test_months_closed_before_it_was_noted_are_closed_anew(
    sessions: Sessions, asker: Asker
) -> None:
    async with sessions.begin() as session:
        reach = int(await session.scalar(REACH) or 0)
    at = START + timedelta(minutes=30)
    await store_observations(sessions, [FeedObservation("a", "pm25", at, 5, feature=reach)])
    async with sessions.begin() as session:
        await sum_up(session)
    await close(sessions, asker)
    async with sessions() as session:
        assert await find_due(session, after_months=0) == []
    async with sessions.begin() as session:
        await session.execute(text("UPDATE archived_series SET features = NULL"))
    anybody = replace(asker, viewer=PUBLIC)
    assert await ask(sessions, anybody, OF_REACH[0]) == [None]
    async with sessions() as session:
        assert await find_due(session, after_months=0) == list(MONTHS)
    await close(sessions, asker)
    assert await ask(sessions, anybody, OF_REACH[0]) != [None]
    async with sessions.begin() as session:
        assert await find_due(session, after_months=0) == []
        await session.execute(text("DELETE FROM sampling_feature"))
        await session.execute(text("UPDATE archived_series SET features = NULL"))
        # Nothing is to be noted.
        assert await find_due(session, after_months=0) == []
