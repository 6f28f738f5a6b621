"""Files as bureaus hand them over, written in the formats they come in."""

import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.transform import Affine

FILE_GEODATABASE = """
import json, sys
from datetime import datetime
import pyarrow, pyogrio, shapely
as_moment = lambda one: datetime.fromisoformat(one["moment"]) if "moment" in one else one
path, layer, crs, rows = json.loads(sys.stdin.read(), object_hook=as_moment)
fields = list(rows[0])[1:]
table = pyarrow.table({"geom": [shapely.to_wkb(shapely.from_wkt(row["wkt"])) for row in rows],
                       **{name: [row[name] for row in rows] for name in fields}})
pyogrio.write_arrow(table, path, layer=layer, driver="OpenFileGDB", geometry_name="geom",
                    geometry_type="MultiPolygon", crs=crs)
"""
"""A program of its own: the drivers of this process leave out the one it needs."""


def write_grid(
    path: Path,
    values: NDArray[Any],
    *,
    west: float,
    north: float,
    cell: float,
    crs: str | None = "EPSG:4548",
    driver: str = "GTiff",
    nodata: float | None = None,
) -> Path:
    """A raster of one band or several, by any driver that writes or copies."""
    bands = values if values.ndim == 3 else values[np.newaxis]
    profile = {
        "driver": "GTiff",
        "count": len(bands),
        "height": bands.shape[1],
        "width": bands.shape[2],
        "dtype": bands.dtype.name,
        "transform": Affine(cell, 0, west, 0, -cell, north),
        "crs": crs,
        "nodata": nodata,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path if driver == "GTiff" else path.with_suffix(".draft.tif")
    with rasterio.open(draft, "w", **profile) as file:
        file.write(bands)
    if draft != path:
        rasterio.shutil.copy(draft, path, driver=driver)
        draft.unlink()
    return path


def write_climate(
    path: Path, variables: Mapping[str, tuple[NDArray[Any], str]], west: float, north: float
) -> Path:
    """A NetCDF classic file of months, latitude from the south, on a grid of 0.1 degree.

    Args:
        path: The file to make.
        variables: By name, the values (months, rows from the north, columns) and their unit.
        west: Middle of the first column.
        north: Middle of the first row.
    """
    from scipy.io import netcdf_file

    months, height, width = next(iter(variables.values()))[0].shape
    with netcdf_file(path, "w") as file:
        for name, size, values, unit in (
            ("time", months, np.arange(months) * 30.0 + 15, "days since 2020-01-01"),
            ("lat", height, north - 0.1 * np.arange(height)[::-1], "degrees_north"),
            ("lon", width, west + 0.1 * np.arange(width), "degrees_east"),
        ):
            file.createDimension(name, size)
            axis = file.createVariable(name, "d", (name,))
            axis[:] = values
            setattr(axis, "units", unit)  # noqa: B010 - scipy keeps any attribute
        for name, (cells, unit) in variables.items():
            one = file.createVariable(name, "f", ("time", "lat", "lon"))
            one[:] = cells[:, ::-1]
            setattr(one, "units", unit)  # noqa: B010
    return path


def write_shapefile(
    path: Path,
    shapes: Sequence[shapely.Geometry],
    fields: Mapping[str, Sequence[Any]],
    *,
    crs: str | None = "EPSG:4548",
    encoding: str = "GBK",
    with_page: bool = True,
) -> Path:
    """A shapefile, with or without the `.cpg` that names its encoding."""
    import pyarrow as pa

    from shanhai.vector.gdal import pyogrio

    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({"geometry": shapely.to_wkb(np.array(shapes)), **fields})
    pyogrio.write_arrow(
        table,
        path,
        driver="ESRI Shapefile",
        geometry_name="geometry",
        geometry_type="Polygon",
        crs=crs or "EPSG:4548",
        encoding=encoding,
    )
    if crs is None:
        path.with_suffix(".prj").unlink()
    else:
        path.with_suffix(".prj").write_text(CRS.from_user_input(crs).to_wkt("WKT1_ESRI"))
    if not with_page:
        path.with_suffix(".cpg").unlink()
        table_file = path.with_suffix(".dbf")
        raw = bytearray(table_file.read_bytes())
        raw[29] = 0
        table_file.write_bytes(raw)
    return path


def write_geodatabase(
    path: Path, layer: str, rows: Sequence[Mapping[str, Any]], crs: str = "EPSG:4548"
) -> Path:
    """A file geodatabase of one layer; each row has its `wkt` first, and days as moments."""
    import json

    path.parent.mkdir(exist_ok=True)
    given = json.dumps(
        [str(path), layer, crs, [dict(row) for row in rows]],
        default=lambda moment: {"moment": moment.isoformat()},
    )
    subprocess.run([sys.executable, "-c", FILE_GEODATABASE], input=given, text=True, check=True)
    return path


def write_curve(path: Path) -> Path:
    """A GeoPackage of one row that is an arc."""
    import pyarrow as pa

    from shanhai.vector.gdal import pyogrio

    arc = struct.pack("<BII6d", 1, 8, 3, 118.0, 24.0, 118.1, 24.1, 118.2, 24.0)
    table = pa.table({"code": ["a"], "name_zh": ["弧"], "level": ["city"], "geom": [arc]})
    frame = {"geometry_name": "geom", "geometry_type": "Unknown", "crs": "EPSG:4490"}
    pyogrio.write_arrow(table, path, driver="GPKG", **frame)
    return path
