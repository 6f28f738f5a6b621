"""`shanhai reproduce`: a run once more from its manifest, and whether it made the same bytes."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from shanhai.cli.run import progress_bar
from shanhai.settings import DaskSettings

if TYPE_CHECKING:
    from shanhai.processes.reproduction import Compared

_WIDTH = 16
"""Digits of a checksum that are shown where both are alike."""


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
        compared = compute_again(
            run,
            files=files or manifest.parent,
            workspace=folder,
            progress=hears,
            processes=processes,
            cluster=Cluster.named_in(DaskSettings()),
        )
    tell(compared)
    if not all(one.same for one in compared):
        raise typer.Exit(1)


def tell(compared: "list[Compared]") -> None:
    """Print the comparison as a table and one line of judgement."""
    table = Table("output 结果", "expected sha256 原校验和", "got 本次", "same 一致")
    for one in compared:
        width = _WIDTH if one.same else None
        got = "–" if one.got is None else one.got[:width]
        table.add_row(one.name, one.expected[:width], got, "yes 是" if one.same else "NO 否")
    Console(width=None if typer.get_text_stream("stdout").isatty() else 180).print(table)
    same = sum(one.same for one in compared)
    typer.echo(f"{same} of {len(compared)} results are the same bytes · {same} 项结果逐字节一致")
