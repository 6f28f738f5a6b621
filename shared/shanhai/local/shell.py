"""What a shell needs so that `shanhai` works on a private stack."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from shanhai.local.files import write_whole

NAME = "env"


def write_environment(home: Path, settings: Mapping[str, str]) -> Path:
    """Keep settings as exports a shell can read, for the owner alone; it holds secrets."""
    path = home / NAME
    lines = (f"export {name}={shlex.quote(value)}\n" for name, value in sorted(settings.items()))
    write_whole(path, "".join(lines), mode=0o600)
    return path
