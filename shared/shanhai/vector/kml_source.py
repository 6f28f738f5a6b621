"""KML, read by a parser of our own: no entities, no links, one placemark at a time."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any
from xml.parsers import expat

import shapely
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from shanhai.vector.sources import SourceBlock, SourceInfo, refuse
from shanhai.vector.tables import BLOCK_ROWS
from shanhai.vocabulary import Label

BLOCK_BYTES = 65_536
DEEPEST = 64
LONGEST_TEXT = 64 * 1024**2
MOST_FIELDS = 1_000
SHAPES = ("Point", "LineString", "LinearRing", "Polygon", "MultiGeometry")
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
