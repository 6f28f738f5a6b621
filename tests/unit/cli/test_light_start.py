"""The command line starts in the API's image, which has no raster or table libraries."""

import subprocess
import sys

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
