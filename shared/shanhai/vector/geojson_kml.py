"""GeoJSON and KML, read by parsers of our own: one feature at a time, no links, nothing guessed.

GDAL takes positions it cannot read for no geometry at all, and follows a `crs` that is a link.
KML has no entities here, and is read one placemark at a time.
"""

import json
import math
import mmap
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TextIO
from xml.parsers import expat

import numpy as np
import orjson
import shapely
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from shanhai.errors import UnsupportedFile
from shanhai.vector.sources import SourceBlock, SourceInfo, refuse
from shanhai.vector.tables import BLOCK_ROWS
from shanhai.vocabulary import Label

WINDOW = 1024**2
LONGEST_FEATURE = 64 * 1024**2
"""Characters of one feature, or of one member beside them."""
MOST_FIELDS = 1_000
ROOM = 32 * 1024**2
AT_ONCE = 256
"""Features whose members, or shapes, are encoded in that room."""
DEGREES = "EPSG:4326"
BLANKS = " \t\r\n\x1e"
"""What may stand between values; the last one begins each text of a sequence (RFC 8142)."""
URN = re.compile(r"urn:(?:x-)?ogc:def:crs:(EPSG|OGC):[^:]*:(\w+)", re.ASCII | re.IGNORECASE)
UNREADABLE = Label("其几何无法读取", "its geometry cannot be read")
NO_FEATURE = Label("不是要素（Feature）", "is no Feature")
LONGEST_TOLD = 200
NOT_KEPT = Label("含无法保存的值", "has a value that cannot be kept")


class JsonValueReader:
    """JSON values of a text, one after the other, of which only a window is held."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._place = 0
        self._decode = json.JSONDecoder().raw_decode

    def next_sign(self) -> str:
        """The next sign that is not blank, which stays; empty at the end."""
        while True:
            while self._place < len(self._text):
                sign = self._text[self._place]
                if sign not in BLANKS:
                    return sign
                self._place += 1
            if not self._read_on():
                return ""

    def skip(self, sign: str) -> None:
        """Pass a sign that must come next."""
        if self.next_sign() != sign:
            raise _malformed()
        self._place += 1

    def skipped(self, sign: str) -> bool:
        """Pass a sign if it comes next; whether it did."""
        if self.next_sign() != sign:
            return False
        self._place += 1
        return True

    def value(self) -> Any:
        """The value that comes next."""
        self.next_sign()
        while True:
            try:
                found, end = self._decode(self._text, self._place)
            except json.JSONDecodeError:
                if not self._read_on():
                    raise _malformed() from None
                continue
            except (RecursionError, ValueError):  # too deep, or a number of too many digits
                raise _malformed() from None
            # A number at the end of the window may go on.
            if end < len(self._text) or not self._read_on():
                self._place = end
                return found

    def _read_on(self) -> bool:
        """Hold more of the text; whether there was more."""
        kept = self._text[self._place :]
        if len(kept) > LONGEST_FEATURE:
            raise refuse("a feature of the GeoJSON is too long", "GeoJSON 中有过长的要素")
        more = self._file.read(max(WINDOW, len(kept)))
        if not more:
            return False
        self._text, self._place = kept + more, 0
        return True


class GeoJsonSource:
    """The features of a GeoJSON file or sequence; its fields are found in a first reading."""

    def __init__(self, path: Path, *, sequence: bool) -> None:
        self._path = path
        self._sequence = sequence
        names: dict[str, None] = {}
        about: dict[str, Any] = {}
        found = False
        for item in self._features(about):
            found = True
            names.update(dict.fromkeys(_members(item)))
            if len(names) > MOST_FIELDS:
                raise refuse("the GeoJSON has too many fields", "GeoJSON 字段过多")
        kind = "GeoJSONSeq" if sequence else "GeoJSON"
        self.info = SourceInfo(kind, tuple(names), None, _crs(about))
        if not found:
            raise refuse("the GeoJSON has no features", "GeoJSON 不含任何要素")

    def blocks(self) -> Iterator[SourceBlock]:
        """The features of the file."""
        waiting: list[Any] = []
        for item in self._features({}):
            waiting.append(item)
            if len(waiting) == BLOCK_ROWS:
                yield self._block(waiting)
                waiting = []
        if waiting:
            yield self._block(waiting)

    def _features(self, about: dict[str, Any]) -> Iterator[Any]:
        """Every feature; the members beside them are put into `about`."""
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as file:
                values = JsonValueReader(file)
                yield from _sequence(values) if self._sequence else _collection(values, about)
        except UnicodeDecodeError:
            raise refuse("the GeoJSON is not UTF-8", "GeoJSON 不是 UTF-8 编码") from None

    def _block(self, items: list[Any]) -> SourceBlock:
        broken: dict[int, Label] = {}
        rows = []
        for number, item in enumerate(items):
            if number % AT_ONCE == 0:
                _demand_room()
            members = _members(item)
            if not isinstance(item, dict) or item.get("type") != "Feature":
                broken[number] = NO_FEATURE
            elif _encoded(members) is None:
                lost = [name for name, one in members.items() if _encoded({name: one}) is None]
                told = ", ".join(map(ascii, lost))[:LONGEST_TOLD]
                broken[number] = Label(f"{told}：{NOT_KEPT.zh}", f"{told}: {NOT_KEPT.en}")
                members = {name: one for name, one in members.items() if name not in lost}
            rows.append(members)
        shapes = [None if n in broken else _geometry(item) for n, item in enumerate(items)]
        texts: list[bytes | None] = []
        for start in range(0, len(shapes), AT_ONCE):
            _demand_room()
            texts += map(_encoded, shapes[start : start + AT_ONCE])
        found = shapely.from_geojson(np.array(texts, dtype=object), on_invalid="ignore")
        for number, shape in enumerate(shapes):
            if shape is not None and found[number] is None:
                broken[number] = open_ring(shape) or UNREADABLE
        columns = {name: [row.get(name) for row in rows] for name in self.info.fields}
        return SourceBlock([shapely.to_wkb(shape) for shape in found], columns, broken)


def _sequence(values: JsonValueReader) -> Iterator[Any]:
    while values.next_sign():
        yield values.value()


def _collection(values: JsonValueReader, about: dict[str, Any]) -> Iterator[Any]:
    """The features of a collection, or the only one there is."""
    listed = False
    values.skip("{")
    while not values.skipped("}"):
        name = values.value()
        values.skip(":")
        if name == "features" and not listed:
            listed = True
            yield from _listed(values)
        else:
            about[str(name)] = values.value()
        if not values.skipped(","):
            values.skip("}")
            break
    if values.next_sign():
        raise _malformed()
    if not listed:
        if about.get("type") != "Feature":
            raise refuse("the JSON is no GeoJSON of features", "该 JSON 不是 GeoJSON 要素")
        yield dict(about)


def _listed(values: JsonValueReader) -> Iterator[Any]:
    values.skip("[")
    while not values.skipped("]"):
        yield values.value()
        if not values.skipped(","):
            values.skip("]")
            return


def _members(item: Any) -> Mapping[str, Any]:
    """The properties of a feature, and its `id` where no property is called so."""
    properties = item.get("properties") if isinstance(item, dict) else None
    members = properties if isinstance(properties, dict) else {}
    if isinstance(item, dict) and item.get("id") is not None:
        return {"id": item["id"], **members}
    return members


def _geometry(item: Any) -> Any:
    return item.get("geometry") if isinstance(item, dict) else None


def open_ring(geometry: Any) -> Label | None:
    """Why a ring of a polygon is none: where it begins and ends; None where all are closed."""
    told = geometry.get("coordinates") if isinstance(geometry, dict) else None
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    parts = [told] if kind == "Polygon" else told if kind == "MultiPolygon" else None
    for part in parts if isinstance(parts, list) else []:
        for ring in part if isinstance(part, list) else []:
            if isinstance(ring, list) and ring and ring[0] != ring[-1]:
                return Label(
                    f"环未闭合：起于 {ring[0]}，止于 {ring[-1]}，首尾须相同"[:LONGEST_TOLD],
                    f"a ring begins at {ring[0]} and ends at {ring[-1]}; it must end where it"
                    " begins"[:LONGEST_TOLD],
                )
    return None


def _demand_room() -> None:
    """Have memory refused here, where it can be told: orjson ends the process that is refused any.

    Raises:
        MemoryError: it is.
    """
    try:
        mmap.mmap(-1, ROOM).close()
    except OSError as error:
        raise MemoryError(f"{ROOM} bytes are refused") from error


def _encoded(value: Any) -> bytes | None:
    """A value as JSON that others read; numbers that are none become null, which no position is."""
    try:
        return None if value is None else orjson.dumps(value)
    except orjson.JSONEncodeError:
        return None


def _crs(about: Mapping[str, Any]) -> str | None:
    """The system the old member `crs` names; without it the positions are degrees on WGS 84.

    Raises:
        UnsupportedFile: it is a link, or nothing that was ever allowed there.
    """
    if "crs" not in about:
        return DEGREES
    told = about["crs"]
    if told is None:
        return None
    named = told.get("properties") if isinstance(told, dict) else None
    name = named.get("name") if isinstance(named, dict) else None
    if not isinstance(name, str) or told.get("type") != "name":
        raise refuse(
            "the member `crs` must name a system, such as EPSG:4490; links are not followed",
            "成员 `crs` 须直接写明坐标系（如 EPSG:4490）；不读取链接",
        )
    urn = URN.fullmatch(name.strip())
    return name if urn is None else f"{urn[1].upper()}:{urn[2]}"


def _malformed() -> UnsupportedFile:
    return refuse("the GeoJSON is malformed", "GeoJSON 格式有误")


BLOCK_BYTES = 65_536
DEEPEST = 64
LONGEST_TEXT = 64 * 1024**2
SKIPPED = ("Track", "MultiTrack", "Model")
CRS = "EPSG:4326"


@dataclass(slots=True)
class Placemark:
    """A placemark while it is read."""

    values: dict[str, str] = field(default_factory=dict)
    parts: list[BaseGeometry] = field(default_factory=list)
    rings: list[Any] = field(default_factory=list)
    broken: Label | None = None

    def geometry(self) -> BaseGeometry | None:
        """All its parts as one geometry."""
        if len(self.parts) < 2:
            return self.parts[0] if self.parts else None
        kinds = {part.geom_type for part in self.parts}
        together: Any = {
            frozenset({"Point"}): shapely.multipoints,
            frozenset({"LineString"}): shapely.multilinestrings,
            frozenset({"Polygon"}): shapely.multipolygons,
        }.get(frozenset(kinds), shapely.geometrycollections)
        joined: BaseGeometry = together(self.parts)
        return joined


class Placemarks:
    """Collects placemarks from the events of the parser."""

    def __init__(self) -> None:
        self.found: list[Placemark] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self._size = 0
        self._current: Placemark | None = None
        self._data_name: str | None = None
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype

    def _refuse_doctype(self, *_: object) -> None:
        raise refuse("a KML with a document type is not read", "不读取带有 DOCTYPE 的 KML")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        self._path.append(name)
        if len(self._path) > DEEPEST:
            raise refuse("the KML is nested too deeply", "KML 嵌套过深")
        self._text.clear()
        self._size = 0
        if name == "Placemark":
            self._current = Placemark({"id": attributes["id"]} if "id" in attributes else {})
        elif name in {"Data", "SimpleData"}:
            self._data_name = attributes.get("name")
        elif name == "Polygon" and self._current is not None:
            self._current.rings = []
        elif name in SKIPPED and self._current is not None:
            self._current.broken = Label(f"{name} 无法读取", f"a {name} is not read")

    def _characters(self, text: str) -> None:
        if self._current is None:
            return
        self._size += len(text)
        if self._size > LONGEST_TEXT:
            raise refuse("a text in the KML is too long", "KML 中有过长的文本")
        self._text.append(text)

    def _end(self, tag: str) -> None:
        name = self._path.pop()
        current, parent = self._current, self._path[-1] if self._path else ""
        if current is None:
            return
        text = "".join(self._text)
        match name:
            case "Placemark":
                self.found.append(current)
                self._current = None
            case "coordinates":
                self._coordinates(current, parent, text)
            case "Polygon":
                self._polygon(current)
            case "name" | "description" if parent == "Placemark":
                current.values[name] = text.strip()
            case "value" if parent == "Data" and self._data_name:
                current.values[self._data_name] = text.strip()
            case "SimpleData" if self._data_name:
                current.values[self._data_name] = text.strip()
        self._text.clear()

    def _coordinates(self, current: Placemark, parent: str, text: str) -> None:
        try:
            positions = _positions(text)
            if parent == "LinearRing" and "Polygon" in self._path:
                current.rings.append((self._path[-2], positions))
            elif parent == "Point":
                current.parts.append(shapely.Point(positions[0]))
            else:
                current.parts.append(shapely.LineString(positions))
        except (ValueError, IndexError, ShapelyError):
            current.broken = Label("坐标无法读取", "its coordinates cannot be read")

    def _polygon(self, current: Placemark) -> None:
        outer = [ring for place, ring in current.rings if place != "innerBoundaryIs"]
        inner = [ring for place, ring in current.rings if place == "innerBoundaryIs"]
        try:
            current.parts.append(shapely.Polygon(outer[0], inner))
        except (ValueError, IndexError, ShapelyError):
            current.broken = Label("多边形无法读取", "its polygon cannot be read")
        current.rings = []


class KmlSource:
    """The placemarks of a KML file; its fields are found in a first reading."""

    def __init__(self, path: Path) -> None:
        self._path = path
        names: dict[str, None] = {}
        for placemarks in self._read():
            for item in placemarks:
                names.update(dict.fromkeys(item.values))
            if len(names) > MOST_FIELDS:
                raise refuse("the KML has too many fields", "KML 字段过多")
        self.info = SourceInfo("KML", tuple(names), None, CRS)

    def blocks(self) -> Iterator[SourceBlock]:
        """The placemarks of the file."""
        for placemarks in self._read():
            yield SourceBlock(
                [_wkb(item) for item in placemarks],
                {
                    name: [item.values.get(name) or None for item in placemarks]
                    for name in self.info.fields
                },
                {n: item.broken for n, item in enumerate(placemarks) if item.broken is not None},
            )

    def _read(self) -> Iterator[list[Placemark]]:
        placemarks = Placemarks()
        try:
            with self._path.open("rb") as file:
                while block := file.read(BLOCK_BYTES):
                    placemarks.parser.Parse(block, False)
                    if len(placemarks.found) >= BLOCK_ROWS:
                        yield placemarks.found
                        placemarks.found = []
            placemarks.parser.Parse(b"", True)
        except (expat.ExpatError, LookupError, UnicodeError) as error:
            raise refuse(f"the KML is malformed: {error}", "KML 格式有误") from error
        except ValueError as error:  # Python's word for encodings such as GBK
            raise refuse(
                f"the KML is not read in its encoding: {error}; save it as UTF-8",
                "KML 的编码不受支持，请另存为 UTF-8",
            ) from error
        if placemarks.found:
            yield placemarks.found


def _positions(text: str) -> list[tuple[float, ...]]:
    """The positions of a text; heights of zero, which most writers add, are no heights."""
    found = [tuple(map(float, item.split(","))) for item in text.split()]
    if any(len(position) not in {2, 3} for position in found):
        raise ValueError("a position has two or three numbers")
    if not all(map(math.isfinite, chain.from_iterable(found))):
        raise ValueError("a position is not finite")
    if any(len(position) == 3 and position[2] for position in found):
        return [(*position, 0.0)[:3] for position in found]
    return [position[:2] for position in found]


def _wkb(placemark: Placemark) -> bytes | None:
    geometry = None if placemark.broken else placemark.geometry()
    return None if geometry is None else bytes(shapely.to_wkb(geometry))
