"""InVEST as a peer: an environment of its own, a process for every run."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import orjson

from shanhai.local.places import CHECKOUT, Home

PEERS = CHECKOUT / "benchmarks" / "peers"
VERSION = "3.19.0"
"""As `invest.sh` builds it."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a model took on the large inputs, and the raster that is compared.

    Attributes:
        whole: Seconds of the model from beginning to end.
        part: Seconds until the raster was written.
        cpu: Seconds of processor time of the model.
        result: The raster.
    """

    whole: float
    part: float
    cpu: float
    result: Path


def python_of_invest() -> Path:
    """The interpreter that has InVEST; it is built the first time, which takes minutes."""
    folder = Home.of_checkout().path / "invest"
    subprocess.run([PEERS / "invest.sh", folder], check=True)
    return folder / "bin" / "python"


def run_invest(python: Path, model: str, small: Path, large: Path, workspace: Path) -> Run:
    """Run a model in a fresh process, first on small inputs to load what it needs."""
    command = [
        str(part) for part in (python, PEERS / "invest_models.py", model, small, large, workspace)
    ]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    told = orjson.loads(done.stdout.splitlines()[-1])
    return Run(told["whole"], told["part"], told["cpu"], Path(told["result"]))
