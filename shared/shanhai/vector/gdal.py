"""pyogrio, loaded with the few drivers that are needed here and none that follows addresses.

What people send is opened by GDAL; a driver that is not registered cannot be led astray.
"""

import os
from types import ModuleType

from shanhai.errors import UnsupportedFile

KEPT = frozenset({"ESRI Shapefile", "GPKG", "FlatGeobuf", "KML", "MEM", "Memory"})
SKIPPED = (
    *("ADBC", "AIVector", "AVCBin", "AVCE00", "AmigoCloud", "CSV", "CSW", "Carto", "DGN", "DXF"),
    *("EDIGEO", "EEDA", "ESRIJSON", "Elasticsearch", "GDALG", "GML", "GPSBabel", "GPX", "GTFS"),
    *(
        "GTI",
        "GeoJSON",
        "GeoJSONSeq",
        "GeoRSS",
        "HTTP",
        "Idrisi",
        "JML",
        "JSONFG",
        "LIBKML",
        "LVBAG",
        "MBTiles",
        "MVT",
    ),
    *("MapML", "MiraMonVector", "NGW", "OAPIF", "ODS", "OGCAPI", "OGR_GMT", "OGR_PDS", "OGR_VRT"),
    *("OSM", "OpenFileGDB", "PCIDSK", "PDF", "PDS4", "PGDUMP", "PLSCENES", "PMTiles", "S57"),
    *("SQLite", "STACIT", "STACTA", "SXF", "Selafin", "TopoJSON", "VDV", "VFK", "VICAR"),
    *("VRT", "WAsP", "WCS", "WFS", "WMS", "WMTS", "XLSX", "MapInfo File"),
)
"""The other drivers of the wheel's GDAL."""
OPTIONS = {
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "GDAL_NUM_THREADS": "1",
    # GDAL's fast path gives negative lengths for rows without geometry.
    "OGR_FLATGEOBUF_STREAM_BASE_IMPL": "YES",
}


def _load() -> ModuleType:
    """Import pyogrio under an environment that holds for its registration of drivers only.

    Whoever imported it before keeps its drivers, and has these options from now on.
    """
    before = os.environ.get("GDAL_SKIP")
    os.environ["GDAL_SKIP"] = ",".join(SKIPPED)
    try:
        import pyogrio
    finally:
        if before is None:
            del os.environ["GDAL_SKIP"]
        else:
            os.environ["GDAL_SKIP"] = before
    pyogrio.set_gdal_config_options(OPTIONS)
    module: ModuleType = pyogrio
    return module


pyogrio = _load()


def check_driver(found: str, expected: str) -> None:
    """Refuse a file that another driver than the one named has opened.

    Raises:
        UnsupportedFile: the content is not what its first bytes promised.
    """
    if found != expected:
        raise UnsupportedFile(
            f"the file looks like {expected} but is {found}",
            message_zh=f"文件看似 {expected}，实为 {found}",
            pointer="/inputs/upload",
        )
