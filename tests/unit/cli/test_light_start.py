"""The command line and the services start without libraries that nobody asked for yet."""

import subprocess
import sys

import pytest

COMPUTING = ("rasterio", "pyarrow", "pyogrio", "scipy", "sklearn", "numba", "matplotlib")
HEAVY = (*COMPUTING, "numpy", "pydantic", "sqlalchemy", "httpx", "alembic", "fastapi", "redis")


def _run_without(names: tuple[str, ...], statement: str) -> "subprocess.CompletedProcess[str]":
    """Run a statement where some packages cannot be imported."""
    program = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
{statement}
"""
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )


def test_commands_load_without_heavy_libraries() -> None:
    done = _run_without(COMPUTING, "from shanhai.cli.app import loaded; loaded()")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_the_command_line_tells_of_itself_without_loading_commands(option: str) -> None:
    done = _run_without(
        HEAVY, f"sys.argv = ['shanhai', {option!r}]; from shanhai.cli import main; main()"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


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
