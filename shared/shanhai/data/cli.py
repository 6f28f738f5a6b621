"""`shanhai data`: the demonstration stack, layers of open catalogues, and folders of own files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from shanhai.data.download import Reporter, default_cache, ensure_package, file_lock
from shanhai.data.regions import DEMO_REGIONS, PACKAGES, Box, file_sha256, region_box
from shanhai.data.stac import Catalogues, read_catalogues
from shanhai.errors import ShanhaiError

if TYPE_CHECKING:
    from shanhai.data.handed_over import FolderFindings
    from shanhai.data.handed_over.findings import Answers, OpenQuestion

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
    from shanhai.data.handed_over import look_at

    told = _answers(answers, option)
    found = look_at(folder, told)
    _tell(found)
    _tell_questions(found.questions, told, answers)
    if found.questions or found.refused:
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
    # Imported late: GDAL, pyarrow and pyproj take a second that other commands need not wait for.
    from shanhai.data.handed_over import REGION, look_at
    from shanhai.data.handed_over import prepare as prepare_folder

    told = _answers(answers, [*(option or []), *([f"region={region}"] if region else [])])
    asked = [] if told.get("region") else [REGION]
    found = look_at(folder, told)
    _tell(found)
    while typer.get_text_stream("stdin").isatty() and (asked or found.questions):
        told = told.with_settings(_ask(one) for one in [*asked, *found.questions])
        asked, found = [], look_at(folder, told)
        _tell(found)
    _tell_questions([*asked, *found.questions], told, answers)
    if asked or found.questions or found.refused:
        raise typer.Exit(2)
    for path in prepare_folder(folder, out, told):
        typer.echo(path)


def _answers(path: Path | None, settings: list[str] | None) -> "Answers":
    from shanhai.data.handed_over.findings import Answers, read_answers

    told = read_answers(path) if path is not None and path.exists() else {}
    return Answers(told).with_settings(settings or [])


def _ask(question: "OpenQuestion") -> str:
    typer.echo(f"{question.label.zh}\n{question.label.en}")
    if question.choices:
        typer.echo(f"  {', '.join(question.choices)}")
    return f"{question.name}={typer.prompt(question.name, default=question.suggestion)}"


def _tell(found: "FolderFindings") -> None:
    for one in found.datasets:
        typer.echo(f"{one.name}: {one.taken_for or '?'} ({one.kind}, {len(one.files)} files)")
        for reason in one.reasons:
            typer.echo(f"  {reason.zh}\n  {reason.en}")
        if one.refusal is not None:
            typer.echo(f"  ✗ {one.refusal.zh}\n  ✗ {one.refusal.en}")
    for path in found.aside:
        typer.echo(f"- {path.name}: 未使用 / nothing is made of it")


def _tell_questions(questions: "list[OpenQuestion]", told: "Answers", path: Path | None) -> None:
    """List what is missing, and write it into the file of answers where one is named."""
    from shanhai.data.handed_over.findings import write_answers

    for one in questions:
        typer.echo(f"? --set {one.name}={one.suggestion or '…'}", err=True)
        typer.echo(f"    {one.label.zh}\n    {one.label.en}", err=True)
        if one.choices:
            typer.echo(f"    {', '.join(one.choices)}", err=True)
    if path is not None and questions:
        write_answers(path, told.told, questions)
        typer.echo(f"请填写 {path} / fill in {path}", err=True)
