"""`shanhai export`, `shanhai plan`."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

import typer

from shanhai.cli.imports import run_on_upload
from shanhai.client import ApiClient, Query, RemoteCollection, Sync, file_sha256
from shanhai.errors import InvalidInput
from shanhai.settings import PublicSettings
from shanhai.vector.formats import FILE_FORMATS

GEOJSON = "geojson"
SHAPEFILE = ".shp"
OTHER_ENDINGS = {".geojson": GEOJSON, ".json": GEOJSON, SHAPEFILE: "shp"}
"""What people end files with that the API sends in another form."""
EPSG_URI = "http://www.opengis.net/def/crs/EPSG/0"


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
    """Save what was asked for, a shapefile in its parts where `to` ends so; the files made."""
    if chosen != GEOJSON and (chosen, to.suffix.lower()) != ("shp", SHAPEFILE):
        collection.download(to, **asked)
        return [to]
    try:
        with TemporaryDirectory(dir=to.parent, prefix=f".{to.name}.") as folder:
            sent = Path(folder) / "sent"
            collection.download(sent, **asked)
            return [join_sequence(sent, to)] if chosen == GEOJSON else unpack_shapefile(sent, to)
    except OSError as error:
        error.filename = str(to)  # not what it is made of, and a full disk names none
        raise


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
    drafts = {}
    with zipfile.ZipFile(sent) as archive:
        names = sorted(archive.namelist())
        several = [Path(name).stem for name in names if name.endswith(SHAPEFILE)][1:]
        for name in names:
            member = Path(name)
            is_part = several and member.stem != "fields"
            own = f"{to.stem}_{member.stem.rpartition('_')[2]}" if is_part else to.stem
            ending = ".fields.txt" if member.name == "fields.txt" else member.suffix
            draft = drafts[to.with_name(f"{own}{ending}")] = sent.with_name(f"sent.{member.name}")
            draft.write_bytes(archive.read(name))
    # What is there is replaced once all is unpacked, and shapes after what belongs to them.
    made = sorted(drafts, key=lambda target: target.suffix == SHAPEFILE)
    return [drafts[target].replace(target) for target in made]


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
    typer.echo(f"{target} ({target.stat().st_size} bytes, SHA-256 {file_sha256(target)})")


@plans_app.command("import")
def import_plan(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A package.")],
    key: Key,
    api: Api = None,
) -> None:
    """Rebuild a plan from its package."""
    with ApiClient(api or PublicSettings().api_url, key, timeout=TIMEOUT_S) as client:
        summary = run_on_upload(client, "import-plan", file, {}).results()["summary"]
    made, found = (sum(summary[name].values()) for name in ("made", "found"))
    typer.echo(f"{summary['plan']}: {made} rows made, {found} were there")
