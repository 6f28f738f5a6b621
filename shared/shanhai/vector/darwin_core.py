"""Darwin Core Archives of occurrences: read by their `meta.xml`, and written.

Source: Darwin Core Text Guide and the list of terms (TDWG), https://dwc.tdwg.org/text/. Of
extensions nothing is read. XML has no entities here: a document type is refused.
"""

import csv
import hashlib
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

import shapely

from shanhai.file_limits import BLOCK, BROKEN_ZIP, unpack_member
from shanhai.vector import sources
from shanhai.vector.gdal_source import LIMITS, checked_members
from shanhai.vector.tables import BLOCK_ROWS
from shanhai.vocabulary import Label

META = "meta.xml"
TERMS = "http://rs.tdwg.org/dwc/terms/"
TEXT_XMLNS = "http://rs.tdwg.org/dwc/text/"
LONGEST_META = 1024**2
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)
DATUMS = frozenset({"", "wgs84", "wgs 84", "epsg:4326", "cgcs2000", "epsg:4490", "cgcs 2000"})
"""Systems whose degrees differ by less than a metre."""
PROPERTIES: Mapping[str, str] = {
    "scientificName": "species",
    "occurrenceID": "occurrence_id",
    "individualCount": "individuals",
    "recordedBy": "observer",
    "locality": "locality",
    "locationID": "region",
    "coordinateUncertaintyInMeters": "uncertainty_m",
    "samplingProtocol": "method",
}
"""What the terms are called here that are taken as they are; others keep their names."""
PLACED = frozenset({"decimalLongitude", "decimalLatitude", "geodeticDatum", "eventDate"})
DERIVED = ("code", "observed_from", "observed_to")


@dataclass(slots=True)
class ArchiveCore:
    """The core of an archive, as `meta.xml` tells of it.

    Attributes:
        terms: By the local name of a term, the place of its column, and what it has by default.
    """

    row_type: str = ""
    location: str = ""
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str | None = '"'
    skipped: int = 0
    id_column: int | None = None
    terms: dict[str, tuple[int | None, str | None]] = field(default_factory=dict)


def read_meta(content: bytes) -> ArchiveCore:
    """What a `meta.xml` says of the core.

    Raises:
        UnsupportedFile: it describes no archive of occurrences, or holds a document type.
    """
    core, path = ArchiveCore(), []
    parser = expat.ParserCreate(namespace_separator=" ")

    def begin(name: str, given: dict[str, str]) -> None:
        path.append(name.rpartition(" ")[2])
        if path[1:] == ["core"]:
            _told_of_core(core, given)
        elif path[1:] == ["core", "id"]:
            core.id_column = int(given["index"])
        elif path[1:] == ["core", "field"]:
            term = given["term"].rpartition("/")[2]
            index = given.get("index")
            core.terms[term] = (None if index is None else int(index), given.get("default"))

    def end(name: str) -> None:
        if path[1:] == ["core", "files", "location"]:
            core.location = "".join(words).strip()
        words.clear()
        path.pop()

    def refuse_type(*_: Any) -> None:
        raise sources.refuse(
            "a meta.xml with a document type is not read", "不读取带有 DOCTYPE 的 meta.xml"
        )

    words: list[str] = []
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = words.append, refuse_type
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, KeyError, ValueError, LookupError) as error:
        raise sources.refuse(f"meta.xml cannot be read: {error}", "meta.xml 无法读取") from error
    _demand_occurrences(core)
    return core


def _told_of_core(core: ArchiveCore, given: Mapping[str, str]) -> None:
    def sign(name: str, default: str) -> str:
        return given.get(name, default).replace("\\t", "\t").replace("\\n", "\n")

    core.row_type = given.get("rowType", "")
    core.encoding = given.get("encoding", "UTF-8")
    core.delimiter = sign("fieldsTerminatedBy", ",")
    core.quote = sign("fieldsEnclosedBy", '"') or None
    core.skipped = int(given.get("ignoreHeaderLines") or 0)


def _demand_occurrences(core: ArchiveCore) -> None:
    if core.row_type.rpartition("/")[2] != "Occurrence":
        raise sources.refuse(
            f"the core of the archive is {core.row_type[:100]!r}; occurrences are read",
            f"档案的核心表为 {core.row_type[:100]!r}；只读取 Occurrence",
        )
    signs = len(core.delimiter) == len(core.quote or "-") == 1
    if not core.location or not signs or "scientificName" not in core.terms:
        raise sources.refuse(
            "meta.xml must name the file of the core, a delimiter of one sign, one sign or none"
            " that encloses fields, and scientificName",
            "meta.xml 须给出核心文件、单字符分隔符、至多一个字符的引用符和 scientificName",
        )
    if sources.python_codec(core.encoding) is None:
        raise sources.refuse(
            f"{core.encoding[:40]!r} is no known encoding", f"未知编码 {core.encoding[:40]!r}"
        )


def is_archive(path: Path) -> bool:
    """Whether a zip describes itself as a Darwin Core Archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return META in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


class DarwinCoreSource:
    """The occurrences of an archive, with the names their properties have here."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._file = folder / "core.txt"
        self._core = _extract(path, folder, self._file)
        own = [term for term in self._core.terms if term not in {*PLACED, *PROPERTIES}]
        self._own = tuple(term for term in own if term not in DERIVED)
        named = tuple(PROPERTIES[term] for term in PROPERTIES if term in self._core.terms)
        fields = (*DERIVED, *named, *self._own)
        codec = sources.python_codec(self._core.encoding) or "utf-8"
        self._codec = "utf-8-sig" if codec == "utf-8" else codec
        self.info = sources.SourceInfo(
            "Darwin Core Archive", fields, None, "EPSG:4326", codec, "meta.xml"
        )

    def blocks(self) -> Iterator[sources.SourceBlock]:
        """The rows of the core."""
        waiting: list[list[str]] = []
        for row in self._rows():
            waiting.append(row)
            if len(waiting) == BLOCK_ROWS:
                yield self._block(waiting)
                waiting = []
        if waiting:
            yield self._block(waiting)

    def _rows(self) -> Iterator[list[str]]:
        quoted = self._core.quote is not None
        try:
            with self._file.open(encoding=self._codec, newline="") as file:
                rows = csv.reader(
                    file,
                    delimiter=self._core.delimiter,
                    quotechar=self._core.quote or None,
                    quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
                )
                for number, row in enumerate(rows):
                    if row and number >= self._core.skipped:
                        yield row
        except (csv.Error, UnicodeError) as error:
            raise sources.refuse(f"the core cannot be read: {error}", "核心文件无法读取") from error

    def _block(self, rows: Sequence[Sequence[str]]) -> sources.SourceBlock:
        geometry: list[bytes | None] = []
        broken: dict[int, Label] = {}
        columns: dict[str, list[Any]] = {name: [] for name in self.info.fields}
        for number, row in enumerate(rows):
            told = {term: self._value(row, term) for term in self._core.terms}
            values: dict[str, Any] = {PROPERTIES.get(term, term): told[term] for term in told}
            try:
                values |= self._derived(row, told)
                geometry.append(place_of(told))
            except ValueError as error:
                geometry.append(None)
                en, _, zh = str(error).partition("|")
                broken[number] = Label(zh, en)
            for name, column in columns.items():
                column.append(values.get(name))
        return sources.SourceBlock(geometry, columns, broken)

    def _value(self, row: Sequence[str], term: str) -> str | None:
        place, default = self._core.terms[term]
        given = row[place].strip() if place is not None and place < len(row) else ""
        return given or default

    def _derived(self, row: Sequence[str], told: Mapping[str, str | None]) -> dict[str, Any]:
        """The code, made of what the publisher calls the record, and its days."""
        place = self._core.id_column
        named = told.get("occurrenceID") or (
            row[place].strip() if place is not None and place < len(row) else ""
        )
        if not named:
            raise ValueError("has neither an occurrenceID nor an id|没有 occurrenceID，也没有 id")
        first, last = days_of(told.get("eventDate") or "")
        return {"code": code_of(named), "observed_from": first, "observed_to": last}


def _extract(path: Path, folder: Path, target: Path) -> ArchiveCore:
    try:
        with zipfile.ZipFile(path) as archive:
            members = checked_members(archive, LIMITS)
            unpack_member(archive, members[META], folder / META, LONGEST_META)
            core = read_meta((folder / META).read_bytes())
            member = members.get(core.location)
            if member is None:
                raise sources.refuse(
                    f"the zip holds no {core.location[:100]!r}, which meta.xml names",
                    f"压缩包中没有 meta.xml 所指的 {core.location[:100]!r}",
                )
            unpack_member(archive, member, target, LIMITS.room(max(path.stat().st_size, BLOCK)))
    except BROKEN_ZIP as error:
        raise sources.refuse(
            f"the zip cannot be read: {type(error).__name__}", "压缩包无法读取"
        ) from error
    return core


def code_of(named: str) -> str:
    """The code of a record: its publisher's name where that is one, or else made of its digest."""
    if CODE.fullmatch(named):
        return named
    return f"dwc-{hashlib.sha256(named.encode()).hexdigest()[:24]}"


def days_of(text: str) -> tuple[str, str | None]:
    """The first and last day of an `eventDate` (ISO 8601-1): a day, or two with a slash.

    Times are left out; a last day that is the first is none. Raises ValueError for anything else.
    """
    parts = [part.strip()[:10] for part in text.split("/")]
    try:
        days = [date.fromisoformat(part).isoformat() for part in parts]
    except ValueError:
        days = []
    if not 1 <= len(days) <= 2:
        raise ValueError(
            f"its eventDate is {text[:40]!r}: a day or two, such as 2026-05-01/2026-05-03"
            f"|eventDate 为 {text[:40]!r}，应为日期或以 / 分隔的两个日期"
        )
    return days[0], days[1] if len(days) == 2 and days[1] != days[0] else None


def place_of(told: Mapping[str, str | None]) -> bytes | None:
    """The point of a record, as WKB; None where it has none. Raises ValueError for no number."""
    lon, lat = told.get("decimalLongitude") or "", told.get("decimalLatitude") or ""
    if not lon and not lat:
        return None
    if (told.get("geodeticDatum") or "").strip().lower() not in DATUMS:
        raise ValueError(
            f"its geodeticDatum is {str(told['geodeticDatum'])[:40]!r}; WGS84 and CGCS2000 are read"
            f"|geodeticDatum 为 {str(told['geodeticDatum'])[:40]!r}，只读取 WGS84 与 CGCS2000"
        )
    try:
        east, north = float(lon), float(lat)
    except ValueError:
        east = north = float("nan")
    if not (-180 <= east <= 180 and -90 <= north <= 90):
        raise ValueError(
            f"its place {lon[:30]!r}, {lat[:30]!r} is no longitude and latitude in degrees"
            f"|位置 {lon[:30]!r}, {lat[:30]!r} 不是以度为单位的经纬度"
        )
    return bytes(shapely.to_wkb(shapely.Point(east, north)))


WRITTEN = (
    *("occurrenceID", "basisOfRecord", "occurrenceStatus", "scientificName", "vernacularName"),
    *("eventDate", "individualCount", "samplingProtocol", "recordedBy", "locationID", "locality"),
    *("countryCode", "decimalLongitude", "decimalLatitude", "geodeticDatum"),
    *("coordinateUncertaintyInMeters", "coordinatePrecision", "dataGeneralizations"),
    *("informationWithheld", "identificationVerificationStatus"),
)
"""The terms of an archive, in the order of its columns."""
GENERALISED = (
    "The place is generalised to a cell of a grid of 0.1 degree (CGCS2000); the coordinates are"
    " those of the middle of the cell."
)
WITHHELD = "Exact place, locality, identifiers and observer are withheld."
MACHINES = frozenset({"camera_trap", "acoustic", "tracking"})


def basis_of(method: str | None) -> str:
    """The `basisOfRecord` of a method."""
    if method in MACHINES:
        return "MachineObservation"
    known = {"specimen": "PreservedSpecimen", "edna": "MaterialSample"}
    return known.get(method or "", "HumanObservation")


def record_of(row: Mapping[str, Any], base: str) -> dict[str, Any]:
    """A row, with its shape as WKB, by the terms; `base` is the address of the rows."""
    shape = None if row["shape"] is None else shapely.from_wkb(bytes(row["shape"]))
    point = None if shape is None else shape.centroid
    days = [row["observed_from"], row["observed_to"]]
    masked = row["place"] == "cell"
    # A cell has edges at tenths of a degree, and its middle two digits.
    digits = 2 if masked else 9
    return {
        "occurrenceID": row["occurrence_id"] or f"{base}/{row['code']}",
        "basisOfRecord": basis_of(row["method"]),
        "occurrenceStatus": "absent" if row["individuals"] == 0 else "present",
        "scientificName": row["scientific_name"],
        "vernacularName": row["name_zh"],
        "eventDate": "/".join(str(day) for day in days if day is not None),
        "individualCount": row["individuals"],
        "samplingProtocol": row["method"],
        "recordedBy": row["observer"],
        "locationID": row["region"],
        "locality": row["locality"],
        "countryCode": "CN",
        "decimalLongitude": None if point is None else round(point.x, digits),
        "decimalLatitude": None if point is None else round(point.y, digits),
        "geodeticDatum": None if point is None else "EPSG:4490",
        "coordinateUncertaintyInMeters": row["uncertainty_m"],
        "coordinatePrecision": "0.1" if masked else None,
        "dataGeneralizations": GENERALISED if masked else None,
        "informationWithheld": WITHHELD if masked else None,
        "identificationVerificationStatus": row["state"],
    }


def line_of(record: Mapping[str, Any]) -> str:
    """The line of a record: no value has a tab or an end of line, so none is quoted."""
    values = ("" if record[term] is None else str(record[term]) for term in WRITTEN)
    return "\t".join(" ".join(value.split()) for value in values) + "\n"


def write_archive(path: Path, lines: Path, about: Mapping[str, str]) -> None:
    """Zip the lines of an archive with their description.

    Args:
        about: `title`, `creator`, `address` and `day` of the data set.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(META, meta_xml())
        archive.writestr("eml.xml", eml_xml(about))
        archive.write(lines, "occurrence.txt")


def meta_xml() -> str:
    """The description of the archives written here; the first column is the id."""
    fields = "".join(
        f'    <field index="{place}" term="{TERMS}{term}"/>\n' for place, term in enumerate(WRITTEN)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<archive xmlns="{TEXT_XMLNS}" metadata="eml.xml">\n'
        '  <core encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n"'
        f' fieldsEnclosedBy="" ignoreHeaderLines="1" rowType="{TERMS}Occurrence">\n'
        "    <files><location>occurrence.txt</location></files>\n"
        f'    <id index="0"/>\n{fields}  </core>\n</archive>\n'
    )


def eml_xml(about: Mapping[str, str]) -> str:
    """A data set in the Ecological Metadata Language 2.2, with what GBIF asks for."""
    told = {name: escape(value) for name, value in about.items()}
    who = f"<organizationName>{told['creator']}</organizationName>"
    who += f"<onlineUrl>{told['address']}</onlineUrl>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<eml:eml xmlns:eml="https://eml.ecoinformatics.org/eml-2.2.0"'
        f' packageId="{told["address"]}" system="{told["address"]}" scope="system" xml:lang="zh">\n'
        f"  <dataset>\n    <title>{told['title']}</title>\n"
        f"    <creator>{who}</creator>\n    <metadataProvider>{who}</metadataProvider>\n"
        f"    <pubDate>{told['day']}</pubDate>\n    <language>zh</language>\n"
        f"    <abstract><para>{GENERALISED} {WITHHELD}</para></abstract>\n"
        f"    <contact>{who}</contact>\n  </dataset>\n</eml:eml>\n"
    )
