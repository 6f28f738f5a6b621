"""Run the MSPA of pyguidos by its own Python: GRIDS OUT CONNECTIVITY EDGE_WIDTH TRANSITION."""

import sys
import warnings
from pathlib import Path

import pyguidos


def main() -> None:
    """Write the pattern of every raster of a folder into another."""
    grids, out, connectivity, edge_width, transition = sys.argv[1:]
    warnings.simplefilter("ignore")
    for path in sorted(Path(grids).glob("*.tif")):
        pyguidos.mspa(
            path,
            connectivity=int(connectivity),
            edge_width=int(edge_width),
            transition=transition == "1",
            intext=False,
            outdir=out,
            statists=False,
            stat_files=False,
        )


if __name__ == "__main__":
    main()
