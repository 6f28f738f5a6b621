"""Each image holds what its command and its service import."""

import json
import subprocess
import sys

import pytest

from tests.contract.test_deploy import DEPLOY, pinned

LOADED_BY_REQUESTS = [
    "shanhai.processes.assess_ecoservices.request",
    "shanhai.vector.observation_file",
    "shanhai.vector.shapefile",
    "shanhai.vector.tables",
    "shanhai.vector.writer",
    "weasyprint",
]
"""What the API imports when a request first needs it."""
IMPORTING_BY_LOCK = """
import importlib.abc, json, sys
from importlib.metadata import packages_distributions

locked = set(json.loads(sys.argv[1]))
normal = lambda name: name.lower().replace("_", "-").replace(".", "-")
absent = {
    module
    for module, owners in packages_distributions().items()
    if not {normal(owner) for owner in owners} & locked
}

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
for module in sys.argv[2:]:
    __import__(module)
"""


@pytest.mark.parametrize(
    ("service", "modules"),
    [
        ("api", ["shanhai.cli", "shanhai_api.app", *LOADED_BY_REQUESTS]),
        ("worker", ["shanhai.cli", "shanhai_worker.app", "weasyprint"]),
        ("tiles", ["shanhai.cli", "shanhai_tiles.app"]),
    ],
)
def test_an_image_starts_with_what_its_lock_holds(service: str, modules: list[str]) -> None:
    """The command and the service are imported where nothing but the locked packages exists."""
    locked = [name.lower() for name in pinned(DEPLOY / f"locks/{service}.lock")]
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING_BY_LOCK, json.dumps([*locked, "shanhai"]), *modules],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
