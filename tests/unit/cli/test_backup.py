"""`shanhai db key|restore|backup`: what needs no server."""

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shanhai.backup.encryption import read_identity, read_recipient
from shanhai.cli.app import app
from shanhai.errors import InvalidInput

RUNNER = CliRunner()


def test_a_key_is_for_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "key"
    made = RUNNER.invoke(app, ["db", "key", str(file)])
    public = made.stdout.strip()
    age = read_identity(file).age
    assert age is not None
    assert str(age.to_public()) == public
    assert str(read_recipient(public)) == public
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_text()
    again = RUNNER.invoke(app, ["db", "key", str(file)])
    assert isinstance(again.exception, InvalidInput)
    assert file.read_text() == before


@pytest.mark.parametrize(
    ("moment", "reason"),
    [("yesterday", "is no moment"), ("2026-05-01T12:00:00", "offset")],
)
def test_moments_must_be_clear(
    moment: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RUNNER.invoke(app, ["db", "key", str(tmp_path / "key")])
    monkeypatch.setenv("SHANHAI_BACKUP_IDENTITY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("SHANHAI_ARTIFACTS_ROOT", str(tmp_path / "store"))
    words = ["db", "restore", str(tmp_path / "kept"), str(tmp_path / "data"), "--to", moment]
    told = RUNNER.invoke(app, words)
    assert isinstance(told.exception, InvalidInput)
    assert reason in told.exception.message


def test_restoring_needs_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHANHAI_ARTIFACTS_ROOT", str(tmp_path / "store"))
    told = RUNNER.invoke(app, ["db", "restore", str(tmp_path / "kept"), str(tmp_path / "data")])
    assert isinstance(told.exception, InvalidInput)
    assert "SHANHAI_BACKUP_IDENTITY_FILE" in told.exception.message


def test_a_public_key_must_be_one() -> None:
    with pytest.raises(InvalidInput, match="SHANHAI_BACKUP_RECIPIENT"):
        read_recipient("")


def test_a_file_without_a_key_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("not a key but a secret")
    with pytest.raises(InvalidInput) as refused:
        read_identity(tmp_path / "key")
    assert "a secret key `AGE" in refused.value.message
    assert "not a key but" not in refused.value.message
