"""The file formats features leave in, and cells safe for spreadsheets; nothing heavy is loaded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from shanhai.vocabulary import Label

FormatName = Literal["csv", "geojsonseq", "fgb", "gpkg", "parquet", "shp", "kml"]


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format of whole files.

    Attributes:
        suffix: What the file's name ends in.
        spatial: It cannot hold records without geometry.
        only_degrees: It knows longitude and latitude on WGS 84 only.
    """

    name: FormatName
    media_type: str
    suffix: str
    title: Label
    spatial: bool = True
    only_degrees: bool = False

    @property
    def accepted(self) -> str | None:
        """The media type that asks for it; none of an archive, as any may be meant by that."""
        media_type = self.media_type.partition(";")[0]
        return None if media_type == "application/zip" else media_type


_ALL = (
    FileFormat("csv", "text/csv; charset=utf-8", ".csv", Label("CSV 表格", "CSV"), spatial=False),
    FileFormat(
        "geojsonseq",
        "application/geo+json-seq",
        ".geojsons",
        Label("GeoJSON 序列", "GeoJSON text sequence"),
        only_degrees=True,
    ),
    FileFormat("fgb", "application/flatgeobuf", ".fgb", Label("FlatGeobuf", "FlatGeobuf")),
    FileFormat(
        "gpkg", "application/geopackage+sqlite3", ".gpkg", Label("GeoPackage", "GeoPackage")
    ),
    FileFormat(
        "parquet", "application/vnd.apache.parquet", ".parquet", Label("GeoParquet", "GeoParquet")
    ),
    FileFormat("shp", "application/zip", ".zip", Label("Shapefile 压缩包", "Zipped Shapefile")),
    FileFormat(
        "kml",
        "application/vnd.google-earth.kml+xml",
        ".kml",
        Label("KML", "KML"),
        only_degrees=True,
    ),
)
FILE_FORMATS: Mapping[str, FileFormat] = {item.name: item for item in _ALL}
"""By the name `f=` knows them under."""


FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a cell for a formula, full-width forms included."""
QUOTE = "'"
BELOW_ZERO = re.compile(r"-\d+(\.\d+)?", re.ASCII)
"""A decimal below zero, which is a number to a spreadsheet as well."""


def neutralised(text: str) -> str:
    """Text no spreadsheet takes for a formula; an apostrophe before it says that it is text.

    Decimals such as -200.0000 stay the numbers they are.
    """
    if BELOW_ZERO.fullmatch(text):
        return text
    return QUOTE + text if text.startswith((QUOTE, *FORMULA_STARTS)) else text


def restored(text: str) -> str:
    """What `neutralised` was given."""
    marked = text[:1] == QUOTE and text[1:].startswith((QUOTE, *FORMULA_STARTS))
    return text[1:] if marked else text
