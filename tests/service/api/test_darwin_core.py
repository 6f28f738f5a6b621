"""Darwin Core Archives sent in and asked for: names of the list, duplicates, and masked places."""

import csv
import io
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.crs import CRS84
from shanhai.db.identity import Grant, Identity
from shanhai.vocabulary import ROLE_SCOPES, Role
from tests.service.api.test_round_trips import sent_back
from tests.support.job_rows import add_region
from tests.support.plan_features import feature, point

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

ARCHIVE, ITEMS = "/collections/occurrences/darwin-core", "/collections/occurrences/items"
TERMS = "http://rs.tdwg.org/dwc/terms/"
COLUMNS = ("occurrenceID", "scientificName", "eventDate", "decimalLongitude", "decimalLatitude")
ROWS = (
    ("urn:1", "Sousa chinensis", "2026-05-01/2026-05-02", "118.0712", "24.4213"),
    ("urn:2", "Sousa chinensiss", "2026-05-01", "118.1", "24.4"),
    ("urn:3", "Sousa chinensis", "2026-05-01", "118.0713", "24.4213"),
    ("urn:4", "Sousa chinensis", "2026-05-01", "118.0732", "24.4213"),
    ("urn:5", "Sousa chinensis", "2026-13-01", "118.3", "24.3"),
    ("urn:known", "Sousa chinensis", "2020-01-01", "118.5", "24.3"),
)


def archive(path: Path) -> Path:
    """The rows, of a region told by default."""
    fields = "".join(
        f'<field index="{place}" term="{TERMS}{term}"/>' for place, term in enumerate(COLUMNS)
    )
    meta = (
        '<archive xmlns="http://rs.tdwg.org/dwc/text/"><core encoding="UTF-8"'
        f' fieldsTerminatedBy="\\t" fieldsEnclosedBy="" rowType="{TERMS}Occurrence">'
        f'<files><location>o.txt</location></files><id index="0"/>{fields}'
        f'<field default="here" term="{TERMS}locationID"/></core></archive>'
    )
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("meta.xml", meta)
        file.writestr("o.txt", "".join("\t".join(row) + "\n" for row in ROWS))
    return path


@pytest.fixture
async def dolphins(session: AsyncSession, admin: httpx.AsyncClient) -> None:
    """A region, a sensitive species, and an occurrence that an archive tells again."""
    await add_region(session, "here")
    await session.commit()
    for code, name in (("dolphin", "Sousa chinensis"), ("egret", "Egretta garzetta")):
        body = {"code": code, "scientific_name": name, "sensitivity": "cell"}
        assert (await admin.post("/species", json=body)).status_code == 201
    known = feature(
        point(118.2, 24.6),
        code="known",
        species="dolphin",
        region="here",
        observed_from="2019-01-01",
        occurrence_id="urn:known",
    )
    assert (await admin.post(ITEMS, json=known)).status_code == 201


async def test_an_archive_is_imported_row_by_row(
    dolphins: None, session: AsyncSession, admin: httpx.AsyncClient, tmp_path: Path
) -> None:
    sent = archive(tmp_path / "a.zip")
    told = await sent_back(session, tmp_path, sent, "occurrences", mode="valid_rows")
    await session.commit()
    assert (told["created"], told["rejected"]) == (2, 4), told
    told_of = {one["row"]: one for one in told["rejections"]}
    assert told_of[2]["rule"] == "reference"
    assert "the nearest are 'Sousa chinensis', 'Egretta garzetta'" in told_of[2]["detail"]
    # Seven centimetres of a degree further: ten metres from the first row, and 200 m from the next.
    assert told_of[3]["rule"] == "duplicate"
    assert told_of[6]["rule"] == "duplicate"
    assert "'known'" in told_of[6]["detail"]
    assert "2026-13-01" in told["findings"]
    # The summary and the report tell of what was found while writing, too.
    assert (told["rows"], told["passed"]) == (6, 2)
    assert told["by_rule"] == Counter(one["rule"] for one in told["told"])
    assert {(one["row"], one["rule"]) for one in told["told"]} >= {
        (2, "reference"),
        (6, "duplicate"),
    }
    found = (await admin.get(ITEMS, params={"limit": "100"})).json()["features"]
    first, *_ = [one for one in found if one["properties"]["occurrence_id"] == "urn:1"]
    assert first["properties"]["observed_to"] == "2026-05-02"
    assert first["geometry"]["coordinates"] == [118.0712, 24.4213]
    again = await sent_back(session, tmp_path, sent, "occurrences", mode="valid_rows")
    assert (again["created"], again["unchanged"]) == (0, 2), again


async def test_one_bad_row_leaves_all_unwritten(
    dolphins: None, session: AsyncSession, tmp_path: Path
) -> None:
    told = await sent_back(session, tmp_path, archive(tmp_path / "a.zip"), "occurrences")
    assert told["verdict"] == "refused"
    assert await session.scalar(text("SELECT count(*) FROM occurrence")) == 1


async def test_places_cannot_be_guessed_by_duplicates(
    dolphins: None, session: AsyncSession, tmp_path: Path
) -> None:
    """An import of another region is told nothing of what lies near its rows."""
    other = await add_region(session, "elsewhere")
    await session.execute(text("UPDATE occurrence SET occurrence_id = NULL"))
    await session.commit()
    sent = tmp_path / "guess.csv"
    sent.write_text(
        "code,species,region,observed_from,lon,lat\n"
        "guess,Sousa chinensis,elsewhere,2019-01-01,118.2,24.6\n",
        "utf-8",
    )
    grant = Grant(Role.PLANNER, frozenset({other.id}))
    planner = Identity("planner", ROLE_SCOPES[Role.PLANNER], (grant,))
    told = await sent_back(session, tmp_path, sent, "occurrences", sender=planner, crs="EPSG:4490")
    assert told["verdict"] == "imported", told
    await session.rollback()
    told = await sent_back(session, tmp_path, sent, "occurrences", crs="EPSG:4490")
    assert told["verdict"] == "refused"
    assert [one["rule"] for one in told["rejections"]] == ["duplicate"]


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    """The records of an archive, by their terms."""
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        lines = file.read("occurrence.txt").decode()
    return list(csv.DictReader(io.StringIO(lines), delimiter="\t", quoting=csv.QUOTE_NONE))


async def test_an_archive_is_masked_as_its_reader_reads(
    dolphins: None, admin: httpx.AsyncClient, reader: httpx.AsyncClient, anonymous: Any
) -> None:
    exact, masked = await admin.get(ARCHIVE), await reader.get(ARCHIVE)
    assert exact.headers["content-type"] == "application/zip"
    (one,) = rows_of(exact)
    assert (one["decimalLongitude"], one["decimalLatitude"]) == ("118.2", "24.6")
    assert (one["occurrenceID"], one["locationID"]) == ("urn:known", "here")
    assert one["dataGeneralizations"] == ""
    (one,) = rows_of(masked)
    assert (one["decimalLongitude"], one["decimalLatitude"]) == ("118.25", "24.65")
    assert one["occurrenceID"].endswith("/collections/occurrences/items/known")
    assert one["locationID"] == one["recordedBy"] == ""
    assert "0.1 degree" in one["dataGeneralizations"]
    assert 7_400 < float(one["coordinateUncertaintyInMeters"]) < 7_600
    assert rows_of(await anonymous.get(ARCHIVE)) == [], "what is not verified is not public"
    none = await reader.get(ARCHIVE, params={"bbox": "118.31,24.6,118.4,24.7"})
    assert len(rows_of(none)) == 0
    assert (
        len(rows_of(await reader.get(ARCHIVE, params={"bbox": "118.21,24.61,118.22,24.62"}))) == 1
    )
    for wrong in ("offset=1", "nonsense=1", "f=csv", f"crs={CRS84.uri}"):
        assert (await reader.get(f"{ARCHIVE}?{wrong}")).status_code == 400, wrong
