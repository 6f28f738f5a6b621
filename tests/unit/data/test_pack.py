"""Packs: the same bytes from the same folder, and a refusal for everything a pack must not be."""

import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shanhai.cli.app import app
from shanhai.client import FilePart
from shanhai.data import pack
from shanhai.data.pack import open_pack, read_folder, verify_pack, write_pack
from shanhai.errors import InvalidInput, UnsupportedFile
from tests.support.described import CITATION, LICENCE, describe
from tests.support.room import room_for

CITY = "longhai"
Change = Callable[[dict[str, bytes]], None]


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """Two layers and an outline; what is in a raster is nobody's business here."""
    described = tmp_path / "rasters"
    described.mkdir()
    for theme in ("dem", "soil"):
        (described / f"{theme}.tif").write_bytes(f"raster of {theme}".encode() * 1000)
        describe(described / f"{theme}.tif", CITY)
    properties = {"code": CITY, "source": "a survey", "licence": "ODbL-1.0"}
    outline = {"type": "Feature", "properties": properties, "geometry": None}
    collection = {"type": "FeatureCollection", "features": [outline]}
    (described / "regions.geojson").write_text(json.dumps(collection))
    return described


@pytest.fixture
def packed(described: Path, tmp_path: Path) -> Path:
    target = tmp_path / "pack.zip"
    write_pack(read_folder(described), target)
    return target


def rewritten(packed: Path, change: Change, compression: int = zipfile.ZIP_STORED) -> Path:
    """The pack with other members, its manifest as `change` leaves it."""
    with zipfile.ZipFile(packed) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    target = packed.with_name("changed.zip")
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return target


def with_manifest(**members: object) -> Change:
    def change(files: dict[str, bytes]) -> None:
        files["manifest.json"] = json.dumps(json.loads(files["manifest.json"]) | members).encode()

    return change


def test_the_same_folder_packs_to_the_same_bytes(described: Path, packed: Path) -> None:
    again = packed.with_name("again.zip")
    for path in described.iterdir():
        path.touch()
    assert (
        CliRunner().invoke(app, ["data", "pack", str(described), "-o", str(again)]).exit_code == 0
    )
    assert again.read_bytes() == packed.read_bytes()
    with zipfile.ZipFile(packed) as archive:
        assert {one.compress_type for one in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.testzip() is None


def test_a_pack_says_what_it_is_and_whose(packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        text = archive.read("README.txt").decode()
        manifest = json.loads(archive.read("manifest.json"))
    for word in (
        "山海数据包",
        "Data pack",
        "shanhai import",
        LICENCE,
        CITATION,
        "ODbL-1.0",
        "a survey",
    ):
        assert word in text
    assert manifest["regions"] == [CITY]
    assert [one["file"] for one in manifest["credits"]] == [
        "regions.geojson",
        "dem.tif",
        "soil.tif",
    ]
    assert {one["name"] for one in manifest["members"]} == {
        *("dem.json", "dem.tif", "soil.json", "soil.tif", "regions.geojson", "README.txt")
    }


def test_members_are_read_where_they_lie(described: Path, packed: Path) -> None:
    of_folder, of_pack = read_folder(described), open_pack(packed)
    assert of_pack.regions is not None
    assert of_pack.regions.read() == (described / "regions.geojson").read_bytes()
    for name, layer in of_folder.layers.items():
        part = of_pack.layers[name].data
        assert part.path == packed
        assert (part.size, part.sha256()) == (layer.data.size, layer.data.sha256())
        assert part.read(7, 9) == (described / name).read_bytes()[7:16]
        assert part.read(part.size + 1) == b""
    assert not of_pack.faults


def test_what_is_not_described_is_named(described: Path, tmp_path: Path) -> None:
    (described / "ndvi.tif").write_bytes(b"raster")
    (described / "npp.tif").write_bytes(b"raster")
    (described / "npp.json").write_text('{"theme": "npp"}')
    (described / "notes.json").write_text("[]")
    (described / "dem.tif").unlink()
    held = read_folder(described)
    assert list(held.layers) == ["soil.tif"]
    assert "no description" in held.faults["ndvi.tif"].detail
    assert "npp.json" in held.faults
    assert held.faults["dem.json"].detail == "'dem.json' has no dem.tif"
    with pytest.raises(InvalidInput, match=r"ndvi\.tif.*npp\.json|npp\.json.*ndvi\.tif"):
        write_pack(held, tmp_path / "never.zip")
    assert not (tmp_path / "never.zip").exists()


def test_a_folder_of_ones_own_files_is_sent_to_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "dem_2023.tif").write_bytes(b"raster")
    with pytest.raises(InvalidInput, match="shanhai data look") as caught:
        read_folder(tmp_path)
    assert "shanhai data prepare" in caught.value.message_zh


def test_writing_that_is_cut_leaves_nothing(
    described: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "cut.zip"
    target.write_bytes(b"a pack of before")

    def cut(_count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_pack(read_folder(described), target, cut)
    assert target.read_bytes() == b"a pack of before"
    assert {path.name for path in tmp_path.iterdir()} == {"rasters", "cut.zip"}


def test_a_pack_that_finds_no_room_is_told_by_its_name(described: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "full.zip"
    target.parent.mkdir()
    with pytest.raises(OSError, match="File too large") as full, room_for(100):
        write_pack(read_folder(described), target)
    assert full.value.filename == str(target)
    assert list(target.parent.iterdir()) == []


def test_a_raster_that_is_not_as_described_is_not_packed(described: Path, tmp_path: Path) -> None:
    (described / "soil.tif").write_bytes(b"another")
    with pytest.raises(InvalidInput, match=r"'soil\.tif' is not what its description says"):
        write_pack(read_folder(described), tmp_path / "never.zip")
    assert not (tmp_path / "never.zip").exists()


def test_a_pack_is_told_of_as_written_once_it_is(described: Path, tmp_path: Path) -> None:
    line = ["data", "pack", str(described), "-o", str(tmp_path / "some.zip")]
    assert "\npacking some.zip" in "\n" + CliRunner().invoke(app, line).output
    (described / "soil.tif").write_bytes(b"another")
    refused = CliRunner().invoke(app, line)
    assert isinstance(refused.exception, InvalidInput)
    assert not any(told.startswith("some.zip") for told in refused.output.splitlines())


def test_a_large_member_is_read_and_written_in_blocks(
    described: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10_000)  # as if members were over 2 GiB
    blocks: list[int] = []
    monkeypatch.setattr("shanhai.client.core.BLOCK_BYTES", 1000)
    target = tmp_path / "large.zip"
    write_pack(read_folder(described), target, blocks.append)
    assert max(blocks) == 1000
    assert not verify_pack(target)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda files: files.update({"../dem.tif": b""}), "'../dem.tif' has a name"),
        (lambda files: files.update({"/etc/a.tif": b""}), "'/etc/a.tif' has a name"),
        (lambda files: files.update({"a/b.tif": b""}), "'a/b.tif' has a name"),
        (lambda files: files.update({".hidden.tif": b""}), "'.hidden.tif' has a name"),
        (lambda files: files.update({"run.sh": b""}), "'run.sh' has a name"),
        (lambda files: files.update({"npp.tif": b""}), "'npp.tif' is there and not listed"),
        (lambda files: files.pop("dem.tif"), "'dem.tif' is listed and not there"),
        (lambda files: files.pop("manifest.json"), "is no data pack"),
        (lambda files: files.update({"manifest.json": b"[" * 100_000}), "is no data pack"),
        (lambda files: files.update({"dem.tif": b"short"}), "'dem.tif' has 5 bytes"),
        (with_manifest(format="other"), "is no data pack"),
        (with_manifest(version=2), "is 2; this release reads 1"),
        (with_manifest(members=[{"name": 1}]), "manifest.json/members/0/name"),
        (with_manifest(members=[]), "'dem.json' is there and not listed"),
        (with_manifest(more=1), "manifest.json/more"),
    ],
)
def test_what_is_no_pack_is_refused(packed: Path, change: Change, told: str) -> None:
    with pytest.raises(UnsupportedFile) as caught:
        open_pack(rewritten(packed, change))
    assert told in caught.value.message
    assert caught.value.message_zh != caught.value.message


def test_a_zip_that_swells_is_refused(packed: Path) -> None:
    swelling = rewritten(packed, lambda files: None, zipfile.ZIP_DEFLATED)
    with pytest.raises(UnsupportedFile, match="is no data pack"):
        open_pack(swelling)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("npp.tif", b"\0" * 10_000_000)
    with pytest.raises(UnsupportedFile, match=r"'npp\.tif' is compressed"):
        open_pack(packed)


def test_links_and_members_of_one_name_are_refused(packed: Path) -> None:
    link = zipfile.ZipInfo("npp.tif")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(link, "/etc/passwd")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("dem.tif", b"another")
    with pytest.raises(UnsupportedFile) as caught:
        open_pack(packed)
    assert "is a link" in caught.value.message
    assert "two members of one name" in caught.value.message


def test_members_must_not_lie_over_each_other(packed: Path) -> None:
    inner = [zipfile.ZipInfo(f"inner{number}.tif") for number in range(20)]
    for one in inner:
        one.CRC = 0
    headers = [one.FileHeader() for one in inner]
    payload, size = b"".join(headers) + b"0" * 10_000, 10_000
    with zipfile.ZipFile(packed, "a") as archive:
        outer = zipfile.ZipInfo("outer.tif")
        archive.writestr(outer, payload)
        start = outer.header_offset + len(outer.FileHeader(zip64=False))
        for number, one in enumerate(inner):
            one.header_offset = start + len(b"".join(headers[:number]))
            rest = len(b"".join(headers[number + 1 :]))
            one.file_size = one.compress_size = rest + size
            archive.filelist.append(one)
    with pytest.raises(UnsupportedFile, match="has members that overlap"):
        open_pack(packed)


def test_a_cut_zip_is_none(packed: Path) -> None:
    packed.write_bytes(packed.read_bytes()[:-100])
    with pytest.raises(UnsupportedFile, match="is no whole zip"):
        open_pack(packed)


def damage(path: Path, part: FilePart) -> None:
    """Change one byte in the middle of a member."""
    with path.open("r+b") as file:
        file.seek(part.start + part.size // 2)
        (byte,) = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))


def test_each_broken_member_is_named(packed: Path) -> None:
    held = open_pack(packed)
    damage(packed, held.layers["dem.tif"].data)
    damage(packed, held.layers["soil.tif"].sidecar)
    done = CliRunner().invoke(app, ["data", "verify", str(packed)])
    assert done.exit_code == 1
    told = [line.partition(" is ")[0] for line in done.stderr.splitlines()]
    assert told == ["'dem.tif'", "'soil.json'"]
    again = open_pack(packed)
    assert list(again.layers) == ["dem.tif"]
    assert "soil.json" in again.faults


def test_a_whole_pack_is_whole(packed: Path) -> None:
    done = CliRunner().invoke(app, ["data", "verify", str(packed)])
    assert done.exit_code == 0
    assert "whole" in done.stdout


def test_a_description_must_be_of_the_raster_that_is_packed(packed: Path) -> None:
    def exchange(files: dict[str, bytes]) -> None:
        manifest = json.loads(files["manifest.json"])
        by_name = {one["name"]: one for one in manifest["members"]}
        files["dem.tif"] = files["soil.tif"]
        by_name["dem.tif"].update(
            sha256=by_name["soil.tif"]["sha256"], bytes=by_name["soil.tif"]["bytes"]
        )
        files["manifest.json"] = json.dumps(manifest).encode()

    exchanged = rewritten(packed, exchange)
    assert "not what its description says" in open_pack(exchanged).faults["dem.tif"].detail
    assert [fault.pointer for fault in verify_pack(exchanged)] == ["dem.tif"]


def test_an_outline_of_any_length_is_not_read(
    described: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack, "LONGEST_REGIONS", 10)
    with pytest.raises(UnsupportedFile, match="over 10 bytes"):
        pack.read_regions(FilePart.whole(described / "regions.geojson"))


@pytest.mark.parametrize("region", ["nowhere", "../etc", None])
def test_a_region_nothing_was_fetched_of(
    region: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    words = ["data", "pack", "-o", str(tmp_path / "a.zip")]
    done = CliRunner().invoke(app, [*words, *([] if region is None else ["--region", region])])
    assert done.exit_code == 1
    told = f"no layers of region {region or '(not given)'}: give their folder"
    assert told in str(done.exception)


def test_a_folder_and_a_region_are_not_both_given(described: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.zip"
    words = ["data", "pack", str(described), "--region", "xiamen", "-o", str(out)]
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, out.exists()) == (2, False)
    assert "not both" in done.output
