"""Which page is made by what."""

from collections.abc import Callable, Mapping

from shanhai.cli.reference.commands import commands_page
from shanhai.cli.reference.methods import methods_page
from shanhai.cli.reference.processes import processes_page
from shanhai.cli.reference.settings import settings_page
from shanhai.cli.reference.themes import themes_page

PAGES: Mapping[str, Callable[[], str]] = {
    "cli.md": commands_page,
    "methods.md": methods_page,
    "processes.md": processes_page,
    "settings.md": settings_page,
    "themes.md": themes_page,
}
"""The file in `docs/` and the function that writes it."""
