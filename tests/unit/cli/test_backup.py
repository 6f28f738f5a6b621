"""`shanhai db key|restore|backup`: what needs no server."""

import io
import os
import resource
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shanhai.backup.encryption import make_identity, read_identity, read_recipient, seal
from shanhai.backup.repository import BASE, MANIFEST, BackupFolder, BackupManifest
from shanhai.cli.app import app
from shanhai.errors import InvalidInput

RUNNER = CliRunner()


def test_a_key_is_for_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "key"
    made = RUNNER.invoke(app, ["db", "key", str(file)])
    public = made.stdout.strip()
    [age] = read_identity(file).age
    assert str(age.to_public()) == public
    assert str(read_recipient(public)) == public
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_text()
    again = RUNNER.invoke(app, ["db", "key", str(file)])
    assert isinstance(again.exception, InvalidInput)
    assert file.read_text() == before


@pytest.mark.parametrize("days", ["99999999", "inf", "nan", "0"])
def test_days_that_no_calendar_has_are_refused(tmp_path: Path, days: str) -> None:
    told = RUNNER.invoke(app, ["db", "prune", str(tmp_path), "--days", days])
    assert told.exit_code == 2
    assert "--days" in told.stderr


@pytest.mark.parametrize("command", ["db", "audit"])
def test_a_key_that_finds_no_room_leaves_nothing(tmp_path: Path, command: str) -> None:
    file = tmp_path / "key"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        full = RUNNER.invoke(app, [command, "key", str(file)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert isinstance(full.exception, OSError)
    assert full.exception.filename == str(file)
    assert list(tmp_path.iterdir()) == []
    assert RUNNER.invoke(app, [command, "key", str(file)]).exit_code == 0
    assert file.stat().st_size > 0


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


def make_base(folder: BackupFolder[Path], day: int, first: int) -> None:
    """A base of a day in May that begins with a segment of the log."""
    recipient = read_recipient(make_identity(folder.root / f"key-{day}", "international"))
    name, ended = f"base-{day}", datetime(2026, 5, day, 4, tzinfo=UTC)
    base = seal(io.BytesIO(b"files"), folder.base(name) / BASE, recipient)
    manifest = BackupManifest(
        name=name,
        began_at=ended,
        ended_at=ended,
        database_version="16",
        system_identifier="1",
        revision=None,
        software="1",
        first_segment=segment(first),
        last_segment=segment(first),
        segment_bytes=2**24,
        sha256=base.sha256,
        bytes=base.size,
        objects={},
    )
    (folder.base(name) / MANIFEST).write_text(manifest.model_dump_json())


def segment(number: int) -> str:
    return f"{1:08X}{0:08X}{number:08X}"


def test_a_gap_before_the_newest_base_is_told_by_its_moments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SHANHAI_BACKUP_DATABASE_URL", "SHANHAI_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    folder = BackupFolder(tmp_path)
    folder.wal.mkdir()
    for number in (1, 2, 5, 6, 7):
        path = folder.segment(segment(number))
        path.touch()
        hour = datetime(2026, 5, 1, 4 + number, tzinfo=UTC).timestamp()
        os.utime(path, (hour, hour))
    make_base(folder, 1, 1)
    broken = RUNNER.invoke(app, ["db", "verify", str(tmp_path)])
    assert broken.exit_code == 1
    assert "2 segments are missing" in broken.stdout
    make_base(folder, 3, 6)
    mended = RUNNER.invoke(app, ["db", "verify", str(tmp_path)])
    assert mended.exit_code == 0, mended.stdout
    lost = "no moment from 2026-05-01T06:00:00Z to 2026-05-03T04:00:00Z"
    assert lost in mended.stdout
    folder.segment(segment(6)).unlink()
    again = RUNNER.invoke(app, ["db", "verify", str(tmp_path)])
    assert again.exit_code == 1
    assert lost in again.stdout
    assert "1 segments are missing" in again.stdout
