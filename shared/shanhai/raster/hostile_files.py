"""Files that try to make GDAL read another file; made by the start-up check and by tests.

Apart from `environment`, which the command line imports in images that have no rasterio.
"""

from pathlib import Path

import numpy as np
import rasterio

from shanhai.raster.geotiff import write_geotiff

_TRANSFORM = (100.0, 0.0, 500_000.0, 0.0, -100.0, 2_700_000.0)
_VRT = """<VRTDataset rasterXSize="4" rasterYSize="4">
  <SRS>EPSG:4548</SRS>
  <GeoTransform>500000, 100, 0, 2700000, 0, -100</GeoTransform>
  <VRTRasterBand dataType="Float32" band="1">
    <SimpleSource><SourceFilename>{target}</SourceFilename></SimpleSource>
  </VRTRasterBand>
</VRTDataset>
"""


def _make_secret(folder: Path) -> Path:
    secret = folder / "secret.tif"
    write_geotiff(secret, np.ones((4, 4)), transform=_TRANSFORM, crs="EPSG:4548")
    return secret


def make_renamed_vrt(folder: Path) -> Path:
    """A VRT under the name of a TIFF, showing the pixels of its neighbour."""
    path = folder / "renamed_vrt.tif"
    path.write_text(_VRT.format(target=_make_secret(folder)))
    return path


def make_overview_file_tiff(folder: Path) -> Path:
    """A valid TIFF whose metadata name another file as its overviews."""
    path = folder / "overview_file.tif"
    write_geotiff(path, np.zeros((4, 4)), transform=_TRANSFORM, crs="EPSG:4548")
    with rasterio.open(path, "r+", driver="GTiff") as file:
        file.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(_make_secret(folder)))
    return path
