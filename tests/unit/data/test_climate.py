import io
import zipfile
from pathlib import Path

import numpy as np

from shanhai.data.world import (
    GeographicField,
    read_elevation,
    read_monthly_temperature,
    refine_temperature,
)


def stored(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, array)
    return file.getvalue()


def maps(path: Path, *, south_first: bool) -> None:
    latitude = np.array([-1.0, 0.0, 1.0]) if south_first else np.array([1.0, 0.0, -1.0])
    lon, lat = np.meshgrid(np.array([10.0, 11.0, 12.0, 13.0]), latitude)
    with zipfile.ZipFile(path, "w") as wheel:
        members = {"1511/v2_lat": lat, "1511/v2_lon": lon, "1511/v2_topo": 100 * lat + lon}
        members |= {"1510/v1_lat": lat, "1510/v1_lon": lon}
        members |= {f"1510/v1_t_month{m:02d}": np.full(lat.shape, 273.15 + m) for m in range(1, 13)}
        for name, array in members.items():
            wheel.writestr(f"itur/data/{name}.npz", stored(array))


def test_maps_come_north_up_whichever_way_they_are_stored(tmp_path: Path) -> None:
    fields = []
    for south_first in (True, False):
        path = tmp_path / f"{south_first}.whl"
        maps(path, south_first=south_first)
        fields.append(read_elevation(path))
    for field in fields:
        assert (field.west, field.north, field.step_deg) == (9.5, 1.5, 1.0)
        np.testing.assert_array_equal(field.values[0, :, 0], [110.0, 10.0, -90.0])


def test_temperature_is_in_celsius_month_by_month(tmp_path: Path) -> None:
    maps(tmp_path / "maps.whl", south_first=True)
    field = read_monthly_temperature(tmp_path / "maps.whl")
    np.testing.assert_allclose(field.values[:, 0, 0], np.arange(1.0, 13.0))


def test_a_hill_is_colder_by_the_lapse_rate_and_a_plain_is_unchanged() -> None:
    temperature = GeographicField(np.full((12, 9, 9), 20.0), 0.0, 9.0, 1.0)
    height = np.zeros((1, 90, 90))
    height[0, 44, 44] = 1000.0
    refined = refine_temperature(temperature, GeographicField(height, 0.0, 9.0, 0.1))
    mean_around = 1000.0 / 100
    assert refined.values.shape == (12, 90, 90)
    np.testing.assert_allclose(refined.values[:, 44, 44], 20.0 - 0.006 * (1000.0 - mean_around))
    np.testing.assert_allclose(refined.values[:, 20, 20], 20.0)
