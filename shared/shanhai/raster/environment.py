"""The process environment GDAL must find before it is loaded, and the proof that it works.

This module imports no GDAL, so that a process can call `restrict_gdal` before anything does.
"""

import ctypes
import os
import tempfile
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from types import MappingProxyType

_WEB_DRIVERS = ("GTI", "WMS", "WMTS", "WCS", "HTTP")
_CLOUD_DRIVERS = ("STACIT", "STACTA", "PLMOSAIC", "EEDA", "EEDAI")
_NETWORK_DRIVERS = (*_WEB_DRIVERS, *_CLOUD_DRIVERS)
"""Raster drivers that follow addresses; the GDAL of rasterio's wheel has no OGR_VRT to skip."""

_FIXED: Mapping[str, str] = MappingProxyType(
    {
        "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "GDAL_PAM_ENABLED": "NO",
        "GDAL_NUM_THREADS": "1",
    }
)

_ARENAS = 2
_M_ARENA_MAX = -8
"""Of malloc.h; the variable of the environment is read before a process begins."""

FIXED_COMPUTING: Mapping[str, str] = MappingProxyType(
    {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
        "JOBLIB_MULTIPROCESSING": "0",
        "PYTHONHASHSEED": "0",
        "MALLOC_ARENA_MAX": str(_ARENAS),
    }
)
"""What a process that computes must be started with: one thread for each library and a fixed hash
seed, since results must not depend on the machine's cores."""


def gdal_environment(*, cache_mb: int = 128, skip_vrt: bool = True) -> dict[str, str]:
    """Variables that keep GDAL to local files of known drivers.

    Args:
        cache_mb: GDAL's block cache, MB.
        skip_vrt: Also drop the VRT driver, a text file that can name any other file. Processes
            that draw tiles need it inside the libraries and open each file by its driver instead.
    """
    skipped = (*_NETWORK_DRIVERS, "VRT") if skip_vrt else _NETWORK_DRIVERS
    return {**_FIXED, "GDAL_SKIP": " ".join(skipped), "GDAL_CACHEMAX": str(cache_mb)}


def restrict_gdal(
    variables: MutableMapping[str, str] | None = None, *, cache_mb: int = 128, skip_vrt: bool = True
) -> None:
    """Set the environment, and unset every `GDAL_HTTP_*`; takes effect before GDAL is loaded."""
    target = os.environ if variables is None else variables
    for name in [name for name in target if name.startswith("GDAL_HTTP_")]:
        del target[name]
    target.update(gdal_environment(cache_mb=cache_mb, skip_vrt=skip_vrt))


def bound_arenas() -> None:
    """Let the threads of this process, and of those it starts, share two heaps of the allocator.

    Each thread has its own otherwise, and what it once needed stays there. Other allocators than
    the GNU one are left as they are.
    """
    os.environ["MALLOC_ARENA_MAX"] = str(_ARENAS)
    option = getattr(ctypes.CDLL(None), "mallopt", None)
    if option is not None:
        option(_M_ARENA_MAX, _ARENAS)


def check_isolation() -> None:
    """Prove that a renamed VRT and a TIFF with foreign overviews are refused.

    Raises:
        RuntimeError: GDAL honoured one of them; the process must not start.
    """
    from shanhai.errors import UnsupportedFile
    from shanhai.raster.inspect import inspect_raster, make_overview_file_tiff, make_renamed_vrt

    with tempfile.TemporaryDirectory() as folder:
        for make in (make_renamed_vrt, make_overview_file_tiff):
            path = make(Path(folder))
            try:
                inspect_raster(path)
            except UnsupportedFile:
                continue
            raise RuntimeError(f"GDAL opened {path.name}, which refers to another file")
