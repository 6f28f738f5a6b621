"""`python -m shanhai.cli.reference FOLDER`: write the pages into the folder."""

import sys
from pathlib import Path

from shanhai.cli.reference.pages import PAGES


def main(folder: Path) -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
