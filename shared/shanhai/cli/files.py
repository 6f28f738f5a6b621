"""`shanhai import`, `shanhai export`, `shanhai plan`."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

import typer
from rich.progress import Progress

from shanhai.cli.import_folder import import_described, is_pack
from shanhai.client import ApiClient, Query, RemoteCollection, Sync
from shanhai.errors import InvalidInput
from shanhai.processes.kit.dataset_description import read_description
from shanhai.settings import PublicSettings
from shanhai.storage.reproducible_zip import digest_of
from shanhai.vector.formats import FILE_FORMATS
from shanhai.vocabulary import Visibility

REPORTS = {"report": ".report.json", "table": ".report.csv", "page": ".report.html"}
MOST_SHOWN = 20
GEOJSON = "geojson"
SHAPEFILE = ".shp"
OTHER_ENDINGS = {".geojson": GEOJSON, ".json": GEOJSON, SHAPEFILE: "shp"}
"""What people end files with that the API sends in another form."""
EPSG_URI = "http://www.opengis.net/def/crs/EPSG/0"


def import_feature_file(
    client: ApiClient, path: Path, stated: Mapping[str, Any], reports: Path | None
) -> str:
    """Upload one file, have its rows imported, save the reports, and return what was done.

    Raises:
        InvalidInput: nothing was written, because of rows that cannot be.
    """
    results = run_on_upload(client, "import-features", path, stated)
    if reports is not None:
        reports.mkdir(parents=True, exist_ok=True)
        for name, ending in REPORTS.items():
            client.download(results[name]["href"], reports / f"{path.name}{ending}")
    summary = results["summary"]
    if summary["verdict"] == "refused":
        raise InvalidInput(_refusal(client, results), pointer=path.name)
    counts = (f"{summary[name]} {name}" for name in ("created", "updated", "unchanged", "rejected"))
    return f"{summary['verdict']}: {', '.join(counts)}"


def run_on_upload(
    client: ApiClient, process: str, path: Path, inputs: Mapping[str, Any]
) -> dict[str, Any]:
    """Upload a file, run a process on it with a bar, and return its results."""
    job = client.submit(process, {"upload": client.upload(path), **inputs})
    with Progress(transient=True) as bar:
        task = bar.add_task(path.name, total=100)
        job.wait(lambda done, _stage: bar.update(task, completed=done))
    return job.results()


def _refusal(client: ApiClient, results: Mapping[str, Any]) -> str:
    """Why nothing was written: the first findings, a line each."""
    found = client.get(results["report"]["href"])["findings"]
    errors = [item for item in found if item["severity"] == "error"]
    told = [*errors, *results["summary"]["rejections"]]
    lines = [
        f"  row {item['row']} ({item['code']}) {item['member'] or ''}: {item['detail']}"
        for item in told[:MOST_SHOWN]
    ]
    more = [f"  … and {len(told) - MOST_SHOWN} more"] if len(told) > MOST_SHOWN else []
    return "\n".join([f"nothing was written; {len(told)} findings", *lines, *more])


def export(
    collection: Annotated[str, typer.Argument(help="Collection, such as `zones`.")],
    to: Annotated[Path, typer.Option(dir_okay=False, help="File to write.")],
    format: Annotated[
        Literal["csv", "geojson", "geojsonseq", "fgb", "gpkg", "parquet", "shp", "kml"] | None,
        typer.Option(help="Format; default: by the file's name."),
    ] = None,
    region: Annotated[str | None, typer.Option(help="Region code.")] = None,
    filter: Annotated[str | None, typer.Option(help="CQL2 text.")] = None,
    crs: Annotated[
        str | None, typer.Option(help="CRS as EPSG:4548 or as its URI; default CRS84.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="UTF-8 or GBK, for shapefiles.")] = None,
    key: Annotated[str | None, typer.Option(envvar="SHANHAI_API_KEY", help="API key.")] = None,
    api: Annotated[str | None, typer.Option(help="Base URL; default SHANHAI_API_URL.")] = None,
) -> None:
    """Write a collection, or what a filter leaves of it, into a file."""
    chosen = format or _format_of(to)
    asked: dict[str, Query] = {
        "f": "geojsonseq" if chosen == GEOJSON else chosen,
        "region": region,
        "filter": filter,
        "crs": None if crs is None else _uri_of(crs),
        "encoding": encoding,
    }
    with ApiClient(api or PublicSettings().api_url, key, timeout=600) as client:
        written = _write(client.collection(collection), asked, chosen, to)
    for path in written:
        typer.echo(f"{path} ({path.stat().st_size} bytes)")


def _write(
    collection: RemoteCollection[Sync], asked: Mapping[str, Query], chosen: str, to: Path
) -> list[Path]:
    """Save what was asked for, as the file's ending has it; the files made."""
    if chosen != GEOJSON and to.suffix.lower() != SHAPEFILE:
        collection.download(to, **asked)
        return [to]
    with TemporaryDirectory(dir=to.parent, prefix=f".{to.name}.") as folder:
        sent = Path(folder) / "sent"
        collection.download(sent, **asked)
        return unpack_shapefile(sent, to) if chosen == "shp" else [join_sequence(sent, to)]


def join_sequence(sent: Path, to: Path) -> Path:
    """Write a sequence of GeoJSON features as one collection."""
    draft = sent.with_suffix(".joined")
    with sent.open("rb") as lines, draft.open("wb") as file:
        file.write(b'{"type":"FeatureCollection","features":[')
        between = b"\n"
        for line in lines:
            feature = line.strip(b"\x1e\r\n ")
            if feature:
                file.write(between + feature)
                between = b",\n"
        file.write(b"\n]}\n")
    return draft.replace(to)


def unpack_shapefile(sent: Path, to: Path) -> list[Path]:
    """Unpack a zip of the API beside `to`, its parts under the name of `to`; the files made.

    A collection of several kinds of geometry makes a shapefile of each, told apart by an ending.
    """
    made = []
    with zipfile.ZipFile(sent) as archive:
        names = sorted(archive.namelist())
        several = [Path(name).stem for name in names if name.endswith(SHAPEFILE)][1:]
        for name in names:
            member = Path(name)
            is_part = several and member.stem != "fields"
            own = f"{to.stem}_{member.stem.rpartition('_')[2]}" if is_part else to.stem
            target = to.with_name(f"{own}{member.suffix}")
            target.write_bytes(archive.read(name))
            made.append(target)
    return made


def _uri_of(crs: str) -> str:
    """`EPSG:4548` as the URI the API knows it by; all else as it is."""
    authority, separator, number = crs.partition(":")
    if authority.upper() == "EPSG" and separator and number.isdecimal():
        return f"{EPSG_URI}/{number}"
    return crs


def _format_of(path: Path) -> str:
    """The format whose files end like this one.

    Raises:
        InvalidInput: none does.
    """
    endings = {item.suffix: str(item.name) for item in FILE_FORMATS.values()} | OTHER_ENDINGS
    if path.suffix.lower() in endings:
        return endings[path.suffix.lower()]
    raise InvalidInput(
        f"say the format of {path.name}; endings known: {', '.join(endings)}",
        message_zh=f"请用 --format 说明 {path.name} 的格式；可识别的扩展名：{'、'.join(endings)}",
        pointer="--to",
    )


def import_files(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            exists=True,
            help="Described folders, packs (*.zip), GeoTIFFs, or files of features.",
        ),
    ],
    key: Annotated[str, typer.Option(envvar="SHANHAI_API_KEY", help="API key, scope `jobs`.")],
    region: Annotated[str | None, typer.Option(help="Region code.")] = None,
    theme: Annotated[str | None, typer.Option(help="What the raster is about.")] = None,
    collection: Annotated[
        str | None, typer.Option(help="Collection the features belong to.")
    ] = None,
    mapping: Annotated[
        list[str] | None, typer.Option(help="Features: field=property; repeat.")
    ] = None,
    reports: Annotated[
        Path | None, typer.Option(file_okay=False, help="Features: folder for the reports.")
    ] = None,
    visibility: Annotated[
        Visibility | None, typer.Option(help="Who may read it; default: its region.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option("--set", help="Another input as name=value; repeat.")
    ] = None,
    api: Annotated[str | None, typer.Option(help="Base URL; default SHANHAI_API_URL.")] = None,
) -> None:
    """Import through the API: folders and packs of described layers, rasters, or features.

    A folder that `shanhai data fetch` or `shanhai data demo` left, or a pack of it, gives its
    regions and every raster; run again, it goes on with what is missing. Beside a raster a
    description `<name>.json` is honoured. Features need --collection.
    """
    own = {"region": region, "theme": theme, "visibility": visibility}
    given = {**own, **nested(parse_settings(option or []), {})}
    stated = {name: value for name, value in given.items() if value is not None}
    whole = True
    with ApiClient(api or PublicSettings().api_url, key) as client:
        for path in paths:
            if path.is_dir() or (collection is None and is_pack(path)):
                demand_none(
                    collection=collection,
                    region=region,
                    theme=theme,
                    mapping=mapping,
                    reports=reports,
                )
                whole &= import_described(client, path, stated)
                continue
            if collection is not None:
                of = {"collection": collection, "mapping": parse_settings(mapping or [])}
                done = import_feature_file(client, path, {**of, **stated}, reports)
                typer.echo(f"{path.name}: {done}")
                continue
            typer.echo(f"{path.name}: {import_file(client, path, stated)}")
    if not whole:
        raise typer.Exit(1)


def demand_none(**options: object) -> None:
    """Refuse options that are for single files.

    Raises:
        InvalidInput: one is given.
    """
    for name, value in options.items():
        if value is not None:
            raise InvalidInput(
                f"--{name} is for single files; a folder or pack says itself what it holds",
                message_zh=f"--{name} 仅用于单个文件；文件夹和数据包自带说明",
                pointer=f"--{name}",
            )


def import_file(client: ApiClient, path: Path, stated: Mapping[str, Any]) -> str:
    """Upload one raster and have it imported; its dataset's code, or what a check tells of it."""
    sidecar = path.with_suffix(".json")
    described = read_description(sidecar).import_inputs() if sidecar.exists() else {}
    inputs = {**described, **stated}
    for name in ("region", "theme"):
        if name not in inputs:
            raise InvalidInput(f"say the {name} of {path.name} with --{name}", pointer=f"--{name}")
    done = run_on_upload(client, "import-dataset", path, inputs)
    return str(done["dataset"]) if "dataset" in done else json.dumps(done["summary"])


def parse_settings(texts: list[str]) -> dict[str, Any]:
    """`name=value` texts; values that read as JSON numbers, booleans or null are those."""
    found: dict[str, Any] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise InvalidInput(f"{text!r} does not read name=value", pointer=text)
        found[name] = _value(value)
    return found


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, str | list | dict) else value


def nested(stated: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """`a.b=1` as the member `b` of `a`, over what `base` has there."""
    found: dict[str, Any] = json.loads(json.dumps(base, default=str))
    for name, value in stated.items():
        *path, last = name.split(".")
        place = found
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return found


plans_app = typer.Typer(no_args_is_help=True)
Key = Annotated[str, typer.Option(envvar="SHANHAI_API_KEY", help="API key.")]
Api = Annotated[str | None, typer.Option(help="Base URL; default SHANHAI_API_URL.")]
TIMEOUT_S = 600


@plans_app.command("export")
def export_plan(
    plan: Annotated[str, typer.Argument(help="Code of the plan.")],
    key: Key,
    to: Annotated[Path | None, typer.Option(dir_okay=False, help="File; default CODE.zip.")] = None,
    api: Api = None,
) -> None:
    """Save everything of a plan in one file."""
    target = to or Path(f"{plan}.zip")
    with ApiClient(api or PublicSettings().api_url, key, timeout=TIMEOUT_S) as client:
        client.download("/plans/{plan}/package", target, plan=plan)
    typer.echo(f"{target} ({target.stat().st_size} bytes, SHA-256 {digest_of(target)})")


@plans_app.command("import")
def import_plan(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A package.")],
    key: Key,
    api: Api = None,
) -> None:
    """Rebuild a plan from its package."""
    with ApiClient(api or PublicSettings().api_url, key, timeout=TIMEOUT_S) as client:
        summary: dict[str, Any] = run_on_upload(client, "import-plan", file, {})["summary"]
    made, found = (sum(summary[name].values()) for name in ("made", "found"))
    typer.echo(f"{summary['plan']}: {made} rows made, {found} were there")
