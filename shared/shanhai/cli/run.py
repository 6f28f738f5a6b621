"""`shanhai run`: a process on local files, without any server; `shanhai reproduce`: again."""

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
import yaml
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from shanhai.cli.kit import existing_file, nested, parse_settings
from shanhai.client import ApiClient
from shanhai.errors import InvalidInput
from shanhai.jobs.messages import STAGES
from shanhai.processes.kit.task import Progress as Hears
from shanhai.settings import DaskSettings

if TYPE_CHECKING:
    from shanhai.processes.reproduction import Fetch, Input, ReproducedResult


YAML = {".yaml", ".yml"}


class _Loader(yaml.SafeLoader):
    """YAML whose numbers may be `2e5` and `2.0e5`, as in version 1.2."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE]\d+$"), [*"-+.0123456789"]
)


def run(
    process: Annotated[
        str,
        typer.Argument(
            help="A process that needs nothing but files; the name of none is answered by a list."
        ),
    ],
    region: Annotated[Path, existing_file("GeoJSON of the region.")],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for the results.")],
    raster: Annotated[
        list[str] | None,
        typer.Option("--input", "--raster", help="A raster as theme=file.tif; repeat."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", help="How a raster is read, as theme.name=value; repeat."),
    ] = None,
    inputs: Annotated[Path | None, existing_file("Inputs as over HTTP: JSON or YAML.")] = None,
    stated: Annotated[
        list[str] | None,
        typer.Option("--set", help="One input as name=value, parameters.k=4; repeat."),
    ] = None,
    areas: Annotated[Path | None, existing_file("GeoJSON of control areas by `kind`.")] = None,
    units: Annotated[Path | None, existing_file("GeoJSON of polygons as zoning units.")] = None,
    edits: Annotated[Path | None, existing_file("GeoJSON of the edits of a scenario.")] = None,
    network: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Results of build-network to select from."),
    ] = None,
    problems: Annotated[Path | None, existing_file("GeoJSON of problems to select from.")] = None,
    sites: Annotated[Path | None, existing_file("GeoJSON of sites to select from.")] = None,
    assessed: Annotated[
        Path | None, existing_file("Manifest of the assessment a scenario is held against.")
    ] = None,
    reference: Annotated[
        Path | None,
        existing_file(
            "Manifest of the run whose limits and caps are taken over, and with"
            " normalisation.zones=true its zones."
        ),
    ] = None,
    feature: Annotated[
        str | None, typer.Option(help="Code or name of the feature that is the region.")
    ] = None,
    dissolve: Annotated[
        bool, typer.Option("--dissolve", help="The features together are the region.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="Name of the region.")] = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", help="Where a raster comes from, as theme=text; repeat."),
    ] = None,
    licence: Annotated[
        list[str] | None,
        typer.Option("--licence", help="Licence and credit of a raster, as theme=text; repeat."),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=256, help="Processes to share.")] = 1,
) -> None:
    """Run a process on local files; no server needed.

    The region is the feature of its file whose `parent` is not there; districts are those below it.
    Of several such features name one with --feature, or take them together with --dissolve.

    Windows are computed on the Dask cluster that SHANHAI_DASK_SCHEDULER names, if it is set.
    """
    # Here, because they load the raster libraries, which the other commands do without.
    from shanhai.processes.kit.output_files import read_drawn
    from shanhai.processes.kit.reference import read_reference
    from shanhai.processes.kit.region_files import RegionChoice, read_areas, read_units
    from shanhai.processes.local_run import run_on_files
    from shanhai.processes.run_scenario.files import read_former
    from shanhai.processes.select_sites.files import gather_places
    from shanhai.raster.windows import Cluster

    if feature is not None and dissolve:
        raise InvalidInput(
            "--feature and --dissolve exclude each other",
            message_zh="--feature 与 --dissolve 不能同时使用",
            pointer="--dissolve",
        )
    rasters = read_rasters(raster or [])
    settings = parse_settings(stated or [], structured=True)
    asked = nested(settings, read_inputs(inputs) if inputs else {})
    if edits is not None:
        asked["edits"] = read_drawn(edits, "/inputs/edits")
    if sites is not None:
        asked["sites"] = read_drawn(sites, "/inputs/sites")
    with progress_bar(process) as hears:
        outcome = run_on_files(
            process,
            region=region,
            rasters=rasters,
            inputs=asked,
            workspace=out,
            progress=hears,
            processes=processes,
            cluster=Cluster.named_in(DaskSettings()),
            options=read_options(
                option or [], rasters, {"source": source or [], "licence": licence or []}
            ),
            areas=read_areas(areas) if areas else (),
            units=read_units(units) if units else (),
            assessed=read_former(assessed) if assessed else None,
            selection=gather_places(network, problems),
            reference=read_reference(reference) if reference else None,
            choice=RegionChoice(feature, dissolve, name),
        )
    for file in outcome.files:
        typer.echo(out / file.path)
    if outcome.manifest:
        typer.echo(out / "manifest.json")
    for warning in outcome.warnings:
        typer.echo(f"warning: {warning['detail']}\n警告：{warning['detail_zh']}", err=True)


def read_rasters(texts: list[str]) -> dict[str, Path]:
    """Files by theme from `theme=file` texts.

    Raises:
        InvalidInput: a text reads otherwise, or names a file that is not there.
    """
    found = {theme: Path(str(file)) for theme, file in parse_settings(texts).items()}
    for theme, path in found.items():
        if not path.is_file():
            raise InvalidInput(
                f"{theme}: there is no file {path}",
                message_zh=f"{theme}：文件 {path} 不存在",
                pointer=f"/inputs/datasets/{theme}",
            )
    return found


def read_options(
    texts: list[str], rasters: Mapping[str, Path], words: Mapping[str, list[str]]
) -> dict[str, Any]:
    """How each raster is read, by theme, and what is said of it.

    Args:
        texts: `theme.name=value`.
        rasters: The files by theme.
        words: Texts `theme=text` by what they say.

    Raises:
        InvalidInput: a text reads otherwise, or names a theme that no raster is given for.
    """
    said = parse_settings(texts)
    for name, stated in words.items():
        for text in stated:
            theme, separator, value = text.partition("=")
            if not separator or not value:
                raise InvalidInput(
                    f"{text!r} does not read theme=text",
                    message_zh=f"{text!r} 不是“专题=文字”的形式",
                    pointer=f"--{name}",
                )
            said[f"{theme}.{name}"] = value
    options = nested(said, {})
    for theme, given in options.items():
        if not isinstance(given, dict):
            raise InvalidInput(
                f"{theme}={given} does not read theme.name=value",
                message_zh=f"{theme}={given} 不是“专题.名称=值”的形式",
                pointer="--option",
            )
        if theme not in rasters:
            raise InvalidInput(
                f"{theme} is given no raster; rasters are given for: {', '.join(rasters)}",
                message_zh=f"{theme} 没有对应的栅格；已给出栅格的专题：{'、'.join(rasters)}",
                pointer=f"/inputs/datasets/{theme}",
            )
    return options


def read_inputs(path: Path) -> dict[str, Any]:
    """Inputs in a JSON or YAML file; either bare or as the member `inputs` of a request.

    Raises:
        InvalidInput: it is neither, or holds no object.
    """
    content = path.read_bytes()
    try:
        found = _Loader(content).get_single_data() if path.suffix in YAML else orjson.loads(content)
    except (ValueError, yaml.YAMLError) as error:
        raise InvalidInput(
            f"{path.name} cannot be read: {error}",
            message_zh=f"无法读取 {path.name}：{error}",
            pointer="/inputs",
        ) from error
    if not isinstance(found, dict):
        raise InvalidInput(
            f"{path.name} holds no object of inputs",
            message_zh=f"{path.name} 的内容不是对象",
            pointer="/inputs",
        )
    inner = found.get("inputs")
    return inner if isinstance(inner, dict) and len(found) == 1 else found


@contextmanager
def progress_bar(title: str) -> Iterator[Hears]:
    """A bar on the terminal that hears of progress and shows the stage in both languages."""
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=100)

        def hears(percent: float, stage: str) -> None:
            label = STAGES.get(stage)
            shown = stage if label is None else f"{label.zh} {label.en}"
            bar.update(task, completed=percent, description=shown)

        yield hears


_WIDTH = 16
"""Digits of a checksum that are shown where both are alike."""

_PATIENCE_S = 600.0


def reproduce(
    manifest: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="manifest.json of a run.")
    ],
    files: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Folder of the inputs, told by their checksums; default: beside the manifest.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="URL", help="API to fetch inputs from that the folder does not hold."
        ),
    ] = None,
    key: Annotated[str | None, typer.Option(envvar="SHANHAI_API_KEY", help="API key.")] = None,
    out: Annotated[
        Path | None, typer.Option(file_okay=False, help="Keep the results in this folder.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=256, help="Processes to share.")] = 1,
) -> None:
    """Compute a run again and compare every result; fails unless all are the same bytes."""
    # Here, because they load the raster libraries, which the other commands do without.
    from shanhai.processes.reproduction import differences, read_manifest
    from shanhai.processes.reproduction import reproduce as compute_again
    from shanhai.raster.windows import Cluster

    run = read_manifest(manifest)
    for flag in differences(run):
        typer.echo(f"warning: {flag.text.en}\n警告：{flag.text.zh}", err=True)
    with ExitStack() as kept:
        folder = out or Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="shanhai-")))
        hears = kept.enter_context(progress_bar(run.process))
        fetch = None if source is None else kept.enter_context(fetching(source, key, hears))
        compared = compute_again(
            run,
            files=files or manifest.parent,
            workspace=folder,
            progress=hears,
            fetch=fetch,
            processes=processes,
            cluster=Cluster.named_in(DaskSettings()),
        )
    tell(compared)
    if not all(one.same for one in compared):
        raise typer.Exit(1)


@contextmanager
def fetching(source: str, key: str | None, hears: Hears) -> "Iterator[Fetch]":
    """What fetches the file of a dataset from an API, as it was with its checksum."""
    with ApiClient(source, key, timeout=_PATIENCE_S) as client:

        def fetch(one: "Input", target: Path) -> None:
            hears(0, one.id)
            path = "/collections/datasets/items/{code}/file"
            client.download(path, target, code=one.id, sha256=one.sha256)

        yield fetch


def tell(compared: "list[ReproducedResult]") -> None:
    """Print the comparison as a table and one line of judgement."""
    table = Table("output 结果", "expected sha256 原校验和", "got 本次", "same 一致")
    for one in compared:
        width = _WIDTH if one.same else None
        sums = ("–" if value is None else value[:width] for value in (one.expected, one.got))
        table.add_row(one.name, *sums, "yes 是" if one.same else "NO 否")
    Console(width=None if typer.get_text_stream("stdout").isatty() else 180).print(table)
    same = sum(one.same for one in compared)
    typer.echo(f"{same} of {len(compared)} results are the same bytes · {same} 项结果逐字节一致")
