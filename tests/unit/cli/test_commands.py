"""The command line: what it offers and how it says no."""

import pytest
from typer.testing import CliRunner

from shanhai.cli.app import app, main
from shanhai.cli.files import parse_settings
from shanhai.errors import InvalidInput


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    for command in ("serve", "db", "seed", "data", "import", "run", "keys", "settings", "doctor"):
        assert command in shown


def test_settings_are_listed_without_being_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHANHAI_DATABASE_URL", raising=False)
    shown = CliRunner().invoke(app, ["settings"])
    assert shown.exit_code == 0
    assert "SHANHAI_DATABASE_URL  (secret text; required)" in shown.output


def test_missing_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SHANHAI_DATABASE_URL", raising=False)
    monkeypatch.setattr("sys.argv", ["shanhai", "db", "upgrade"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert "SHANHAI_DATABASE_URL" in capsys.readouterr().err


def test_named_values() -> None:
    given = ["scale=0.1", "accept_datum=true", "name_zh=高程", "code=007", "nodata=null"]
    assert parse_settings(given) == {
        "scale": 0.1,
        "accept_datum": True,
        "name_zh": "高程",
        "code": "007",
        "nodata": None,
    }


@pytest.mark.parametrize("text", ["", "=1", "name"])
def test_malformed_value(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_settings([text])
