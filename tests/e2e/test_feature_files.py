"""Files of features in and out by the command line, through API and worker."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from shanhai.cli.app import app
from shanhai.errors import InvalidInput
from shanhai.local.stack import Stack, admin_key


@pytest.fixture(scope="module")
def access(stack: Stack) -> list[str]:
    """The options that name the API and a key to it."""
    return ["--api", stack.api_url, "--key", admin_key(stack)]


def features(path: Path, *levels: str) -> Path:
    squares = []
    for number, level in enumerate(levels):
        west = 100 + number
        ring = [[west, 30], [west + 0.5, 30], [west + 0.5, 30.5], [west, 30.5], [west, 30]]
        properties = {
            "DM": f"filed.{number}",
            "name_zh": f"=区{number}",
            "name_en": f"Place {number}",
            "level": level,
        }
        geometry = {"type": "Polygon", "coordinates": [ring]}
        squares.append({"type": "Feature", "properties": properties, "geometry": geometry})
    path.write_text(json.dumps({"type": "FeatureCollection", "features": squares}))
    return path


def invoke(command: str, access: Sequence[str], *words: str | Path) -> Any:
    return CliRunner().invoke(app, [command, *map(str, words), *access])


def test_what_was_imported_is_exported(access: list[str], tmp_path: Path) -> None:
    file, out = features(tmp_path / "towns.json", "town", "town"), tmp_path / "out.csv"
    reports = tmp_path / "reports"
    words = ("--collection", "regions", "--mapping", "DM=code", "--reports", reports)
    done = invoke("import", access, file, *words, "--visibility", "public")
    assert done.exit_code == 0, done.output
    assert "imported: 2 created, 0 updated, 0 unchanged, 0 rejected" in done.output
    names = {"towns.json.report.json", "towns.json.report.csv", "towns.json.report.html"}
    assert {path.name for path in reports.iterdir()} == names

    chosen = ("regions", "--to", out, "--filter", "code LIKE 'filed.%'")
    assert invoke("export", access, *chosen).exit_code == 0
    with out.open(encoding="utf-8-sig", newline="") as text:
        rows = list(csv.DictReader(text))
    assert [row["code"] for row in rows] == ["filed.0", "filed.1"]
    assert rows[0]["name_zh"] == "'=区0"  # no spreadsheet takes it for a formula
    assert rows[0]["geometry"].startswith("MULTIPOLYGON")

    joined = tmp_path / "out.geojson"
    assert invoke("export", access, *chosen[:2], joined, *chosen[3:]).exit_code == 0
    document = json.loads(joined.read_text(encoding="utf-8"))
    assert [one["id"] for one in document["features"]] == ["filed.0", "filed.1"]
    shape = tmp_path / "shapes" / "out.shp"
    shape.parent.mkdir()
    done = invoke("export", access, *chosen[:2], shape, *chosen[3:], "--crs", "EPSG:4547")
    assert done.exit_code == 0, done.output
    assert {path.suffix for path in shape.parent.iterdir()} >= {".shp", ".dbf", ".shx", ".prj"}
    assert "CGCS2000" in shape.with_suffix(".prj").read_text()


def test_a_field_like_a_code_is_guessed(access: list[str], tmp_path: Path) -> None:
    words = ("import", access, features(tmp_path / "a.json", "town"), "--collection", "regions")
    done = invoke(*words)
    assert "did you mean 'DM'? Then map DM=code" in done.exception.message
    done = invoke(*words, "--set", "mode=check")
    assert done.exit_code == 0, done.output
    assert "checked: 0 created, 0 updated, 0 unchanged, 1 rejected" in done.output
    assert "the file: no field holds the code; did you mean 'DM'?" in done.output


def test_a_refused_file_ends_with_its_rows(access: list[str], tmp_path: Path) -> None:
    file = features(tmp_path / "towns.json", "town", "moon")
    done = invoke("import", access, file, "--collection", "regions", "--mapping", "DM=code")
    assert isinstance(done.exception, InvalidInput)
    assert "row 2 (filed.1) level" in done.exception.message


def test_rows_that_are_left_out_are_named(access: list[str], tmp_path: Path) -> None:
    """Those that writing refuses, too, on the terminal and in the reports."""
    file, reports = features(tmp_path / "towns.json", "town"), tmp_path / "reports"
    file.write_text(file.read_text().replace("filed.", "unwished."))
    words = ("--collection", "regions", "--mapping", "DM=code", "--set", "mode=valid_rows")
    done = invoke("import", access, file, *words, "--reports", reports)
    assert done.exit_code == 0, done.output
    assert "partly_imported: 0 created, 0 updated, 0 unchanged, 1 rejected" in done.output
    assert "row 1 (unwished.0): new objects of 'Regions' are for everybody" in done.output
    assert "[visibility]" in done.output
    with (reports / "towns.json.report.csv").open(encoding="utf-8-sig", newline="") as text:
        assert [row["rule"] for row in csv.DictReader(text)] == ["visibility"]
