"""Put the notebooks together from their cells, and run the one that needs no service.

`.venv/bin/python docs/notebooks/make.py` writes `assessment.ipynb`, with its outputs, and
`client.ipynb`, without: they are those of the platform it is run on.
"""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
CELL, TEXT = "# %%", "# %% [markdown]"


def cells_of(script: str) -> list[nbformat.NotebookNode]:
    """The cells of a script in percent format; what stands before the first is left out."""
    parts = script.split(f"\n{CELL}")[1:]
    return [_cell(number, part) for number, part in enumerate(parts)]


def _cell(number: int, part: str) -> nbformat.NotebookNode:
    head, _, body = part.partition("\n")
    if head.strip() == "[markdown]":
        lines = (line.removeprefix("#").removeprefix(" ") for line in body.strip().splitlines())
        cell = nbformat.v4.new_markdown_cell("\n".join(lines))
    else:
        cell = nbformat.v4.new_code_cell(body.strip())
    # Names by number and not by chance: a notebook made again differs in nothing else.
    cell["id"] = f"cell-{number:02d}"
    return cell


def put_together(script: str) -> nbformat.NotebookNode:
    """The notebook without outputs."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells_of(script), metadata={"kernelspec": kernel})


def executed(script: str, folder: Path) -> nbformat.NotebookNode:
    """The notebook with its outputs, run in `folder`."""
    notebook = put_together(script)
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    notebook.metadata.pop("language_info", None)
    return notebook


def main() -> None:
    """Write the notebooks beside this script."""
    assessment, client = (
        (HERE / name).read_text(encoding="utf-8") for name in ("assessment.py", "client.py")
    )
    nbformat.write(executed(assessment, HERE), HERE / "assessment.ipynb")
    nbformat.write(put_together(client), HERE / "client.ipynb")


if __name__ == "__main__":
    main()
