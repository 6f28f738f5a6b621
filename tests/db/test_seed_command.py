"""`shanhai seed` as an operator runs it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shanhai.cli.app import app


@pytest.fixture
def runner(database_url: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("SHANHAI_DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "120")
    return CliRunner()


def test_both_cities_are_told_with_their_totals(runner: CliRunner) -> None:
    shown = runner.invoke(app, ["seed", "xiamen", "banan"])
    assert shown.exit_code == 0, shown.output
    told = " ".join(shown.output.split())
    assert "xiamen, as its totals ask:" in told
    for expected in ("indicators 35", "indicators.binding 19", "project_types 26", "corridors 10"):
        assert expected in told
    for expected in ("towns 23", "projects 21", "programmes 7", "problems 8", "zones 5"):
        assert expected in told
    assert "\n0 rows made or changed" not in shown.output

    again = runner.invoke(app, ["seed", "xiamen", "banan"])
    assert again.exit_code == 0, again.output
    assert again.output.rstrip().endswith("\n0 rows made or changed")


def test_a_city_nobody_knows_needs_a_file(runner: CliRunner, tmp_path: Path) -> None:
    assert runner.invoke(app, ["seed", "longhai"]).exit_code != 0
    ring = [[117.7, 24.45], [117.9, 24.45], [117.9, 24.7], [117.7, 24.7], [117.7, 24.45]]
    city = {
        "type": "Feature",
        "properties": {
            "code": "longhai",
            "name_zh": "龙海",
            "name_en": "Longhai",
            "level": "city",
            "metric_epsg": 4548,
        },
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path = tmp_path / "longhai.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [city]}), "utf-8")
    shown = runner.invoke(app, ["seed", "longhai", "--regions", str(path)])
    assert shown.exit_code == 0, shown.output
    assert "1 rows made or changed" in shown.output
