"""`python -m docs.reference FOLDER`: write the pages into the folder."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from docs.reference.api import reference
from docs.reference.processes import methods_page, processes_page
from docs.reference.tables import commands_page, settings_page, themes_page

PAGES: Mapping[str, Callable[[], str]] = {
    "api.md": reference,
    "cli.md": commands_page,
    "methods.md": methods_page,
    "processes.md": processes_page,
    "settings.md": settings_page,
    "themes.md": themes_page,
}
"""The file in `docs/` and the function that writes it."""


def main(folder: Path) -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
