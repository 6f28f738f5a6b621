"""The command line and the services start without libraries that nobody asked for yet."""

import subprocess
import sys

import pytest

ABSENT = ("rasterio", "pyarrow", "pyogrio", "scipy", "sklearn", "numba", "matplotlib")

PROGRAM = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import shanhai.cli.app
"""


def test_the_command_line_starts_without_heavy_libraries() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("service", ["shanhai_api.app", "shanhai_tiles.app"])
def test_services_start_without_tables_of_analysts(service: str) -> None:
    """Where they are installed, as by `shanhai[all]`, pyogrio would load them."""
    loaded = (
        f"import sys, {service}; print(*sorted({{'geopandas', 'pandas'}} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True, timeout=100
    )
    assert done.stdout.split() == []
