"""`shanhai import FILE --collection`, `shanhai export`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import typer
from rich.progress import Progress

from shanhai.client import ApiClient
from shanhai.errors import InvalidInput
from shanhai.settings import PublicSettings
from shanhai.vector.formats import FILE_FORMATS

REPORTS = {"report": ".report.json", "table": ".report.csv", "page": ".report.html"}
MOST_SHOWN = 20


def import_feature_file(
    client: ApiClient, path: Path, stated: Mapping[str, Any], reports: Path | None
) -> str:
    """Upload one file, have its rows imported, save the reports, and return what was done.

    Raises:
        InvalidInput: nothing was written, because of rows that cannot be.
    """
    job = client.execute("import-features", {"upload": client.upload(path), **stated})
    with Progress(transient=True) as bar:
        task = bar.add_task(path.name, total=100)
        client.follow(job, on_progress=lambda done, _stage: bar.update(task, completed=done))
    results = client.get(f"{job}/results")
    if reports is not None:
        reports.mkdir(parents=True, exist_ok=True)
        for name, ending in REPORTS.items():
            client.download(results[name]["href"], reports / f"{path.name}{ending}")
    summary = results["summary"]
    if summary["verdict"] == "refused":
        raise InvalidInput(_refusal(client, results), pointer=path.name)
    counts = (f"{summary[name]} {name}" for name in ("created", "updated", "unchanged", "rejected"))
    return f"{summary['verdict']}: {', '.join(counts)}"


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
        Literal["csv", "geojsonseq", "fgb", "gpkg", "parquet", "shp", "kml"] | None,
        typer.Option(help="Format; default: by the file's name."),
    ] = None,
    region: Annotated[str | None, typer.Option(help="Region code.")] = None,
    filter: Annotated[str | None, typer.Option(help="CQL2 text.")] = None,
    crs: Annotated[str | None, typer.Option(help="URI of the CRS; default CRS84.")] = None,
    encoding: Annotated[str | None, typer.Option(help="UTF-8 or GBK, for shapefiles.")] = None,
    key: Annotated[str | None, typer.Option(envvar="SHANHAI_API_KEY", help="API key.")] = None,
    api: Annotated[str | None, typer.Option(help="Base URL; default SHANHAI_API_URL.")] = None,
) -> None:
    """Write a collection, or what a filter leaves of it, into a file."""
    asked = {
        "f": format or _format_of(to),
        "region": region,
        "filter": filter,
        "crs": crs,
        "encoding": encoding,
    }
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    with ApiClient(api or PublicSettings().api_url, key, timeout_s=600) as client:
        client.download(f"/collections/{collection}/items?{query}", to)
    typer.echo(f"{to} ({to.stat().st_size} bytes)")


def _format_of(path: Path) -> str:
    """The format whose files end like this one."""
    for item in FILE_FORMATS.values():
        if path.suffix.lower() == item.suffix:
            return item.name
    endings = ", ".join(item.suffix for item in FILE_FORMATS.values())
    raise InvalidInput(f"say the format of {path.name}; endings known: {endings}", pointer="--to")
