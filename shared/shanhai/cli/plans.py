"""`shanhai plan export`, `shanhai plan import`."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.progress import Progress

from shanhai.client import ApiClient
from shanhai.settings import PublicSettings
from shanhai.storage.reproducible_zip import digest_of

app = typer.Typer(no_args_is_help=True)
Key = Annotated[str, typer.Option(envvar="SHANHAI_API_KEY", help="API key.")]
Api = Annotated[str | None, typer.Option(help="Base URL; default SHANHAI_API_URL.")]
TIMEOUT_S = 600


@app.command("export")
def export_plan(
    plan: Annotated[str, typer.Argument(help="Code of the plan.")],
    key: Key,
    to: Annotated[Path | None, typer.Option(dir_okay=False, help="File; default CODE.zip.")] = None,
    api: Api = None,
) -> None:
    """Save everything of a plan in one file."""
    target = to or Path(f"{plan}.zip")
    with ApiClient(api or PublicSettings().api_url, key, timeout_s=TIMEOUT_S) as client:
        client.download(f"/plans/{quote(plan, safe='')}/package", target)
    typer.echo(f"{target} ({target.stat().st_size} bytes, SHA-256 {digest_of(target)})")


@app.command("import")
def import_plan(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A package.")],
    key: Key,
    api: Api = None,
) -> None:
    """Rebuild a plan from its package."""
    with ApiClient(api or PublicSettings().api_url, key, timeout_s=TIMEOUT_S) as client:
        job = client.execute("import-plan", {"upload": client.upload(file)})
        with Progress(transient=True) as bar:
            task = bar.add_task(file.name, total=100)
            client.follow(job, on_progress=lambda done, _stage: bar.update(task, completed=done))
        summary: dict[str, Any] = client.get(f"{job}/results")["summary"]
    made, found = (sum(summary[name].values()) for name in ("made", "found"))
    typer.echo(f"{summary['plan']}: {made} rows made, {found} were there")
