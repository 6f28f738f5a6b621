"""The command line: what it offers and how it says no."""

import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from typer import Typer
from typer.testing import CliRunner

from shanhai import __version__
from shanhai.backup.encryption import make_identity
from shanhai.cli import main
from shanhai.cli.app import app, loaded
from shanhai.cli.files import _format_of, _uri_of, _write, join_sequence, unpack_shapefile
from shanhai.cli.kit import parse_settings
from shanhai.client import RemoteCollection, Sync
from shanhai.errors import InvalidInput
from shanhai.storage.artifacts import LocalArtifacts
from tests.support.room import room_for
from tests.support.serving import PATIENCE_S


def test_help_is_that_of_the_commands_themselves() -> None:
    """Though it is printed without loading any."""
    shown = CliRunner().invoke(app, ["--help"]).output
    (_, told), (_, own) = (text.split("Commands", 1) for text in (shown, _help_of(loaded())))
    assert told == own


def _help_of(commands: Typer) -> str:
    return CliRunner().invoke(commands, ["--help"]).output


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
    told = capsys.readouterr().err
    assert "SHANHAI_DATABASE_URL: Field required" in told
    assert "SHANHAI_DATABASE_URL：必填" in told
    assert "`. .shanhai/env` gives" in told
    assert "`. .shanhai/env` 将其设置载入" in told


@pytest.mark.parametrize("name", ["SHANHAI_DATABASE_URL", "SHANHAI_DATABASE_READ_URL"])
def test_an_address_that_is_none_is_named_and_not_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv("SHANHAI_DATABASE_URL", "postgresql://user@host/name")
    monkeypatch.setenv(name, "user:secret@host/name")
    monkeypatch.setattr("sys.argv", ["shanhai", "db", "upgrade"])
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr().err
    assert f"{name}: " in told
    assert "secret" not in told


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["db", "key"], "error: {}/key: No such file or directory"),
        (["db", "key"], "错误：{}/key: 文件或文件夹不存在"),
        (["db", "verify"], "SHANHAI_BACKUP_IDENTITY_FILE must name the file with the"),
        (["artifacts", "move", "s3://shanhai/files", "--settings"], "does not exist"),
        (["artifacts", "move"], "there is no folder {} of result files"),
    ],
)
def test_a_file_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: list[str],
    reason: str,
) -> None:
    folder = tmp_path / "none"
    monkeypatch.setenv("SHANHAI_ARTIFACTS_ROOT", str(folder))
    monkeypatch.setenv("SHANHAI_BACKUP_IDENTITY_FILE", str(folder))
    monkeypatch.setattr("sys.argv", ["shanhai", *words, str(folder / "key")])
    with pytest.raises(SystemExit):
        main()
    # Some is told in a frame, which breaks lines where the path of the folder has them broken.
    assert reason.format(folder) in " ".join(capsys.readouterr().err.replace("│", "").split())


def test_what_is_damaged_is_named_when_the_rest_has_moved(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store, target = LocalArtifacts(tmp_path / "here"), LocalArtifacts(tmp_path / "there")
    uris = []
    for number in range(6):
        (tmp_path / "file").write_bytes(b"%d" % number)
        uris.append(store.put(tmp_path / "file", suffix=".bin").uri)
    for uri in uris[::2]:
        (store.root / uri).write_bytes(b"damaged")
    monkeypatch.setenv("SHANHAI_ARTIFACTS_ROOT", str(store.root))
    monkeypatch.setattr("sys.argv", ["shanhai", "artifacts", "move", str(target.root)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    told = capsys.readouterr()
    assert "3 files copied" in told.out
    assert all(f"the stored file {uri} is refused" in told.err for uri in uris[::2])
    assert all(map(target.has, uris[1::2]))


def test_a_secret_key_may_come_through_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    make_identity(tmp_path / "key")
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write((tmp_path / "key").read_bytes())
    monkeypatch.setenv("SHANHAI_BACKUP_IDENTITY_FILE", f"/dev/fd/{reading}")
    monkeypatch.setattr("sys.argv", ["shanhai", "db", "verify", str(tmp_path)])
    with pytest.raises(SystemExit):
        main()
    os.close(reading)
    assert f"there is no base backup in {tmp_path}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ["seed", "xiamen"],
        ["jobs", "list"],
        ["schedules", "list"],
        ["devices", "list"],
        ["artifacts", "sweep"],
        ["serve", "api"],
        ["doctor"],
    ],
)
def test_every_command_says_where_settings_come_from(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("SHANHAI_DATABASE_URL", "SHANHAI_ARTIFACTS_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.argv", ["shanhai", *command])
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr()
    assert (told.out + told.err).count("`. .shanhai/env` gives") == 1


@pytest.mark.parametrize(
    ("command", "workers"),
    [
        *((["python", "-m", f"shanhai_{name}"], "1") for name in ("api", "tiles", "worker")),
        *((["shanhai", "serve", name], "2") for name in ("api", "tiles")),
    ],
)
def test_a_service_that_is_set_wrongly_ends_and_names_each_variable(
    command: list[str], workers: str, tmp_path: Path
) -> None:
    told = {
        "DATABASE_URL": "postgresql://u:p@localhost/d",
        "DATABASE_POOL_SIZE": "many",
        "ARTIFACTS_ROOT": str(tmp_path),
        "CRYPTO_SUITE": "none",
        "OIDC_ISSUER": "ftp://id.example",
        "TILE_TOKENS_SECRET": "of few signs",
        "API_WORKERS": workers,
        "TILES_WORKERS": workers,
    }
    done = subprocess.run(
        [str(Path(sys.executable).with_name(command[0])), *command[1:]],
        env={**os.environ, **{f"SHANHAI_{name}": value for name, value in told.items()}},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 2, done.stderr
    # Both languages where there are two; a worker has logged by then how its jobs are isolated.
    told_lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    named = [re.split("[:：]", line)[0] for line in told_lines]
    assert {*named} == {
        "SHANHAI_DATABASE_POOL_SIZE",
        "SHANHAI_CRYPTO_SUITE",
        "SHANHAI_OIDC_*",
        "SHANHAI_TILE_TOKENS_SECRET",
    }, done.stderr
    assert "SHANHAI_OIDC_ISSUER: 'ftp://id.example': no https URL" in done.stderr
    assert "of few signs" not in done.stderr + done.stdout


def test_named_values() -> None:
    given = ["scale=0.1", "accept_datum=true", "name_zh=高程", "code=007", "nodata=null"]
    # JSON has no such numbers.
    given += ["a=NaN", "b=-Infinity", "c=1e999"]
    assert parse_settings(given) == {
        "scale": 0.1,
        "accept_datum": True,
        "name_zh": "高程",
        "code": "007",
        "nodata": None,
        "a": "NaN",
        "b": "-Infinity",
        "c": "1e999",
    }


@pytest.mark.parametrize("text", ["", "=1", "name"])
def test_malformed_value(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_settings([text])


@pytest.mark.parametrize(
    ("words", "reason", "reason_zh"),
    [
        (["--api", "http://[::1"], "'http://[::1' is no address", "不是服务地址"),
        (["--api", "localhost:8000"], "'localhost:8000' is no address", "不是服务地址"),
        (["--api", "ftp://localhost"], "'ftp://localhost' is no address", "不是服务地址"),
        (["--key", "钥匙"], "the key is none: keys are ASCII", "密钥无效"),
        (["--key", "shk_a\n"], "the key is none: keys are ASCII", "密钥无效"),
    ],
)
def test_an_address_or_key_that_cannot_be_one_is_refused_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: list[str],
    reason: str,
    reason_zh: str,
) -> None:
    to = str(tmp_path / "zones.csv")
    api = [] if "--api" in words else ["--api", "http://127.0.0.1:9"]
    monkeypatch.setattr("sys.argv", ["shanhai", "export", "zones", "--to", to, *api, *words])
    with pytest.raises(SystemExit) as caught:
        main()
    told = capsys.readouterr().err
    assert caught.value.code == 1
    assert reason in told
    assert reason_zh in told
    assert "钥匙" not in told


def test_the_version_is_told() -> None:
    shown = CliRunner().invoke(app, ["--version"])
    assert (shown.exit_code, shown.output) == (0, f"{__version__}\n")


@pytest.mark.parametrize(
    ("name", "format"),
    [("a.geojson", "geojson"), ("a.JSON", "geojson"), ("a.shp", "shp"), ("a.zip", "shp")],
)
def test_usual_endings_name_a_format(name: str, format: str) -> None:
    assert _format_of(Path(name)) == format


def test_an_unknown_ending_is_told_in_both_languages() -> None:
    with pytest.raises(InvalidInput) as caught:
        _format_of(Path("a.xlsx"))
    assert ".geojson" in caught.value.message
    assert "请用 --format" in caught.value.message_zh


@pytest.mark.parametrize("text", ["EPSG:4548", "epsg:4548"])
def test_a_system_may_be_named_shortly(text: str) -> None:
    assert _uri_of(text) == "http://www.opengis.net/def/crs/EPSG/0/4548"
    assert _uri_of("http://www.opengis.net/def/crs/EPSG/0/4490").endswith("/4490")


@pytest.mark.parametrize("lines", [[], [{"id": "a"}], [{"id": "甲"}, {"id": "b"}]])
def test_a_sequence_becomes_a_collection(tmp_path: Path, lines: list[dict[str, str]]) -> None:
    sent, to = tmp_path / "sent", tmp_path / "out.geojson"
    sent.write_text("".join(f"\x1e{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    join_sequence(sent, to)
    document = json.loads(to.read_text(encoding="utf-8"))
    assert document == {"type": "FeatureCollection", "features": lines}


@dataclass(frozen=True, slots=True)
class Sent:
    """A collection of which the API sends what is given."""

    content: bytes

    def download(self, target: Path, **_query: object) -> None:
        target.write_bytes(self.content)


@pytest.mark.parametrize(
    ("format", "name"), [("csv", "zones.shp"), ("fgb", "zones.SHP"), ("shp", "zones.zip")]
)
def test_a_format_that_is_named_is_saved_as_it_is_sent(
    tmp_path: Path, format: str, name: str
) -> None:
    to = tmp_path / name
    assert _write(cast("Any", Sent(b"as it is")), {}, format, to) == [to]
    assert to.read_bytes() == b"as it is"


def test_geojson_that_is_named_is_one_collection_whatever_its_file_is_called(
    tmp_path: Path,
) -> None:
    to = tmp_path / "zones.shp"
    assert _write(cast("Any", Sent(b'{"id":"a"}\n')), {}, "geojson", to) == [to]
    assert json.loads(to.read_bytes())["features"] == [{"id": "a"}]


@pytest.mark.parametrize(
    ("members", "files"),
    [
        (["zones.dbf", "zones.shp", "fields.txt"], ["mine.dbf", "mine.shp", "mine.fields.txt"]),
        (
            ["sites_point.shp", "sites_polygon.shp", "fields.txt"],
            ["mine_point.shp", "mine_polygon.shp", "mine.fields.txt"],
        ),
    ],
)
def test_a_shapefile_is_unpacked_under_the_name_asked_for(
    tmp_path: Path, members: list[str], files: list[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "sent", "w") as archive:
        for name in members:
            archive.writestr(name, name)
    (tmp_path / "mine.txt").write_text("notes")
    made = unpack_shapefile(tmp_path / "sent", tmp_path / "mine.shp")
    assert sorted(path.name for path in made) == sorted(files)
    assert all(path.read_text().endswith(path.suffix) for path in made)
    assert {path.name for path in tmp_path.iterdir()} == {"sent", "mine.txt", *files}
    assert (tmp_path / "mine.txt").read_text() == "notes"


def test_a_shapefile_that_is_cut_replaces_no_part_of_the_one_there(tmp_path: Path) -> None:
    sent, to = tmp_path / "new" / "sent", tmp_path / "mine.shp"
    sent.parent.mkdir()
    with zipfile.ZipFile(sent, "w") as archive:
        for name in ("zones.dbf", "zones.shp"):
            archive.writestr(name, "new")
    sent.write_bytes(sent.read_bytes().replace(b"zones.shpnew", b"zones.shpold"))
    for part in (to, to.with_suffix(".dbf")):
        part.write_text("old")
    with pytest.raises(zipfile.BadZipFile):
        unpack_shapefile(sent, to)
    assert [part.read_text() for part in (to, to.with_suffix(".dbf"))] == ["old", "old"]


@pytest.mark.parametrize("name", ["zones.csv", "zones.geojson", "zones.shp"])
def test_a_file_that_cannot_be_written_is_told_by_its_own_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    target = tmp_path / "missing" / name
    words = ["export", "zones", "--to", str(target), "--api", "http://127.0.0.1:1"]
    monkeypatch.setattr("sys.argv", ["shanhai", *words])
    with pytest.raises(SystemExit):
        main()
    assert f"error: {target}: No such file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["zones.geojson", "zones.shp"])
def test_an_export_that_finds_no_room_is_told_by_its_name_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    def sent(collection: RemoteCollection[Sync], to: Path, **asked: object) -> None:
        if name.endswith(".shp"):
            with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("zones.shp", bytes(100_000))
        else:
            to.write_bytes(b"\x1e{}\n" * 300)

    monkeypatch.setattr(RemoteCollection, "download", sent)
    target = tmp_path / name
    words = ["export", "zones", "--to", str(target), "--api", "http://127.0.0.1:1"]
    monkeypatch.setattr("sys.argv", ["shanhai", *words])
    with pytest.raises(SystemExit) as ended, room_for(1200):
        main()
    assert ended.value.code == 1
    assert f"error: {target}: File too large" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
