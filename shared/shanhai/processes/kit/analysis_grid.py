"""Whether an analysis grid makes sense, judged before a job is accepted."""

import math
from typing import Any

from pyproj import CRS, Proj, Transformer
from pyproj.exceptions import CRSError, ProjError
from shapely.geometry import shape

from shanhai.db.base import STORAGE_SRID
from shanhai.errors import InvalidInput, LimitExceeded

MAX_CELLS = 400_000_000
MAX_AREA_DISTORTION = 0.02
"""A grid's cells are counted as areas: 3-degree Gauss-Krüger stays below 0.001, UTM below 0.002."""
CRS_POINTER = "/inputs/crs"
CELL_POINTER = "/inputs/cell_m"


def check_grid(geometry: dict[str, Any], *, epsg: int, cell_m: float) -> None:
    """Refuse a CRS that does not measure the region in metres, and grids beyond the limit.

    Args:
        geometry: The region, GeoJSON in longitude and latitude.
        epsg: Code of the CRS of the grid.
        cell_m: Side of a cell, m.

    Raises:
        InvalidInput: The CRS is unknown, not projected, not in metres, or distorts areas there.
        LimitExceeded: The region's box holds too many cells.
    """
    crs = _projected(epsg)
    region = shape(geometry)
    _check_distortion(crs, epsg, *region.representative_point().coords[0])
    cells = estimate_cells(region.bounds, epsg=epsg, cell_m=cell_m)
    if cells > MAX_CELLS:
        raise LimitExceeded(
            f"cells of {cell_m:g} m make a grid of {cells:,} cells; at most {MAX_CELLS:,}"
            " are allowed: use larger cells",
            message_zh=f"{cell_m:g} 米像元将产生 {cells:,} 个格网单元，上限为 {MAX_CELLS:,}，"
            "请增大像元",
            pointer=CELL_POINTER,
        )


def estimate_cells(bounds: tuple[float, float, float, float], *, epsg: int, cell_m: float) -> int:
    """Cells of the grid over a box of longitudes and latitudes (west, south, east, north)."""
    transformer = Transformer.from_crs(STORAGE_SRID, epsg, always_xy=True)
    west, south, east, north = transformer.transform_bounds(*bounds)
    return math.ceil((east - west) / cell_m) * math.ceil((north - south) / cell_m)


def _projected(epsg: int) -> CRS:
    try:
        crs = CRS.from_epsg(epsg)
    except CRSError:
        raise _refused(
            f"EPSG:{epsg} is not a known coordinate reference system",
            f"EPSG:{epsg} 不是已知的坐标系",
        ) from None
    if not crs.is_projected:
        raise _refused(
            f"EPSG:{epsg} ({crs.name}) is not projected; the analysis grid needs a projected CRS"
            " in metres, such as the region's 3-degree Gauss-Krüger zone",
            f"EPSG:{epsg}（{crs.name}）不是投影坐标系；分析格网需要以米为单位的投影坐标系",
        )
    if any(axis.unit_conversion_factor != 1 for axis in crs.axis_info):
        raise _refused(
            f"EPSG:{epsg} ({crs.name}) is not measured in metres",
            f"EPSG:{epsg}（{crs.name}）不以米为单位",
        )
    return crs


def _check_distortion(crs: CRS, epsg: int, longitude: float, latitude: float) -> None:
    distortion = _area_distortion(crs, longitude, latitude)
    if not distortion <= MAX_AREA_DISTORTION:
        raise _refused(
            f"EPSG:{epsg} ({crs.name}) is not made for this region: it distorts areas there by"
            f" {distortion:.0%}, more than {MAX_AREA_DISTORTION:.0%}",
            f"EPSG:{epsg}（{crs.name}）不适用于该区域：面积变形 {distortion:.0%}，"
            f"超过 {MAX_AREA_DISTORTION:.0%}",
        )


def _area_distortion(crs: CRS, longitude: float, latitude: float) -> float:
    try:
        scale = Proj(crs).get_factors(longitude, latitude).areal_scale
    except ProjError:
        return math.inf
    return abs(float(scale) - 1)


def _refused(message: str, message_zh: str) -> InvalidInput:
    return InvalidInput(message, message_zh=message_zh, pointer=CRS_POINTER)
