"""`shanhai import`, `shanhai plan`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from shanhai.cli.features import import_feature_file, run_on_upload
from shanhai.client import ApiClient
from shanhai.errors import InvalidInput
from shanhai.processes.kit.dataset_description import read_description
from shanhai.settings import PublicSettings
from shanhai.storage.reproducible_zip import digest_of


def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(exists=True, dir_okay=False, help="GeoTIFFs, or files of features."),
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
    public: Annotated[
        bool, typer.Option("--public", help="For everybody: what is imported is not by itself.")
    ] = False,
    option: Annotated[
        list[str] | None, typer.Option("--set", help="Another input as name=value; repeat.")
    ] = None,
    api: Annotated[str | None, typer.Option(help="Base URL; default SHANHAI_API_URL.")] = None,
) -> None:
    """Import files through the API: rasters, or with --collection features.

    Beside a raster a description `<name>.json` is honoured.
    """
    wish = {"public": True} if public else {}
    given = {"region": region, "theme": theme, **wish, **nested(parse_settings(option or []), {})}
    stated = {name: value for name, value in given.items() if value is not None}
    with ApiClient(api or PublicSettings().api_url, key) as client:
        for path in files:
            if collection is not None:
                own = {"collection": collection, "mapping": parse_settings(mapping or [])}
                done = import_feature_file(client, path, {**own, **stated}, reports)
                typer.echo(f"{path.name}: {done}")
                continue
            typer.echo(f"{path.name}: {import_file(client, path, stated)}")


def import_file(client: ApiClient, path: Path, stated: Mapping[str, Any]) -> str:
    """Upload one raster, have it imported, and return its dataset's code."""
    sidecar = path.with_suffix(".json")
    described = read_description(sidecar).import_inputs() if sidecar.exists() else {}
    inputs = {**described, **stated}
    for name in ("region", "theme"):
        if name not in inputs:
            raise InvalidInput(f"say the {name} of {path.name} with --{name}", pointer=f"--{name}")
    return str(run_on_upload(client, "import-dataset", path, inputs)["dataset"])


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
