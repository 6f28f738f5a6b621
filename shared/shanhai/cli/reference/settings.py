"""The page of the settings."""

from itertools import groupby

from shanhai.cli.reference.markdown import code, table
from shanhai.cli.settings_listing import Setting, all_settings

HEADING = """\
# Settings

Made from the code by `make docs`; do not edit. Every setting is an environment variable; a value
that breaks its rule keeps a process from starting, with the variable named. `shanhai settings`
prints this list, `shanhai settings --env` a file to start from (`deploy/env.example`).
"""


def settings_page() -> str:
    """Every variable with type, default and meaning, by concern."""
    parts = [HEADING]
    for concern, settings in groupby(all_settings(), key=lambda setting: setting.concern):
        parts.append(f"## {concern.rstrip('.')}\n")
        parts.append(table(("variable", "type", "default", "meaning"), map(_row, settings)))
    return "\n".join(parts)


def _row(setting: Setting) -> tuple[str, ...]:
    default = "required" if setting.default is None else code(setting.default)
    return (code(setting.name), setting.kind, default, setting.meaning)
