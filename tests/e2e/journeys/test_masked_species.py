"""A botanist sends an archive with exact places; the public reads the cells they lie in."""

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import httpx

from shanhai.client import ApiClient
from shanhai.local.stack import Stack
from tests.e2e.journeys.conftest import Bureau, Caller, Found

TERMS = "http://rs.tdwg.org/dwc/terms/"
COLUMNS = ("occurrenceID", "scientificName", "eventDate", "decimalLongitude", "decimalLatitude")
ORCHID = "Paphiopedilum micranthum"
ITEMS = "/collections/occurrences/items"
ARCHIVE = "/collections/occurrences/darwin-core"


def archive(path: Path, region: str, *rows: tuple[str, ...]) -> Path:
    """A Darwin Core Archive of a region."""
    fields = "".join(
        f'<field index="{place}" term="{TERMS}{term}"/>' for place, term in enumerate(COLUMNS)
    )
    meta = (
        '<archive xmlns="http://rs.tdwg.org/dwc/text/"><core encoding="UTF-8"'
        f' fieldsTerminatedBy="\\t" fieldsEnclosedBy="" rowType="{TERMS}Occurrence">'
        f'<files><location>o.txt</location></files><id index="0"/>{fields}'
        f'<field default="{region}" term="{TERMS}locationID"/></core></archive>'
    )
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("meta.xml", meta)
        file.writestr("o.txt", "".join("\t".join(row) + "\n" for row in rows))
    return path


def told(caller: Caller) -> list[dict[str, str]]:
    """The rows of the archive somebody gets of the orchid."""
    answer = caller.client.get(ARCHIVE, params={"species": "journey-orchid"})
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        lines = file.read("occurrence.txt").decode()
    return list(csv.DictReader(io.StringIO(lines), delimiter="\t", quoting=csv.QUOTE_NONE))


def read(caller: Caller, **asked: Any) -> list[Any]:
    found = caller.get(ITEMS, species="journey-orchid", **asked)["features"]
    return [(one["properties"], one["geometry"]) for one in found]


def test_who_may_reads_the_place_and_others_the_cell(
    stack: Stack, found: Found, admin: Caller, public: Caller, tmp_path: Path
) -> None:
    bureau = found("species-district", "物种区", "Species District")
    elsewhere = found("species-elsewhere", "别区", "Elsewhere")
    names = {"scientific_name": ORCHID, "name_zh": "硬叶兜兰", "name_en": "Silver slipper orchid"}
    orchid = {"code": "journey-orchid", "protection": "first_class", "sensitivity": "cell"}
    bureau.analyst.post("/species", names | orchid, status=403)
    admin.post("/species", names | orchid)
    west, south = round(bureau.box[0] + 0.0712, 4), 30.0213
    rows = (
        ("urn:journey:1", ORCHID, "2026-05-01", str(west), str(south)),
        ("urn:journey:2", f"{ORCHID}x", "2026-05-01", str(west), str(south)),
    )
    report = send(stack, bureau, archive(tmp_path / "a.zip", bureau.region, *rows))
    assert (report["created"], report["rejected"]) == (1, 1)

    [(kept, place)] = read(bureau.analyst)
    assert (kept["place"], place["coordinates"]) == ("exact", [west, south])
    assert read(public) == [], "what is not verified is not public"
    code = kept["code"]
    bureau.owner.change("occurrences", code, {"state": "verified"}, status=403)
    bureau.supervisor.change("occurrences", code, {"state": "verified"})

    for caller in (public, bureau.viewer, elsewhere.planner):
        [(masked, cell)] = read(caller)
        assert (masked["place"], masked["region"], masked["occurrence_id"]) == ("cell", None, None)
        assert cell["type"] == "Polygon"
        corner = [round(number, 4) for number in cell["coordinates"][0][0]]
        assert all(abs(number * 10 - round(number * 10)) < 1e-6 for number in corner)
        near = f"{west + 0.01},{south + 0.01},{west + 0.02},{south + 0.02}"
        assert len(read(caller, bbox=near)) == 1, "wherever in the cell one asks"
        [row] = told(caller)
        assert row["dataGeneralizations"]
        assert (row["decimalLongitude"], row["locationID"]) != (str(west), bureau.region)
    assert len(read(bureau.planner, bbox=near)) == 0
    [exact] = told(bureau.analyst)
    assert (exact["decimalLongitude"], exact["decimalLatitude"]) == (str(west), str(south))
    assert exact["occurrenceID"] == "urn:journey:1"
    assert str(west) not in public.page(f"{ITEMS}/{code}")
    admin_only = httpx.get(f"{stack.api_url}{ITEMS}/{code}").json()
    assert admin_only["geometry"]["type"] == "Polygon"


def send(stack: Stack, bureau: Bureau, path: Path) -> Any:
    """Import an archive with the key of the botanist; the summary."""
    key = bureau.analyst.client.headers["Authorization"].removeprefix("Bearer ")
    with ApiClient(stack.api_url, key) as api:
        upload = api.upload(path)
    inputs = {"upload": upload, "collection": "occurrences", "mode": "valid_rows"}
    results = bureau.analyst.run("import-features", inputs)
    return results["summary"]
