"""Edits of a scenario in GeoJSON files, as a run without a server is given them."""

from pathlib import Path
from typing import Any

from shanhai.processes.kit.feature_files import read_features


def read_edits(path: Path) -> list[dict[str, Any]]:
    """The edits of a file as inputs have them; of every feature the properties say what happens.

    Properties without a value, as drawing programs write them, are left out.

    Raises:
        InvalidInput: it is no GeoJSON.
    """
    return [
        {
            **{name: value for name, value in one["properties"].items() if value is not None},
            "geometry": one.get("geometry"),
        }
        for one in read_features(path, "/inputs/edits")
    ]
