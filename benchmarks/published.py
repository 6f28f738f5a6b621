"""The figures of the documentation: those of the last run, and those of the edition before it."""

import os
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from shanhai.local.places import CHECKOUT, write_whole

DATA = CHECKOUT / "docs" / "benchmarks.json"
_KEPT = ("ours_seconds", "floor_seconds")
"""Members of a row that stay in the record of the run: single rounds."""


def read() -> dict[str, Any]:
    """The figures by benchmark (`benchmarks`), those before them (`former`) and the `growth`."""
    found: dict[str, Any] = orjson.loads(DATA.read_bytes())
    return found


def with_origin(name: str, document: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The document of a table with the command, the moment, the commit and the machine."""
    origin = {
        "name": name,
        "command": f"python -m benchmarks {name}",
        "at": f"{now:%Y-%m-%d %H:%M} UTC",
        "commit": _commit(),
        "cores": os.cpu_count(),
    }
    return document | origin


def _commit(checkout: Path = CHECKOUT) -> str:
    """The commit of a checkout, with a plus where files differ from it; empty without git.

    The figures themselves differ once a benchmark has written its own.
    """
    git = ["git", "-C", str(checkout)]
    others = ["diff", "--name-only", "HEAD", "--", ".", ":!docs/benchmarks.*"]
    try:
        commit, changed = (
            subprocess.run([*git, *words], check=True, capture_output=True, text=True).stdout
            for words in (["rev-parse", "--short=8", "HEAD"], others)
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return commit.strip() + ("+" if changed else "")


def replace(document: dict[str, Any]) -> None:
    """Put the figures of one benchmark in the place of its own; all others stay."""
    data = read()
    data["benchmarks"][document["name"]] = document | {
        member: [_without_rounds(row) for row in document[member]]
        for member in ("rows", "findings")
        if member in document
    }
    write(data)


def _without_rounds(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _KEPT}


def write(data: dict[str, Any]) -> None:
    """Write everything, a row a line, so that a change of one shows as one."""
    write_whole(DATA, _text(_rounded(data)) + "\n")


def _text(value: Any, indent: str = "") -> str:
    """JSON whose innermost objects and lists take a line each."""
    if not isinstance(value, dict | list) or not _is_deep(value):
        return orjson.dumps(value).decode()
    inner = indent + " "
    if isinstance(value, list):
        parts, ends = [_text(one, inner) for one in value], "[]"
    else:
        ends = "{}"
        parts = [f"{orjson.dumps(key).decode()}: {_text(one, inner)}" for key, one in value.items()]
    return f"{ends[0]}\n" + ",\n".join(inner + part for part in parts) + f"\n{indent}{ends[1]}"


def _is_deep(value: dict[str, Any] | list[Any]) -> bool:
    """Whether it is no row: what it holds holds rows or is one."""
    if isinstance(value, dict):
        return "what" not in value
    return any(isinstance(one, dict | list) for one in value)


def _rounded(value: Any) -> Any:
    """Figures with five digits: more are of one run alone."""
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value
