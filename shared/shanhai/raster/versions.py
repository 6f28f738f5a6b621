"""Versions of the libraries a raster depends on."""

import pyproj
import rasterio
import shapely


def library_versions() -> dict[str, str]:
    """GDAL, PROJ and GEOS as they run in this process."""
    return {
        "gdal": rasterio.__gdal_version__,
        "proj": pyproj.proj_version_str,
        "geos": shapely.geos_version_string,
        "shapely": shapely.__version__,
        "rasterio": rasterio.__version__,
    }
