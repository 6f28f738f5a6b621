"""`shanhai reproduce`: a run once more from its manifest, and whether it made the same bytes."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from shanhai.cli.run import progress_bar
from shanhai.client import ApiClient
from shanhai.processes.kit.process import Progress as Hears
from shanhai.settings import DaskSettings

if TYPE_CHECKING:
    from shanhai.processes.reproduction import Fetch, Input, ReproducedResult

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
        got = "–" if one.got is None else one.got[:width]
        table.add_row(one.name, one.expected[:width], got, "yes 是" if one.same else "NO 否")
    Console(width=None if typer.get_text_stream("stdout").isatty() else 180).print(table)
    same = sum(one.same for one in compared)
    typer.echo(f"{same} of {len(compared)} results are the same bytes · {same} 项结果逐字节一致")
