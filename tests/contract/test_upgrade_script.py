"""What the script for upgrades makes anew, by what containers were started with."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RUNNING = ("redis", "prometheus", "proxy", "postgres")
# It keeps what it is asked, and knows containers by the names of their services.
ENGINE = """#!/bin/sh
echo "$*" >>"{folder}/asked"
case "$*" in
  *" ps --quiet "*) for last; do :; done; [ ! -e "{folder}/$last" ] || echo "$last" ;;
  inspect*) for last; do :; done; cat "{folder}/$last/mounts" ;;
  exec*) cat "{folder}/$2/inside$4" ;;
esac
"""


@pytest.fixture
def upgraded_engine(tmp_path: Path) -> Path:
    """The folder of an engine that runs some services, each with the files of this checkout."""
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    for name in RUNNING:
        mounts = [f"/certificates {ROOT / 'deploy'}", ""]
        for taken in document["services"][name]["configs"]:
            file = ROOT / document["configs"][taken["source"]]["file"]
            copy = tmp_path / name / f"inside{taken['target']}"
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copy)
            mounts.insert(0, f"{taken['target']} {file}")
        (tmp_path / name / "mounts").write_text("\n".join(mounts))
    program = tmp_path / "bin/docker"
    program.parent.mkdir()
    program.write_text(ENGINE.format(folder=tmp_path))
    program.chmod(0o755)
    return tmp_path


def upgrade(upgraded_engine: Path, *services: str) -> tuple[list[str], str]:
    """What was started, in this order, `!` before what was made anew in any case; and warnings."""
    environment = {**os.environ, "PATH": f"{upgraded_engine / 'bin'}:{os.environ['PATH']}"}
    environment.pop("COMPOSE", None)
    done = subprocess.run(
        [ROOT / "deploy/upgrade.sh", *services],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    asked = (upgraded_engine / "asked").read_text()
    started = re.findall(r"^compose up .* --wait (--force-recreate )?(\w+)$", asked, re.MULTILINE)
    return ["!" * bool(forced) + name for forced, name in started], done.stderr


@pytest.mark.parametrize(
    ("file", "started"),
    [
        ("", ["redis", "prometheus", "proxy"]),
        ("redis/inside/etc/shanhai/redis.sh", ["!redis", "prometheus", "proxy"]),
        ("prometheus/inside/etc/prometheus/alerts.yml", ["redis", "!prometheus", "proxy"]),
        ("proxy/inside/etc/nginx/nginx.conf", ["redis", "prometheus", "!proxy"]),
        ("postgres/inside/etc/shanhai/pg_hba.conf", ["redis", "prometheus", "proxy"]),
    ],
)
def test_what_was_started_with_another_file_is_made_anew(
    upgraded_engine: Path, file: str, started: list[str]
) -> None:
    """The proxy last; PostgreSQL never, which is told."""
    if file:
        with (upgraded_engine / file).open("a") as inside:
            inside.write("# of the release before\n")
    found, warned = upgrade(upgraded_engine)
    assert found == started
    assert ("pg_hba.conf has changed" in warned) == file.startswith("postgres")


def test_an_upgrade_of_one_service_leaves_the_others(upgraded_engine: Path) -> None:
    (upgraded_engine / "proxy/inside/etc/nginx/nginx.conf").write_text("")
    assert upgrade(upgraded_engine, "tiles") == ([], "")
