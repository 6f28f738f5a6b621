"""Find out what an upload is by its first bytes, not its name, and open it; CSV is the rest.

Of Excel workbooks (XLSX) one sheet is read; nothing in one is ever run or fetched. Of a formula the
value is taken that was stored beside it. XML has no entities here: a document type is refused.
Source: ECMA-376-1:2016, part 1, 18 (SpreadsheetML).
"""

import codecs
import csv
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np
import shapely
from shapely.errors import ShapelyError

from shanhai.errors import UnsupportedFile
from shanhai.file_limits import BLOCK, unpack_member
from shanhai.vector import sources
from shanhai.vector.darwin_core import DarwinCoreSource, is_archive
from shanhai.vector.formats import restored
from shanhai.vector.gdal_source import LIMITS, checked_members, open_layer, open_shapefile
from shanhai.vector.geojson_kml import GeoJsonSource, KmlSource
from shanhai.vector.geoparquet import ParquetSource
from shanhai.vector.tables import BLOCK_ROWS
from shanhai.vocabulary import Label

WKT_NAMES = ("geometry", "wkt", "geom", "the_geom", "wkt_geom", "wkt_geometry")
EAST_NAMES = ("lon", "lng", "long", "longitude", "x", "easting", "经度", "东坐标", "横坐标")
NORTH_NAMES = ("lat", "latitude", "y", "northing", "纬度", "北坐标", "纵坐标")
DELIMITERS = ",;\t"
LONGEST_CELL = 64 * 1024**2
MOST_COLUMNS = 1_000
BLOCK_BYTES = 1024**2
SAMPLES = 3


BOOK, TYPES = "xl/workbook.xml", "[Content_Types].xml"
TEXTS, STYLES, RELATIONS = "xl/sharedStrings.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels"
MOST_TEXT = 256 * 1024**2
"""Bytes of the texts that cells share, unpacked; they are held in memory."""
LONGEST_PART = 16 * 1024**2
"""Bytes of the parts that describe a workbook, unpacked."""
CELL = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})", re.ASCII)
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
QUOTED = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
"""Parts of a number format that are not about digits or days."""
DAYS = frozenset({*range(14, 18), 22, *range(27, 37), *range(50, 59)})
"""Formats of days that need no description; 27-36 and 50-58 are those of Chinese and Japanese."""
EPOCHS = {False: datetime(1899, 12, 30), True: datetime(1904, 1, 1)}  # noqa: DTZ001 - no zone in cells
"""Day 0 of both calendars; 1900 is taken for a leap year there, which only its first days show."""
LAST_DAY = 2_958_465
"""31 December 9999."""


@dataclass(frozen=True, slots=True)
class CellError:
    """A cell that holds no value: an error of a formula, or a formula without one."""

    place: str
    told: str


@dataclass(slots=True)
class _Parsed:
    """What the parts of a workbook say of it."""

    sheets: dict[str, str] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    dated: frozenset[int] = frozenset()
    from_1904: bool = False


def is_workbook(path: Path) -> bool:
    """Whether a zip is a workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {BOOK, TYPES} <= set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


class WorkbookSheet:
    """A sheet of a workbook; its rows are lists of texts, numbers, days and errors."""

    def __init__(self, path: Path, folder: Path, layer: str | None) -> None:
        self._file = folder / "sheet.xml"
        self._parsed, self.name = _unpack(path, folder, self._file, layer)

    def rows(self) -> Iterator[list[Any]]:
        """The rows that hold anything."""
        reading = _RowReading(self._parsed)
        parser = _parser(reading.begin, reading.end, reading.words.append)
        with self._file.open("rb") as file:
            while block := file.read(BLOCK):
                _feed(parser, block, last=False)
                yield from reading.finished()
        _feed(parser, b"", last=True)
        yield from reading.finished()


def _unpack(path: Path, folder: Path, target: Path, layer: str | None) -> tuple[_Parsed, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = checked_members(archive, LIMITS)
            _refuse_programs(members)
            room = LIMITS.room(max(path.stat().st_size, BLOCK))

            def content(name: str, most: int) -> bytes:
                if name not in members:
                    return b""
                part = folder / name.replace("/", "-")
                unpack_member(archive, members[name], part, min(most, room))
                return part.read_bytes()

            parsed = _read_book(content)
            name = sources.chosen_layer(list(parsed.sheets), layer)
            member = members.get(_place_of(parsed.targets.get(parsed.sheets[name], "")))
            if member is None:
                raise sources.refuse(
                    f"the workbook lacks its sheet {name[:60]!r}", f"工作簿缺少工作表 {name[:60]!r}"
                )
            unpack_member(archive, member, target, room)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError) as error:
        raise sources.refuse(
            f"the workbook cannot be read: {type(error).__name__}", "工作簿无法读取"
        ) from error
    return parsed, name


def _refuse_programs(members: Mapping[str, Any]) -> None:
    """Macros and links to other files: whoever sends values need neither."""
    for name in members:
        lowered = name.lower()
        if lowered.endswith("vbaproject.bin") or lowered.startswith("xl/macrosheets/"):
            raise sources.refuse(
                "the workbook has macros; save it as .xlsx", "工作簿含宏，请另存为 .xlsx"
            )
        if lowered.startswith("xl/externallinks/"):
            raise sources.refuse(
                "the workbook has links to other files; save its values only",
                "工作簿含指向其他文件的链接，请只保存数值",
            )


def _place_of(target: str) -> str:
    """The name of a member a relation leads to, which is told from `xl` on or from the root."""
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _read_book(content: Callable[[str, int], bytes]) -> _Parsed:
    parsed = _Parsed()

    def book(name: str, given: Mapping[str, str]) -> None:
        if name == "workbookPr":
            parsed.from_1904 = given.get("date1904") in {"1", "true"}
        elif name == "sheet" and given.get("state", "visible") == "visible":
            identity = next((v for k, v in given.items() if k.rpartition(" ")[2] == "id"), "")
            parsed.sheets[given.get("name", "")] = identity

    def relation(name: str, given: Mapping[str, str]) -> None:
        if name == "Relationship" and given.get("TargetMode") != "External":
            parsed.targets[given.get("Id", "")] = given.get("Target", "")

    _walk(content(BOOK, LONGEST_PART), book)
    _walk(content(RELATIONS, LONGEST_PART), relation)
    parsed.dated = _dated_styles(content(STYLES, LONGEST_PART))
    parsed.texts = _shared_texts(content(TEXTS, MOST_TEXT))
    return parsed


def _dated_styles(styles: bytes) -> frozenset[int]:
    """The numbers of the cell styles that show a day."""
    days, found, inside = set(DAYS), set[int](), ["", ""]
    count = 0

    def begin(name: str, given: Mapping[str, str]) -> None:
        nonlocal count
        if name == "numFmt" and _shows_days(given.get("formatCode", "")):
            days.add(int(given["numFmtId"]))
        elif name in {"cellXfs", "cellStyleXfs"}:
            inside[0] = name
        elif name == "xf" and inside[0] == "cellXfs":
            if int(given.get("numFmtId", "0")) in days:
                found.add(count)
            count += 1

    def end(name: str) -> None:
        if name == inside[0]:
            inside[0] = ""

    _walk(styles, begin, end)
    return frozenset(found)


def _shows_days(code: str) -> bool:
    """Whether a number format shows a day: it has a year or a day of the month."""
    plain = QUOTED.sub("", code).lower()
    return "y" in plain or "d" in plain


def _shared_texts(content: bytes) -> list[str]:
    """The texts that cells refer to by their number; readings in small letters are left out."""
    texts: list[str] = []
    words: list[str] = []
    path: list[str] = []

    def begin(name: str, given: Mapping[str, str]) -> None:
        path.append(name)
        if name == "si":
            words.clear()

    def end(name: str) -> None:
        path.pop()
        if name == "si":
            texts.append(_text("".join(words)))

    def said(data: str) -> None:
        if path[-1:] == ["t"] and "rPh" not in path:
            words.append(data)

    _walk(content, begin, end, said)
    return texts


def _text(raw: str) -> str:
    """A text as it was typed: control characters are written as `_x000D_`."""
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), raw)


def _walk(
    content: bytes,
    begin: Callable[[str, Mapping[str, str]], None],
    end: Callable[[str], None] = lambda name: None,
    said: Callable[[str], Any] = lambda data: None,
) -> None:
    if content:
        _feed(_parser(begin, end, said), content, last=True)


def _parser(
    begin: Callable[[str, Mapping[str, str]], None],
    end: Callable[[str], None],
    said: Callable[[str], Any],
) -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda name, given: begin(name.rpartition(" ")[2], given)
    parser.EndElementHandler = lambda name: end(name.rpartition(" ")[2])
    parser.CharacterDataHandler = said
    parser.StartDoctypeDeclHandler = _refuse_type
    return parser


def _refuse_type(*_: Any) -> None:
    raise sources.refuse(
        "a workbook with a document type is not read", "不读取带有 DOCTYPE 的工作簿"
    )


def _feed(parser: expat.XMLParserType, content: bytes, *, last: bool) -> None:
    try:
        parser.Parse(content, last)
    except (expat.ExpatError, KeyError, ValueError, IndexError) as error:
        raise sources.refuse(
            f"the workbook cannot be read: {error}"[:200], "工作簿的内容无法读取"
        ) from error


class _RowReading:
    """The rows of a sheet, while its XML goes by."""

    def __init__(self, parsed: _Parsed) -> None:
        self.words: list[str] = []
        self._parsed = parsed
        self._done: list[list[Any]] = []
        self._row: dict[int, Any] = {}
        self._cell: Mapping[str, str] = {}
        self._column = 0
        self._value: str | None = None
        self._inline: list[str] = []
        self._formula = False

    def finished(self) -> list[list[Any]]:
        """The rows that came to their end since this was last asked."""
        found, self._done = self._done, []
        return found

    def begin(self, name: str, given: Mapping[str, str]) -> None:
        """An element begins."""
        self.words.clear()
        if name == "row":
            self._row, self._column = {}, 0
        elif name == "c":
            self._cell, self._value, self._inline = given, None, []
            self._formula = False
            self._column = self._place(given.get("r")) or self._column + 1

    @staticmethod
    def _place(reference: str | None) -> int | None:
        """The number of a column, from the name of its cell."""
        if reference is None:
            return None
        found = CELL.fullmatch(reference)
        if found is None:
            raise ValueError(f"{reference[:20]!r} is no cell")
        number = 0
        for letter in found[1]:
            number = number * 26 + ord(letter) - 64
        return number

    def end(self, name: str) -> None:
        """An element ends."""
        if name == "v":
            self._value = "".join(self.words)
        elif name == "t":
            self._inline.append("".join(self.words))
        elif name == "f":
            self._formula = True
        elif name == "c":
            self._keep(self._read())
        elif name == "row" and self._row:
            width = max(self._row)
            self._done.append([self._row.get(number) for number in range(1, width + 1)])
        self.words.clear()

    def _keep(self, value: Any) -> None:
        if value is None:
            return
        if self._column > MOST_COLUMNS:
            raise sources.refuse(
                f"the sheet has more than {MOST_COLUMNS} columns", f"工作表超过 {MOST_COLUMNS} 列"
            )
        self._row[self._column] = value

    def _read(self) -> Any:
        kind, value = self._cell.get("t", "n"), self._value
        if kind == "inlineStr":
            return _text("".join(self._inline)) or None
        if value is None or value == "":
            return CellError(self._cell.get("r", "?"), "=") if self._formula else None
        if kind == "s":
            return self._parsed.texts[int(value)] or None
        if kind == "str":
            return _text(value) or None
        if kind == "b":
            return value == "1"
        if kind == "e":
            return CellError(self._cell.get("r", "?"), value)
        if kind == "d":
            return value
        number = float(value)
        if int(self._cell.get("s", "0")) in self._parsed.dated and 1 <= number < LAST_DAY + 1:
            return day_of(number, from_1904=self._parsed.from_1904)
        # Written with all digits a double has: 1.1 as 1.1000000000000001.
        return int(number) if number.is_integer() and abs(number) < 1e15 else number


def day_of(number: float, *, from_1904: bool = False) -> date | datetime:
    """The day a cell tells by its number; with the time of day, where it tells one.

    Times are rounded to the second.
    """
    moment = EPOCHS[from_1904] + timedelta(seconds=round(number * 86_400))
    return moment.date() if moment.time() == time() else moment


class _PlacedRows:
    """Rows of cells under a header: those that tell a place become geometry, the others fields."""

    def __init__(self, header: Sequence[str]) -> None:
        self._width = len(header)
        self._wkt, self._east, self._north = _places(header)
        own = {self._wkt, self._east, self._north}
        self._kept = [number for number in range(len(header)) if number not in own]
        self.fields = tuple(header[number] for number in self._kept)

    def blocks(self, rows: Iterator[Sequence[Any]]) -> Iterator[sources.SourceBlock]:
        """The rows that hold anything, in blocks."""
        waiting: list[Sequence[Any]] = []
        for row in rows:
            if row:
                waiting.append(row)
            if len(waiting) == BLOCK_ROWS:
                yield self._block(waiting)
                waiting = []
        if waiting:
            yield self._block(waiting)

    def _block(self, rows: Sequence[Sequence[Any]]) -> sources.SourceBlock:
        geometry: list[bytes | None] = []
        broken: dict[int, Label] = {}
        whole: list[Sequence[Any]] = []
        for number, row in enumerate(rows):
            fault = self._fault(row)
            if fault is None:
                try:
                    geometry.append(self._geometry(row))
                except (ValueError, ShapelyError):
                    fault = Label("几何无法读取", "its geometry cannot be read")
            if fault is not None:
                broken[number] = fault
                geometry.append(None)
            # Of a row that is no row there are no values; one whose place is wrong keeps its own.
            whole.append(row if len(row) == self._width else [None] * self._width)
        columns = {
            name: [_cell(row[place]) for row in whole]
            for name, place in zip(self.fields, self._kept, strict=True)
        }
        return sources.SourceBlock(geometry, columns, broken)

    def _fault(self, row: Sequence[Any]) -> Label | None:
        if len(row) != self._width:
            return Label(
                f"有 {len(row)} 个单元格，表头有 {self._width} 个",
                f"has {len(row)} cells where the header has {self._width}",
            )
        for cell in row:
            if isinstance(cell, CellError) and cell.told == "=":
                return Label(
                    f"单元格 {cell.place} 的公式没有保存的数值",
                    f"cell {cell.place} has a formula without a stored value",
                )
            if isinstance(cell, CellError):
                return Label(
                    f"单元格 {cell.place} 为错误值 {cell.told}",
                    f"cell {cell.place} holds the error {cell.told}",
                )
        return None

    def _geometry(self, row: Sequence[Any]) -> bytes | None:
        if self._wkt is not None:
            text = _words(row[self._wkt])
            return _wkb(shapely.from_wkt(text)) if text else None
        if self._east is None or self._north is None:
            return None
        east, north = _words(row[self._east]), _words(row[self._north])
        if not east and not north:
            return None
        return _wkb(shapely.Point(float(east), float(north)))


class CsvSource:
    """The rows of a CSV file."""

    def __init__(self, path: Path, wishes: sources.Wishes) -> None:
        csv.field_size_limit(LONGEST_CELL)
        self._path = path
        codec, told_by = _encoding(path, wishes.encoding)
        self._codec = "utf-8-sig" if codec == "utf-8" else codec
        self._delimiter, header = self._header()
        self._placed = _PlacedRows(header)
        self.info = sources.SourceInfo(
            "CSV", self._placed.fields, None, None, codec, told_by, _samples(self._rows())
        )

    def blocks(self) -> Iterator[sources.SourceBlock]:
        """The rows of the file."""
        rows = self._rows()
        next(rows)
        yield from self._placed.blocks(rows)

    def _rows(self) -> Iterator[list[str]]:
        with self._path.open(encoding=self._codec, newline="") as file:
            try:
                yield from csv.reader(file, delimiter=self._delimiter, strict=True)
            except csv.Error as error:
                raise sources.refuse(f"the CSV is malformed: {error}", "CSV 格式有误") from error

    def _header(self) -> tuple[str, list[str]]:
        with self._path.open(encoding=self._codec, newline="") as file:
            first = file.readline(LONGEST_CELL)
        delimiter = max(DELIMITERS, key=first.count)
        try:
            header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter))]
        except (csv.Error, StopIteration) as error:
            raise sources.refuse("the CSV has no header row", "CSV 没有表头") from error
        _demand_names(header, Label("CSV", "the CSV"))
        return delimiter, header


class SheetSource:
    """The rows of a sheet of an Excel workbook; its first row that holds anything is the header."""

    def __init__(self, path: Path, folder: Path, wishes: sources.Wishes) -> None:
        self._sheet = WorkbookSheet(path, folder, wishes.layer)
        header = [_words(cell) for cell in next(self._sheet.rows(), [])]
        if not header:
            raise sources.refuse("the sheet has no header row", "工作表没有表头")
        _demand_names(header, Label("工作表", "the sheet"))
        self._placed = _PlacedRows(header)
        self._width = len(header)
        shown = _samples(self._sheet.rows())
        self.info = sources.SourceInfo("XLSX", self._placed.fields, self._sheet.name, samples=shown)

    def blocks(self) -> Iterator[sources.SourceBlock]:
        """The rows of the sheet; one that ends early is filled up with nothing."""
        rows = self._sheet.rows()
        next(rows)
        yield from self._placed.blocks([*row, *[None] * (self._width - len(row))] for row in rows)


def _demand_names(header: Sequence[str], of: Label) -> None:
    if len(header) > MOST_COLUMNS or len(set(header)) != len(header) or "" in header:
        raise sources.refuse(
            f"{of.en}'s column names must be distinct", f"{of.zh}列名须非空且互不相同"
        )


def _samples(rows: Iterator[Sequence[Any]]) -> tuple[str, ...]:
    """A few texts as they were decoded."""
    found: list[str] = []
    for number, row in enumerate(rows):
        found += [cell for cell in row if isinstance(cell, str) and not cell.isascii()]
        if number >= 100 or len(found) >= SAMPLES:
            break
    return tuple(dict.fromkeys(cell[:80] for cell in found))[:SAMPLES]


def _words(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _wkb(shape: Any) -> bytes:
    """The geometry, whose positions are numbers: WKB has no other sign for an empty point."""
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        raise ValueError("a position is not finite")
    return bytes(shapely.to_wkb(shape))


def _cell(value: Any) -> Any:
    if isinstance(value, CellError) or value == "":
        return None
    return restored(value) if isinstance(value, str) else value


def _places(header: Sequence[str]) -> tuple[int | None, int | None, int | None]:
    """Which columns hold WKT, easting and northing."""
    lowered = [name.lower() for name in header]

    def find(names: Sequence[str]) -> int | None:
        return next((lowered.index(name) for name in names if name in lowered), None)

    wkt = find(WKT_NAMES)
    if wkt is not None:
        return wkt, None, None
    east, north = find(EAST_NAMES), find(NORTH_NAMES)
    return (None, east, north) if east is not None and north is not None else (None, None, None)


def _encoding(path: Path, wished: str | None) -> tuple[str, str]:
    """The codec of the text and what told it; decoding is strict, so a wrong one is noticed."""
    if wished is not None:
        codec = sources.python_codec(wished)
        if codec is None:
            raise sources.refuse(
                f"{wished!r} is no known encoding", f"未知编码 {wished!r}", "/inputs/encoding"
            )
        if not _reads(path, codec):
            raise _unreadable(codec)
        return codec, "parameter"
    for codec in ("utf-8", "gb18030"):
        if _reads(path, codec):
            return codec, "content"
    raise _unreadable("UTF-8 / GB18030")


def _reads(path: Path, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)("strict")
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _unreadable(codec: str) -> UnsupportedFile:
    return sources.refuse(
        f"the text is not valid {codec}", f"文本不是有效的 {codec}", "/inputs/encoding"
    )


HEAD_BYTES = 65_536
SQLITE = b"SQLite format 3\x00"
FLATGEOBUF = b"fgb\x03fgb"
PARQUET = b"PAR1"
ZIP = b"PK\x03\x04"
RECORD_SEPARATOR = b"\x1e"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OTHERS = (b"PK\x05\x06", b"II*\x00", b"MM\x00*", b"\x89PNG", b"%PDF", b"\x1f\x8b", b"\x7fELF")


def open_source(path: Path, folder: Path, wishes: sources.Wishes) -> sources.FeatureSource:
    """The upload as a source of rows.

    Args:
        path: The file.
        folder: An empty folder of our own, for names and for what is extracted.
        wishes: What the sender says of the file.

    Raises:
        InvalidInput: the file is of no known format, damaged, or does not say enough.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(SQLITE):
        return open_layer(sources.named_copy(path, folder, ".gpkg"), "GPKG", wishes)
    if head.startswith(FLATGEOBUF):
        return open_layer(sources.named_copy(path, folder, ".fgb"), "FlatGeobuf", wishes)
    if head.startswith(PARQUET):
        return ParquetSource(path, wishes)
    if head.startswith(ZIP) or zipfile.is_zipfile(path):
        if is_archive(path):
            return DarwinCoreSource(path, folder)
        if is_workbook(path):
            return SheetSource(path, folder, wishes)
        return open_shapefile(path, folder, wishes)
    if not head or b"\x00" in head or head.startswith(OTHERS):
        raise _unknown()
    return _open_text(path, head.removeprefix(BYTE_ORDER_MARK).lstrip(), wishes)


def _open_text(path: Path, head: bytes, wishes: sources.Wishes) -> sources.FeatureSource:
    if head.startswith(b"<"):
        if b"<kml" in head or b":kml" in head:
            return KmlSource(path)
        raise _unknown()
    if head.startswith((RECORD_SEPARATOR, b"{")):
        return GeoJsonSource(path, sequence=_is_sequence(head))
    return CsvSource(path, wishes)


def _is_sequence(head: bytes) -> bool:
    """Whether each line is a feature by itself."""
    if head.startswith(RECORD_SEPARATOR):
        return True
    first, newline, rest = head.partition(b"\n")
    if not newline or not rest.lstrip().startswith(b"{"):
        return False
    try:
        return bool(json.loads(first)["type"] == "Feature")
    except (ValueError, KeyError, TypeError):
        return False


def _unknown() -> Exception:
    return sources.refuse(
        "the file is none of GeoJSON, GeoPackage, FlatGeobuf, GeoParquet, zipped Shapefile, KML,"
        " CSV, XLSX and Darwin Core Archive",
        "文件不是 GeoJSON、GeoPackage、FlatGeobuf、GeoParquet、Shapefile 压缩包、KML、CSV、XLSX 或"
        " Darwin Core 档案",
    )
