"""A finished raster as an output file: its grid and statistics, as a dataset row keeps them."""

from typing import Any

from shapely import box, segmentize
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from shanhai.processes.kit.task import OutputFile
from shanhai.raster.cog import CogFrame
from shanhai.raster.crs import LON_LAT, parse_crs, reproject_geometry
from shanhai.raster.geotiff import CLASS_NODATA, FLOAT_NODATA
from shanhai.raster.statistics import BandStatistics
from shanhai.storage.artifacts import COG_TYPE
from shanhai.vocabulary import Label

_FOOTPRINT_VERTICES = 20


def raster_output(
    name: str,
    path: str,
    title: Label,
    frame: CogFrame,
    statistics: list[BandStatistics],
    unit: str | None,
    **more: Any,
) -> OutputFile:
    """The description of a COG that `write_cog` made from `frame`."""
    meta = {
        "crs": frame.crs if frame.crs.startswith("EPSG:") else parse_crs(frame.crs).name,
        "unit": unit,
        "nodata": float(CLASS_NODATA if frame.categorical else FLOAT_NODATA),
        "grid": {
            "epsg": parse_crs(frame.crs).to_epsg(),
            "transform": list(frame.transform),
            "width": frame.width,
            "height": frame.height,
            "bands": frame.bands,
            "dtype": "uint8" if frame.categorical else "float32",
            "statistics": [one.document() for one in statistics],
        },
        "footprint": mapping(_footprint(frame)),
        **more,
    }
    return OutputFile.of(name, path, COG_TYPE, title, "raster").model_copy(update={"meta": meta})


def _footprint(frame: CogFrame) -> BaseGeometry:
    """The extent in longitude and latitude, its edges densified so that they may bend."""
    a, _, west, _, e, north = frame.transform
    east, south = west + frame.width * a, north + frame.height * e
    side = max(east - west, north - south) / _FOOTPRINT_VERTICES
    outline = segmentize(box(west, south, east, north), side)
    return reproject_geometry(outline, frame.crs, LON_LAT)
