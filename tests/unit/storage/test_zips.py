import stat
import zipfile
from pathlib import Path

import pytest

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.file_limits import BLOCK, ZipLimits, unpack_member, why_not_plain
from shanhai.storage.reproducible_zip import open_package, write_package


def test_a_zip_unpacks_to_a_multiple_of_its_size_up_to_a_most() -> None:
    limits = ZipLimits(bytes=10 * BLOCK, ratio=2)
    assert limits.room(10) == BLOCK
    assert limits.room(3 * BLOCK) == 6 * BLOCK
    assert limits.room(30 * BLOCK) == 10 * BLOCK


def test_what_comes_out_is_counted_whatever_the_header_promises(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"\0" * 3 * BLOCK)
    with zipfile.ZipFile(path) as archive:
        (member,) = archive.infolist()
        assert unpack_member(archive, member, tmp_path / "whole", 3 * BLOCK) == 3 * BLOCK
        with pytest.raises(LimitExceeded, match="unpacks to more"):
            unpack_member(archive, member, tmp_path / "cut", 3 * BLOCK - 1)
    assert (tmp_path / "cut").stat().st_size < 3 * BLOCK


@pytest.mark.parametrize(
    ("mode", "flags", "rule"),
    [(0o644, 0, None), (stat.S_IFLNK | 0o777, 0, "is a link"), (0o644, 1, "is encrypted")],
)
def test_links_and_encrypted_members_are_not_plain(mode: int, flags: int, rule: str | None) -> None:
    member = zipfile.ZipInfo("a")
    member.external_attr, member.flag_bits = mode << 16, flags
    told = why_not_plain(member)
    assert (told.en if told else None) == rule


def test_a_package_has_the_same_limits(tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    path, file = tmp_path / "a.zip", tmp_path / "rows"
    file.write_bytes(b"[]")
    write_package(path, {}, [("rows/a.json", file), ("rows/b.json", file)])
    assert len(open_package(path, tmp_path / "to", ZipLimits(members=3))["members"]) == 2
    with pytest.raises(InvalidInput, match="3 members; at most 2"):
        open_package(path, tmp_path / "more", ZipLimits(members=2))
