"""Reading what a WMTS client asks, from key-value pairs or from an address, in which matrix set.

Clients of China's national map service ask for `c` (degrees of CGCS2000, levels from 1) and `w`
(web mercator). Level `n` of `c` has the cells of level `n - 1` of CGCS2000Quad. Scale denominators
are the standard's, for pixels of 0.28 mm, and corners are written in the axis order of the system:
the national service itself reckons with 96 dpi and swaps the corner of `w`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shanhai_tiles import grids
from shanhai_tiles.layers.catalogue import SHOWN_BY_DEFAULT, Layer, band_count, formats_of
from shanhai_tiles.raster.images import MEDIA_TYPES
from shanhai_tiles.tile_responses import TileRequest
from shanhai_tiles.wmts.faults import INVALID, WmtsFault

NATIONAL_LEVELS = 20


@dataclass(frozen=True, slots=True)
class MatrixSet:
    """A grid with the identifiers of its levels.

    Attributes:
        id: Its name in WMTS.
        grid: The grid.
        shift: What a level's identifier is greater by than the level.
        first: The first identifier.
        last: The last one.
    """

    id: str
    grid: grids.TileGrid
    shift: int
    first: int
    last: int

    def zoom(self, identifier: str) -> int:
        """The grid's level of an identifier.

        Raises:
            WmtsFault: the set has none of this name.
        """
        plain = identifier.isascii() and identifier.isdigit() and len(identifier) <= len("99")
        if not plain or not self.first <= int(identifier) <= self.last:
            given, known = repr(identifier[:40]), f"{self.first}–{self.last}"
            raise WmtsFault(
                INVALID,
                "TileMatrix",
                f"TileMatrix is {given}; {self.id} has {known}",
                f"TileMatrix 为 {given}；{self.id} 的级别为 {known}",
            )
        return int(identifier) - self.shift


def _whole(grid: grids.TileGrid) -> MatrixSet:
    return MatrixSet(grid.id, grid, 0, 0, grid.deepest)


NATIONAL = (
    MatrixSet("c", grids.CGCS2000_QUAD, 1, 1, NATIONAL_LEVELS),
    MatrixSet("w", grids.WEB_MERCATOR, 0, 1, NATIONAL_LEVELS),
)
MATRIX_SETS: Mapping[str, MatrixSet] = MappingProxyType(
    {one.id: one for one in (*map(_whole, grids.GRIDS.values()), *NATIONAL)}
)


def matrix_sets_over(bounds: grids.Bounds) -> list[MatrixSet]:
    """The sets to offer for a box in degrees."""
    return [*(MATRIX_SETS[grid.id] for grid in grids.grids_over(bounds)), *NATIONAL]


def matrix_set_named(identifier: str) -> MatrixSet:
    """The set of this name.

    Raises:
        WmtsFault: there is none.
    """
    found = MATRIX_SETS.get(identifier)
    if found is None:
        raise WmtsFault(
            INVALID,
            "TileMatrixSet",
            f"TileMatrixSet {identifier[:40]!r} is unknown; the capabilities list those there are",
            f"没有名为 {identifier[:40]!r} 的 TileMatrixSet；可用的见能力文档",
        )
    return found


STYLE = "default"
NATIONAL_FORMAT = "tiles"
"""What clients of the national map service write for its only format."""
INFO_FORMATS = {"application/json": "json", "text/html": "html", "text/xml": "xml"}


@dataclass(frozen=True, slots=True)
class PixelPosition:
    """The texts that name a tile: set, matrix, row, column, style, and the dimension `band`."""

    matrix_set: str
    matrix: str
    row: str
    column: str
    style: str = STYLE
    band: str = "1"


class Pairs:
    """Key-value pairs, whose keys are read without regard to case.

    Keys that WMTS does not know are passed over, as the standard asks: clients append their own.
    """

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._values = {name.upper(): value for name, value in parameters.items()}

    def optional(self, name: str, otherwise: str = "") -> str:
        """The value of a key, or `otherwise`."""
        return self._values.get(name.upper(), otherwise)

    def required(self, name: str) -> str:
        """The value of a key.

        Raises:
            WmtsFault: it is missing.
        """
        value = self._values.get(name.upper())
        if value is None or (value == "" and name != "Style"):
            raise WmtsFault(
                "MissingParameterValue",
                name,
                f"{name} is missing; this request needs it",
                f"缺少参数 {name}",
            )
        return value

    def one_of(self, name: str, *choices: str) -> str:
        """The value of a key that knows only some."""
        value = self.required(name)
        if value.upper() not in {choice.upper() for choice in choices}:
            raise _wrong(name, value, ", ".join(choices))
        return value

    @property
    def place(self) -> PixelPosition:
        """Which tile is asked for."""
        return PixelPosition(
            style=self.required("Style"),
            matrix_set=self.required("TileMatrixSet"),
            matrix=self.required("TileMatrix"),
            row=self.required("TileRow"),
            column=self.required("TileCol"),
            band=self.optional("band", "1"),
        )


def read_tile(layer: Layer, place: PixelPosition, format_: str) -> TileRequest:
    """The tile of a layer at a place; `format_` is a suffix.

    Raises:
        WmtsFault: one of the texts names nothing there is.
    """
    if place.style not in {"", STYLE}:
        raise _wrong("Style", place.style, STYLE)
    chosen = matrix_set_named(place.matrix_set)
    zoom = chosen.zoom(place.matrix)
    columns, rows = chosen.grid.size_at(zoom)
    return TileRequest(
        grid=chosen.grid,
        zoom=zoom,
        column=_inside("TileCol", place.column, columns, "TileOutOfRange"),
        row=_inside("TileRow", place.row, rows, "TileOutOfRange"),
        format=format_,
        band=_band(layer, place.band),
    )


def read_pixel(column: str, row: str) -> tuple[int, int]:
    """I and J: the pixel of a tile, from its upper left one.

    Raises:
        WmtsFault: they are no pixel of a tile.
    """
    code = "PointIJOutOfRange"
    return _inside("I", column, grids.TILE_SIZE, code), _inside("J", row, grids.TILE_SIZE, code)


def suffix_of(layer: Layer, media_type: str) -> str:
    """The suffix of a media type the layer comes in.

    Raises:
        WmtsFault: it does not come in it.
    """
    known = drawn_formats(layer)
    if media_type == NATIONAL_FORMAT:
        return SHOWN_BY_DEFAULT[layer.kind]
    if media_type not in known:
        raise _wrong("Format", media_type, ", ".join(known))
    return known[media_type]


def known_suffix(layer: Layer, suffix: str) -> str:
    """A suffix of an address that the layer comes in.

    Raises:
        WmtsFault: it does not come in it.
    """
    known = drawn_formats(layer).values()
    if suffix not in known:
        raise _wrong("Format", suffix, ", ".join(known))
    return suffix


def drawn_formats(layer: Layer) -> dict[str, str]:
    """Media types and suffixes of what maps draw, the default first; arrays of values are none."""
    suffixes: dict[str, str] = {}
    for suffix, media_type in formats_of(layer).items():
        if suffix in MEDIA_TYPES or layer.kind == "vector":
            suffixes.setdefault(media_type, suffix)
    return suffixes


def info_suffix(text: str) -> str:
    """How what lies at a pixel is told, by media type.

    Raises:
        WmtsFault: it cannot be told so.
    """
    if text not in INFO_FORMATS:
        raise _wrong("InfoFormat", text, ", ".join(INFO_FORMATS))
    return INFO_FORMATS[text]


def _inside(name: str, text: str, count: int, code: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise _wrong(name, text, "whole numbers", "整数")
    if len(text) > len(str(count)) or int(text) >= count:
        raise WmtsFault(
            code,
            name,
            f"{name} is {text[:40]}; there are 0 to {count - 1}",
            f"{name} 为 {text[:40]}；范围为 0 至 {count - 1}",
        )
    return int(text)


def _band(layer: Layer, text: str) -> int:
    count = band_count(layer)
    if text not in {str(band) for band in range(1, count + 1)}:
        raise _wrong("band", text, f"1 to {count}", f"1 至 {count}")
    return int(text)


def _wrong(name: str, value: str, known: str, known_zh: str | None = None) -> WmtsFault:
    return WmtsFault(
        INVALID,
        name,
        f"{name} is {value[:40]!r}; accepted: {known}",
        f"{name} 为 {value[:40]!r}；可用：{known_zh or known}",
    )
