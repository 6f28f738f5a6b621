"""Darwin Core Archives: what their `meta.xml` says is done, and what is written can be read."""

import csv
import io
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import shapely

from shanhai.errors import UnsupportedFile
from shanhai.vector import darwin_core
from shanhai.vector.open_source import open_source
from shanhai.vector.sources import Wishes

TERMS = "http://rs.tdwg.org/dwc/terms/"
META = """<?xml version="1.0"?>
<archive xmlns="http://rs.tdwg.org/dwc/text/">
  <core encoding="UTF-8" fieldsTerminatedBy="{sign}" linesTerminatedBy="\\n"
        fieldsEnclosedBy="{quote}" ignoreHeaderLines="1" rowType="http://rs.tdwg.org/dwc/terms/{row_type}">
    <files><location>{location}</location></files>
    <id index="0"/>
    <field index="1" term="http://rs.tdwg.org/dwc/terms/scientificName"/>
    <field index="2" term="http://rs.tdwg.org/dwc/terms/eventDate"/>
    <field index="3" term="http://rs.tdwg.org/dwc/terms/decimalLongitude"/>
    <field index="4" term="http://rs.tdwg.org/dwc/terms/decimalLatitude"/>
    <field index="5" term="http://rs.tdwg.org/dwc/terms/individualCount" default="1"/>
    <field index="6" term="http://rs.tdwg.org/dwc/terms/habitat"/>
    <field default="xiamen" term="http://rs.tdwg.org/dwc/terms/locationID"/>
  </core>
</archive>"""
HEADER = "id\tscientificName\teventDate\tdecimalLongitude\tdecimalLatitude\tcount\thabitat"
ROWS = (
    "a-1\tSousa chinensis\t2026-05-01/2026-05-03\t118.07\t24.42\t3\t近岸",
    "urn:x:2\tSousa chinensis\t2026-05-01T10:00\t118.07\t24.42\t\t",
    "a-3\tSousa chinensis\tsome day\t118.07\t24.42\t1\t",
    "a-4\tSousa chinensis\t2026-05-01\t218.07\t24.42\t1\t",
    "a-5\tSousa chinensis\t2026-05-01\t\t\t1\t",
)


def archive(path: Path, *, meta: str | None = None, name: str = "core.txt", **said: Any) -> Path:
    """An archive of the rows."""
    told = {"sign": "\\t", "quote": "", "row_type": "Occurrence", "location": "core.txt", **said}
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("meta.xml", meta or META.format_map(told))
        file.writestr(name, "\n".join((HEADER, *ROWS)) + "\n")
    return path


def opened(path: Path, tmp_path: Path) -> Any:
    folder = tmp_path / "opened"
    folder.mkdir()
    return open_source(path, folder, Wishes())


def test_rows_are_read_by_their_terms_with_what_they_have_by_default(tmp_path: Path) -> None:
    source = opened(archive(tmp_path / "a.zip"), tmp_path)
    (block,) = source.blocks()
    columns = block.columns
    assert source.info.format == "Darwin Core Archive"
    assert columns["species"] == ["Sousa chinensis"] * 5
    assert columns["region"] == ["xiamen"] * 5, "a term without column has its default"
    assert columns["individuals"] == ["3", "1", "1", "1", "1"], "an empty cell, too"
    assert columns["observed_from"][:2] == ["2026-05-01", "2026-05-01"]
    assert columns["observed_to"][:2] == ["2026-05-03", None]
    assert columns["habitat"][0] == "近岸", "what has no property here is kept"
    assert columns["code"][0] == "a-1"
    assert columns["code"][1] == darwin_core.code_of("urn:x:2") != "urn:x:2"
    assert shapely.from_wkb(block.geometry[0]).equals(shapely.Point(118.07, 24.42))
    assert block.geometry[4] is None
    assert sorted(block.broken) == [2, 3], "each row that cannot be read says why"
    assert "some day" in block.broken[2].en
    assert "218.07" in block.broken[3].zh


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"row_type": "Taxon"}, "Taxon"),
        ({"location": "../../etc/passwd"}, "holds no"),
        ({"location": "other.txt"}, "holds no"),
        ({"sign": "ab"}, "delimiter of one sign"),
        ({"quote": "''"}, "one sign or none that encloses"),
        ({"meta": "<archive><core"}, "meta.xml cannot be read"),
        (
            {"meta": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'},
            "document type",
        ),
        ({"name": "../core.txt"}, "member"),
    ],
)
def test_what_breaks_a_rule_is_refused(tmp_path: Path, said: dict[str, Any], words: str) -> None:
    path = archive(tmp_path / "a.zip", **said)
    with pytest.raises(UnsupportedFile, match=words):
        list(opened(path, tmp_path).blocks())


ROW: dict[str, Any] = {
    "shape": shapely.to_wkb(shapely.Point(118.1123457, 24.5123459)),
    "code": "met-1",
    "occurrence_id": None,
    "scientific_name": "Sousa chinensis",
    "name_zh": "中华白海豚",
    "observed_from": "2026-05-01",
    "observed_to": "2026-05-03",
    "individuals": 3,
    "method": "camera_trap",
    "observer": "林\t某",
    "region": "xiamen",
    "locality": "湾\n口",
    "uncertainty_m": 15.0,
    "place": "exact",
    "state": "verified",
}
ABOUT = {"title": "A & B", "creator": "<who>", "address": "https://x/", "day": "2026-11-22"}


def written(tmp_path: Path, *rows: dict[str, Any]) -> Path:
    lines = tmp_path / "lines.txt"
    records = [darwin_core.record_of({**ROW, **row}, "https://x/items") for row in rows]
    header = "\t".join(darwin_core.WRITTEN) + "\n"
    lines.write_text(header + "".join(map(darwin_core.line_of, records)), "utf-8")
    path = tmp_path / "written.zip"
    darwin_core.write_archive(path, lines, ABOUT)
    return path


def test_what_is_written_is_read_by_its_own_description(tmp_path: Path) -> None:
    """With the csv and XML modules alone, as the text guide has it."""
    cell = shapely.to_wkb(shapely.box(118.1, 24.5, 118.2, 24.6))
    masked = {"shape": cell, "place": "cell", "uncertainty_m": 7502.0, "code": "met-2"}
    masked |= {"observer": None, "region": None, "locality": None, "individuals": 0}
    with zipfile.ZipFile(written(tmp_path, {}, masked)) as file:
        assert sorted(file.namelist()) == ["eml.xml", "meta.xml", "occurrence.txt"]
        meta = ElementTree.fromstring(file.read("meta.xml"))  # noqa: S314 - our own
        ElementTree.fromstring(file.read("eml.xml"))  # noqa: S314 - our own
        text = file.read("occurrence.txt").decode()
    space = "{http://rs.tdwg.org/dwc/text/}"
    core = meta.find(f"{space}core")
    assert core is not None
    assert core.get("rowType") == f"{TERMS}Occurrence"
    assert core.findtext(f"{space}files/{space}location") == "occurrence.txt"
    named = {
        str(one.get("term")).removeprefix(TERMS): int(str(one.get("index")))
        for one in core.findall(f"{space}field")
    }
    rows = list(csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert rows[0] == list(named)
    exact, generalised = [{term: row[place] for term, place in named.items()} for row in rows[1:]]
    assert exact["occurrenceID"] == "https://x/items/met-1"
    assert exact["basisOfRecord"] == "MachineObservation"
    assert exact["eventDate"] == "2026-05-01/2026-05-03"
    assert (exact["decimalLongitude"], exact["decimalLatitude"]) == ("118.1123457", "24.5123459")
    assert (exact["recordedBy"], exact["locality"]) == ("林 某", "湾 口")
    assert exact["dataGeneralizations"] == exact["informationWithheld"] == ""
    assert (generalised["decimalLongitude"], generalised["decimalLatitude"]) == ("118.15", "24.55")
    assert generalised["coordinateUncertaintyInMeters"] == "7502.0"
    assert "0.1 degree" in generalised["dataGeneralizations"]
    assert "withheld" in generalised["informationWithheld"]
    assert generalised["recordedBy"] == generalised["locality"] == ""
    assert generalised["occurrenceStatus"] == "absent"


def test_what_is_written_is_taken_back(tmp_path: Path) -> None:
    (block,) = opened(written(tmp_path, {"occurrence_id": "urn:1"}), tmp_path).blocks()
    assert not block.broken
    assert block.columns["occurrence_id"] == ["urn:1"]
    assert block.columns["observed_to"] == ["2026-05-03"]
    assert block.columns["method"] == ["camera_trap"]
    assert block.geometry == [ROW["shape"]]
