"""Find out what an upload is by its first bytes, not its name, and open it; CSV is the rest.

Of Excel workbooks (XLSX) one sheet is read, by openpyxl; nothing in one is ever run or fetched. Of
a formula the value is taken that was stored beside it.
"""

import codecs
import csv
import json
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, cast
from weakref import finalize

import numpy as np
import shapely
from openpyxl import Workbook, load_workbook
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.escape import unescape
from shapely.errors import ShapelyError

from shanhai.errors import LimitExceeded, UnsupportedFile
from shanhai.file_limits import BLOCK, BROKEN_ZIP, UPLOAD
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
SAMPLES = 3


BOOK, TYPES = "xl/workbook.xml", "[Content_Types].xml"
SHEETS = "xl/worksheets/"
MOST_TEXT = 256 * 1024**2
"""Bytes of a part of a workbook that is no sheet, unpacked; the texts of cells are one, and held in
memory."""
MOST_ROWS = 1_048_576
"""Rows a sheet can have; all between two that are numbered are gone through."""
CHINESE_DAYS = frozenset({*range(27, 32), 36, *range(50, 54), 57, 58})
"""Numbers of formats that need no description and show a day in Chinese programs; ECMA-376-1:2016,
18.8.30. openpyxl takes their cells for plain numbers."""
FORMULA = re.compile(rb"<(\w+:)?f[\s/>]")
DOCUMENT_TYPE = re.compile(rb"<!DOCTYPE")
MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]{0,99}?ref=.([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})")
LONGEST_TAG = 256
UNSTORED = "的公式没有保存的数值", "has a formula without a stored value"
TOGETHER = "为合并单元格，请取消合并并逐格填写", "is merged: fill in each cell of it"
_BROKEN = (
    *(*BROKEN_ZIP, SyntaxError),
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
)
"""What openpyxl and its parser raise where a workbook is not what it should be."""


@dataclass(frozen=True, slots=True)
class CellError:
    """A cell that holds no value, and why: an error, a formula without one, merged with others."""

    fault: Label


def is_workbook(path: Path) -> bool:
    """Whether a zip is a workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {BOOK, TYPES} <= set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


class WorkbookSheet:
    """A sheet of a workbook; its rows are lists of texts, numbers, days and errors."""

    def __init__(self, path: Path, layer: str | None) -> None:
        has_formulas = _check_parts(path)
        # Opened once: of a sheet that does not tell its size openpyxl goes through all rows for it.
        self._book = _open_book(path)
        shown = [one.title for one in self._book.worksheets if one.sheet_state == "visible"]
        self.name = sources.chosen_layer(shown, layer)
        self._merged = _merged_cells(self._book, self.name)
        # What stands in a cell is told beside its value only where formulas are asked for.
        self._typed = _open_book(path, formulas=True) if has_formulas else None

    def rows(self) -> Iterator[tuple[int, list[Any]]]:
        """The rows that hold anything, each with its number in the sheet."""
        rows = _cells(self._book, self.name)
        typed = None if self._typed is None else _cells(self._typed, self.name)
        last, begun = (0, 0, ""), False
        for number, row in enumerate(rows, 1):
            if number > MOST_ROWS:
                raise sources.refuse(
                    f"the sheet has more than {MOST_ROWS} rows", f"工作表超过 {MOST_ROWS} 行"
                )
            values = [_value(cell) for cell in row]
            if typed is not None:
                values = [
                    # `str` without a value is how the empty text is stored as a result.
                    _error(told.coordinate, *UNSTORED)
                    if value is None and told.data_type == "f" and cell.data_type != "str"
                    else value
                    for value, cell, told in zip(values, row, next(typed), strict=True)
                ]
            while values and values[-1] is None:
                values.pop()
            if len(values) > MOST_COLUMNS:
                raise sources.refuse(
                    f"the sheet has more than {MOST_COLUMNS} columns",
                    f"工作表超过 {MOST_COLUMNS} 列",
                )
            last = max(last, self._merged.get(number, last))
            if values and begun and number <= last[0]:
                values[last[1] - 1 : last[1]] = [_error(last[2], *TOGETHER)]
            if values:
                begun = True
                yield number, values


def _error(place: str, zh: str, en: str) -> CellError:
    return CellError(Label(f"单元格 {place} {zh}", f"cell {place} {en}"))


def _merged_cells(book: Workbook, name: str) -> dict[int, tuple[int, int, str]]:
    """By its first row: the last row, first column and name of a range that is merged."""
    found: dict[int, tuple[int, int, str]] = {}
    with _reading():
        part: Any = book[name]
        for sign in _found(part.parent._archive, part._worksheet_path, MERGED):
            west, first, _, last = cast("Any", range_boundaries(place := sign[1].decode()))
            found[min(first, MOST_ROWS)] = max(found.get(first, (0, 0, "")), (last, west, place))
    return found


def _check_parts(path: Path) -> bool:
    """Refuse what nobody who sends values needs; whether a sheet has formulas."""
    with _reading(), zipfile.ZipFile(path) as archive:
        members = checked_members(archive, LIMITS)
        room = LIMITS.room(max(path.stat().st_size, BLOCK))
        for name, member in members.items():
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
            most = room if lowered.startswith(SHEETS) else min(MOST_TEXT, room)
            if member.file_size > most:
                raise LimitExceeded(
                    f"{name[:100]!r} unpacks to more than {most} bytes",
                    message_zh=f"{name[:100]!r} 解压后超过 {most} 字节",
                    pointer=UPLOAD,
                )
            if any(_found(archive, member, DOCUMENT_TYPE)):
                raise sources.refuse(
                    "a workbook with a document type is not read", "不读取带有 DOCTYPE 的工作簿"
                )
        sheets = [member for name, member in members.items() if name.lower().startswith(SHEETS)]
        return any(any(_found(archive, member, FORMULA)) for member in sheets)


def _found(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo | str, sign: re.Pattern[bytes]
) -> Iterator[re.Match[bytes]]:
    """Where a part has a sign in it, read block by block; twice of one that is near the next."""
    end = b""
    with archive.open(member) as part:
        while block := part.read(BLOCK):
            yield from sign.finditer(end := end + block)
            end = end[-LONGEST_TAG:]


@contextmanager
def _reading() -> Iterator[None]:
    """Tell in words what breaks a workbook."""
    try:
        yield
    except _BROKEN as error:
        raise sources.refuse(
            f"the workbook cannot be read: {type(error).__name__}: {error}"[:200],
            "工作簿的内容无法读取",
        ) from error


def _open_book(path: Path, *, formulas: bool = False) -> Workbook:
    """A workbook whose file is open as long as it is in use."""
    with _reading(), ExitStack() as opened:
        # A name would have to end as openpyxl wants it.
        file = opened.enter_context(path.open("rb"))
        with warnings.catch_warnings():
            # They are about looks, which are not read.
            warnings.simplefilter("ignore", UserWarning)
            book = load_workbook(file, read_only=True, data_only=not formulas, keep_links=False)
        book._date_formats |= {  # type: ignore[attr-defined]
            number
            for number, style in enumerate(book._cell_styles)  # type: ignore[attr-defined]
            if style.numFmtId in CHINESE_DAYS
        }
        finalize(book, opened.pop_all().close)
        return book


def _cells(book: Workbook, name: str) -> Iterator[Sequence[Any]]:
    """The rows of a sheet, those between that hold nothing among them."""
    with _reading():
        sheet = book[name]
        # The size a sheet tells of itself is not trusted.
        sheet.reset_dimensions()
        yield from sheet.iter_rows()


def _value(cell: Any) -> Any:
    """What a cell tells: a text, a number, a day, whether it is so, or that it is an error."""
    value = cell.value
    if cell.data_type == "e":
        return _error(cell.coordinate, f"为错误值 {value}", f"holds the error {value}")
    if isinstance(value, str):
        text = unescape(value)
        return (value if sources.NO_TEXT.search(text) else text) or None
    if isinstance(value, datetime):
        return value.date() if value.time() == time() else value
    if isinstance(value, time | timedelta):
        return str(value)
    # Numbers are written with all digits a double has: 300 as 300.0 by some programs.
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


class _PlacedRows:
    """Rows of cells under a header: those that tell a place become geometry, the others fields."""

    def __init__(self, header: Sequence[str]) -> None:
        self._width = len(header)
        self._wkt, self._east, self._north = _places(header)
        own = {self._wkt, self._east, self._north}
        self._kept = [number for number in range(len(header)) if number not in own]
        self.fields = tuple(header[number] for number in self._kept)

    def blocks(self, rows: Iterator[tuple[int, Sequence[Any]]]) -> Iterator[sources.SourceBlock]:
        """The rows that hold anything, in blocks; their numbers are 0 where none are shown."""
        held = (one for one in rows if one[1])
        while waiting := list(islice(held, BLOCK_ROWS)):
            yield self._block(waiting)

    def _block(self, rows: Sequence[tuple[int, Sequence[Any]]]) -> sources.SourceBlock:
        geometry: list[bytes | None] = []
        broken: dict[int, Label] = {}
        whole: list[Sequence[Any]] = []
        for number, (_, row) in enumerate(rows):
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
        shown = [number for number, _ in rows if number]
        return sources.SourceBlock(geometry, columns, broken, shown)

    def _fault(self, row: Sequence[Any]) -> Label | None:
        fault = next((cell.fault for cell in row if isinstance(cell, CellError)), None)
        if fault is None and len(row) != self._width:
            return Label(
                f"有 {len(row)} 个单元格，表头有 {self._width} 个",
                f"has {len(row)} cells where the header has {self._width}",
            )
        return fault

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
        yield from self._placed.blocks((0, row) for row in rows)

    def _rows(self) -> Iterator[list[str]]:
        with self._path.open(encoding=self._codec, newline="") as file:
            begun, rows = 1, csv.reader(file, delimiter=self._delimiter, strict=True)
            try:
                for row in rows:
                    yield row
                    begun = rows.line_num + 1
            except csv.Error as error:
                raise sources.refuse(
                    f"the CSV is malformed in the row that begins in line {begun}: {error}",
                    f"CSV 格式有误：从第 {begun} 行开始的记录无法读取（如引号未闭合）",
                ) from error

    def _header(self) -> tuple[str, list[str]]:
        with self._path.open(encoding=self._codec, newline="") as file:
            delimiter = max(DELIMITERS, key=file.readline(LONGEST_CELL).count)
            # A name in quotes may hold line breaks.
            file.seek(0)
            try:
                header = [name.strip() for name in next(csv.reader(file, delimiter=delimiter))]
            except (csv.Error, StopIteration) as error:
                raise sources.refuse("the CSV has no header row", "CSV 没有表头") from error
        _demand_names(header, Label("CSV", "the CSV"))
        return delimiter, header


class SheetSource:
    """The rows of a sheet of an Excel workbook; its first row that holds anything is the header."""

    def __init__(self, path: Path, wishes: sources.Wishes) -> None:
        self._sheet = WorkbookSheet(path, wishes.layer)
        header = [_words(cell) for cell in next(self._sheet.rows(), (0, []))[1]]
        if not header:
            raise sources.refuse("the sheet has no header row", "工作表没有表头")
        _demand_names(header, Label("工作表", "the sheet"))
        self._placed = _PlacedRows(header)
        self._width = len(header)
        shown = _samples(row for _, row in self._sheet.rows())
        self.info = sources.SourceInfo("XLSX", self._placed.fields, self._sheet.name, samples=shown)

    def blocks(self) -> Iterator[sources.SourceBlock]:
        """The rows of the sheet; one that ends early is filled up with nothing."""
        rows = self._sheet.rows()
        next(rows)
        yield from self._placed.blocks(
            (number, [*row, *[None] * (self._width - len(row))]) for number, row in rows
        )


def _demand_names(header: Sequence[str], of: Label) -> None:
    if len(header) > MOST_COLUMNS or len(set(header)) != len(header) or "" in header:
        raise sources.refuse(
            f"{of.en}'s column names must be distinct, none empty, and {MOST_COLUMNS} at most",
            f"{of.zh}列名须非空、互不相同，且不超过 {MOST_COLUMNS} 列",
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
            while block := file.read(BLOCK):
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
            return SheetSource(path, wishes)
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
