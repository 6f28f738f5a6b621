"""The demo's input: built or fetched, seeded, imported; and what its steps took of the machine."""

import asyncio
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console

from shanhai.client import ApiClient, RemoteJob, Sync
from shanhai.data.cli import default_output, is_complete
from shanhai.data.download import Reporter, default_cache
from shanhai.data.fetch_command import FetchOptions, fetch_region
from shanhai.data.land_cover_change import LandCoverChange, picture_of, read_change
from shanhai.data.regions import REGIONS
from shanhai.db.engine import create_engine, create_sessions
from shanhai.db.seeds.load import seed_city
from shanhai.errors import NotFound, Unavailable
from shanhai.processes.kit.dataset_description import DatasetDescription, read_description
from shanhai.settings import DatabaseSettings
from shanhai.vocabulary import Visibility

PROC = Path("/proc")
INTERVAL_S = 0.1


@dataclass(frozen=True, slots=True)
class StepUsage:
    """What one step took: seconds, and the peak resident memory of all processes in MiB."""

    step: str
    seconds: float
    peak_mib: float


@dataclass(slots=True)
class Meter:
    """Measures steps of this program together with the background processes in `roots`."""

    roots: list[int] = field(default_factory=list)
    readings: list[StepUsage] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure what happens inside the block."""
        peak = _Peak(self.roots)
        started = time.perf_counter()
        with peak:
            yield
        self.readings.append(StepUsage(name, time.perf_counter() - started, peak.mib))


class _Peak:
    """Samples resident memory in a thread while the block runs."""

    def __init__(self, roots: list[int]) -> None:
        self._roots = roots
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.mib = 0.0

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exc: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.mib = max(self.mib, resident_mib([os.getpid(), *self._roots]))
            if self._done.wait(INTERVAL_S):
                return


def resident_mib(roots: Iterable[int]) -> float:
    """Resident memory of the processes in `roots` and all below them; shared pages count once
    for each process, so servers with shared buffers are overstated."""
    children: dict[int, list[int]] = defaultdict(list)
    pages: dict[int, int] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (facts := _facts(entry)) is not None:
            parent, resident = facts
            pid = int(entry.name)
            children[parent].append(pid)
            pages[pid] = resident
    tree, waiting = set[int](), list(roots)
    while waiting:
        pid = waiting.pop()
        if pid not in tree:
            tree.add(pid)
            waiting.extend(children[pid])
    return sum(pages.get(pid, 0) for pid in tree) * os.sysconf("SC_PAGE_SIZE") / 1024**2


def _facts(entry: Path) -> tuple[int, int] | None:
    """Parent and resident pages of a process; None when it has just ended."""
    try:
        after_name = (entry / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(after_name[1]), int(after_name[21])


DEMO_DATA = "SHANHAI_DEMO_DATA"
Told = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class DemoInputs:
    """Folders of data files, and the datasets to be preferred to others of their theme."""

    folders: tuple[Path, ...]
    preferred: dict[str, str]

    @property
    def changes(self) -> list[LandCoverChange]:
        """What became of the land cover that was inferred, by city."""
        return [read_change(folder) for folder in self._cities()]

    def copy_pictures(self, to: Path) -> None:
        """Put the pictures of the changes, named by city, into a folder."""
        for folder in self._cities():
            shutil.copyfile(picture_of(folder), to / f"land_cover_{folder.name}.png")

    def _cities(self) -> list[Path]:
        return [folder for folder in self.folders if (folder / REGIONS).exists()]


def gather(region: str, console: Console) -> DemoInputs:
    """Build the stack of every city; with `SHANHAI_DEMO_DATA=open`, fetch better layers too.

    What no open source gives is taken from the packages, and that is said.
    """
    cache, reporter = default_cache(), Reporter(console)
    root = default_output(cache)
    if not is_complete(root):
        _build_apart()
    folders = tuple(sorted(path.parent for path in root.glob(f"*/{REGIONS}")))
    if os.environ.get(DEMO_DATA, "packages") != "open":
        return DemoInputs(folders, {})
    fetched = cache / "open" / region
    preferred = _fetch_open(region, fetched, reporter)
    return DemoInputs((*folders, fetched) if preferred else folders, preferred)


def _build_apart() -> None:
    """Build the stack in a process of its own, whose gigabyte goes when it is done."""
    shanhai = Path(sys.executable).with_name("shanhai")
    if subprocess.run([shanhai, "data", "demo"], check=False).returncode != 0:
        raise Unavailable("the demonstration data could not be made; what failed is said above")


def _fetch_open(region: str, folder: Path, reporter: Reporter) -> dict[str, str]:
    options = FetchOptions(
        region=region,
        out=folder,
        cache=default_cache(),
        resolution_m=30.0,
        mirror=os.environ.get("SHANHAI_DATA_MIRROR"),
    )
    missing = fetch_region(options, reporter)
    if missing:
        reporter.say(f"no open data of {', '.join(missing)}; the packages' layers stay")
    return {
        item.theme: item.code
        for item in _rasters(folder)
        if item.theme not in missing and not item.stand_in
    }


def seed_regions(database_url: str, folders: Iterable[Path]) -> None:
    """Put the cities of the folders, their regions and plans, into the database."""
    cities = [folder for folder in folders if (folder / REGIONS).exists()]
    asyncio.run(_seed(database_url, cities))


async def _seed(database_url: str, cities: Iterable[Path]) -> None:
    engine = create_engine(DatabaseSettings(url=SecretStr(database_url)), application="demo")
    try:
        async with create_sessions(engine).begin() as session:
            for folder in cities:
                await seed_city(session, folder.name, folder / REGIONS)
    finally:
        await engine.dispose()


def import_missing(api: ApiClient, folders: Iterable[Path], told: Told) -> None:
    """Register every raster whose very bytes are not registered under its code yet."""
    found = [(folder, item) for folder in folders for item in _rasters(folder)]
    missing = [(folder, item) for folder, item in found if not _is_registered(api, item)]
    total = max(1, len(missing))
    jobs = [(item, _ask_for_import(api, folder, item)) for folder, item in missing]
    for done, (item, job) in enumerate(jobs):
        told(done, total, item.code)
        job.wait()
    told(total, total, f"{len(found)} datasets registered")


def _rasters(folder: Path) -> list[DatasetDescription]:
    descriptions = (read_description(path) for path in sorted(folder.glob("*.json")))
    return [item for item in descriptions if item.kind == "raster"]


def _is_registered(api: ApiClient, item: DatasetDescription) -> bool:
    try:
        feature = api.get(f"/collections/datasets/items/{item.code}")
    except NotFound:
        return False
    return bool(feature["properties"]["source_sha256"] == item.sha256)


def _ask_for_import(api: ApiClient, folder: Path, item: DatasetDescription) -> RemoteJob[Sync]:
    given = {**item.import_inputs(), "visibility": Visibility.PUBLIC}
    return api.submit("import-dataset", {"upload": api.upload(folder / item.file), **given})
