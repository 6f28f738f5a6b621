"""Climate and relief of the world from the ITU-R maps in the package `itur`."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from shanhai.data.fields import GeographicField
from shanhai.data.packages import read_member
from shanhai.science.arrays import FloatArray

LAPSE_RATE_C_PER_M = 6.0e-3
_MONTHS = range(1, 13)
_KELVIN = 273.15


def read_elevation(archive: Path) -> GeographicField:
    """Mean elevation, m, 1/12 degree (Recommendation P.1511-2)."""
    return _read_map(archive, "1511/v2_lat", "1511/v2_lon", ["1511/v2_topo"])


def read_monthly_rain(archive: Path) -> GeographicField:
    """Mean rain of the twelve months, mm, 1/4 degree (P.837-7)."""
    months = [f"837/v7_mt_month{month:02d}" for month in _MONTHS]
    return _read_map(archive, "837/v7_lat_mt", "837/v7_lon_mt", months)


def read_monthly_temperature(archive: Path) -> GeographicField:
    """Mean air temperature of the twelve months at 2 m, °C, 3/4 degree (P.1510-1)."""
    months = [f"1510/v1_t_month{month:02d}" for month in _MONTHS]
    kelvin = _read_map(archive, "1510/v1_lat", "1510/v1_lon", months)
    return GeographicField(kelvin.values - _KELVIN, kelvin.west, kelvin.north, kelvin.step_deg)


def read_rain_intensity(archive: Path) -> GeographicField:
    """Rain rate exceeded 0.01 % of an average year, mm/h, 1/8 degree (P.837-7)."""
    return _read_map(archive, "837/v7_lat_r001", "837/v7_lon_r001", ["837/v7_r001"])


def refine_temperature(temperature: GeographicField, elevation: GeographicField) -> GeographicField:
    """Temperature on the finer elevation grid, with height beyond its own relief accounted for.

    Bilinear in `temperature`, then 6 K/km times the height above the mean elevation of one of its
    cells. Level and season are the source's; only the contrast of hill and plain is added.

    Args:
        temperature: °C, any number of bands.
        elevation: m, one band, finer, and wider than the area of interest by a coarse cell.
    """
    cells = round(temperature.step_deg / elevation.step_deg)
    height = elevation.values[0]
    relief = height - ndimage.uniform_filter(height, size=cells, mode="nearest")
    level = temperature.sample(*elevation.centres())
    return GeographicField(
        level - LAPSE_RATE_C_PER_M * relief, elevation.west, elevation.north, elevation.step_deg
    )


def _read_map(
    archive: Path, latitudes: str, longitudes: str, members: Sequence[str]
) -> GeographicField:
    """Bands as a north-up field; the maps give nodes, which become cell centres."""
    latitude = _array(archive, latitudes)[:, 0]
    longitude = _array(archive, longitudes)[0]
    bands = np.stack([_array(archive, member) for member in members])
    if latitude[0] < latitude[-1]:
        latitude, bands = latitude[::-1], bands[:, ::-1]
    step = float(longitude[-1] - longitude[0]) / (longitude.size - 1)
    return GeographicField(
        bands, float(longitude[0]) - step / 2, float(latitude[0]) + step / 2, step
    )


def _array(archive: Path, member: str) -> FloatArray:
    stored = io.BytesIO(read_member(archive, f"itur/data/{member}.npz"))
    with np.load(stored, allow_pickle=False) as arrays:
        return np.asarray(arrays["arr_0"], dtype=np.float64)
