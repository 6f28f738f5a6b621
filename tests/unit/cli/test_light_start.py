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


OF_NO_SERVICE = (
    *("alembic", "mako", "weasyprint", "openpyxl"),
    *("scipy", "sklearn", "numba", "matplotlib", "dask", "distributed"),
    *("geopandas", "pandas"),  # pyogrio would load them where they are, as by `shanhai[all]`
)


@pytest.mark.parametrize(
    ("service", "others"),
    [
        ("shanhai_api.app", ("rasterio", "PIL")),
        ("shanhai_tiles.app", ("pyarrow", "pyogrio", "docx", "lxml", "arq")),
        ("shanhai_worker.app", ("rasterio", "pyarrow", "pyogrio", "docx", "lxml", "PIL")),
        ("shanhai_worker.fork_server", ("rasterio", "pyarrow", "pyogrio", "sqlalchemy", "fastapi")),
    ],
)
def test_services_start_without_what_few_requests_need(
    service: str, others: tuple[str, ...]
) -> None:
    unwanted = {*OF_NO_SERVICE, *others}
    loaded = f"import sys, {service}; print(*sorted({unwanted} & {{*sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True, timeout=100
    )
    assert done.stdout.split() == []


def test_processes_are_described_with_what_the_image_of_the_api_holds() -> None:
    absent = ("rasterio", "scipy", "sklearn", "numba", "matplotlib", "dask", "distributed")
    told = """
from shanhai.processes.catalogue import CONTRACTS
from shanhai_api.processes.descriptions import inputs_of, needs_of
for contract in CONTRACTS.values():
    needs_of(contract, "en")
    inputs_of(contract, "en")
"""
    done = _run_without(absent, told)
    assert done.returncode == 0, done.stderr


STARTED = """
import sys
import uvicorn
uvicorn.run = lambda application, **_: __import__(application.partition(":")[0])
from shanhai_api.__main__ import main
main()
print(*sorted({"structlog", "rich", "rich.console"} & {*sys.modules}))
import rich.console
"""


def test_the_api_starts_without_what_draws_tracebacks() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTED], capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["structlog"]
