"""Files of backups for a key of SM2: what is read again, and what is noticed."""

import errno
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai import crypto
from shanhai.backup.encryption import (
    BackupBroken,
    make_identity,
    name_of_key,
    read_identity,
    read_recipient,
    seal,
    stored,
    unseal,
)
from shanhai.backup.repository import BEGUN, BackupFolder
from shanhai.backup.restore import _unpack
from shanhai.errors import InvalidInput, Unavailable
from shanhai.settings import Suite
from tests.support.room import room_for

PORTION = 64 * 1024
SUITES: tuple[Suite, ...] = ("international", "commercial")
# GB/T 32918.5-2017, annex A: the key of its examples, and what is encrypted for it.
NUMBER = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
POINT = bytes.fromhex(
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
KEY = crypto.Sm2PrivateKey(NUMBER, POINT)


@pytest.fixture
def closed_key(tmp_path: Path) -> Iterator[Path]:
    """A secret key that its owner alone may read, who is somebody else."""
    path = tmp_path / "backup.key"
    make_identity(path)
    if os.geteuid() == 0:
        os.seteuid(65534)
    else:
        path.chmod(0)
    yield path
    if os.getuid() == 0:
        os.seteuid(0)


def test_a_key_of_somebody_else_is_told_with_the_account_that_lacks_it(closed_key: Path) -> None:
    with pytest.raises(InvalidInput, match=rf"backup\.key .* account {os.geteuid()}"):
        read_identity(closed_key)


def test_all_that_the_command_prints_may_be_kept_as_the_key(tmp_path: Path) -> None:
    public = make_identity(tmp_path / "made", "international")
    printed = tmp_path / "printed"
    printed.write_text(f"{public}\n{(tmp_path / 'made').read_text()}")
    [found] = read_identity(printed).age
    assert str(found.to_public()) == public
    printed.write_text(f"{public}\n")
    with pytest.raises(InvalidInput, match="does not hold a secret key"):
        read_identity(printed)


@pytest.mark.parametrize("suite", SUITES)
def test_a_replaced_key_may_be_kept_beside_its_successor(tmp_path: Path, suite: Suite) -> None:
    publics = [make_identity(tmp_path / name, suite) for name in ("former", "newer")]
    kept = tmp_path / "kept"
    # As age-keygen writes its files.
    texts = [(tmp_path / name).read_text() for name in ("newer", "former")]
    kept.write_text("# created: 2026-05-01T12:00:00+08:00\n" + "\n\n# former\n".join(texts))
    for number, public in enumerate(publics):
        target = tmp_path / str(number) / "one.age"
        sealed = seal(io.BytesIO(b"content"), target, read_recipient(public))
        opened = io.BytesIO()
        unseal(sealed.path, opened, read_identity(kept))
        assert opened.getvalue() == b"content"
    other = read_recipient(make_identity(tmp_path / "other", suite))
    sealed = seal(io.BytesIO(b"content"), tmp_path / "two.age", other)
    with pytest.raises(BackupBroken, match="cannot be decrypted"):
        unseal(sealed.path, io.BytesIO(), read_identity(kept))


def der(*parts: tuple[int, str]) -> bytes:
    """Members of a sequence, each shorter than 128 bytes."""
    members = b"".join(
        bytes([tag, len(bytes.fromhex(one))]) + bytes.fromhex(one) for tag, one in parts
    )
    return bytes([0x30, len(members)]) + members


def test_sm2_opens_the_example_of_gb_t_32918() -> None:
    sealed = der(
        (2, "04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73"),
        (2, "00e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"),
        (4, "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"),
        (4, "21886ca989ca9c7d58087307ca93092d651efa"),
    )
    assert KEY.decrypt(sealed) == b"encryption standard"


@pytest.mark.parametrize(
    "size", [0, 1, PORTION - 1, PORTION, PORTION + 1, 2 * PORTION, 3 * PORTION + 17]
)
def test_what_was_sealed_is_there_again(size: int, tmp_path: Path) -> None:
    content = bytes(number % 251 for number in range(size))
    told = seal(io.BytesIO(content), tmp_path / "one.age", KEY.public_key())
    file = tmp_path / "one.sm4"
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert stored(tmp_path / "one.age") == file
    assert told.size == file.stat().st_size
    assert crypto.digest("sha256", file.read_bytes()).hex() == told.sha256
    opened = io.BytesIO()
    (tmp_path / "key").write_bytes(KEY.pem())
    unseal(file, opened, read_identity(tmp_path / "key"))
    assert opened.getvalue() == content
    assert size < 16 or content[:16] not in file.read_bytes()


class Dripping(io.RawIOBase):
    """A pipe that gives few bytes at a time."""

    def __init__(self, content: bytes) -> None:
        self._source = io.BytesIO(content)

    def read(self, size: int = -1, /) -> bytes:
        return self._source.read(min(size, 1000))


def test_pipes_that_give_little_are_read_to_the_end(tmp_path: Path) -> None:
    content = bytes(2 * PORTION + 5)
    (tmp_path / "key").write_bytes(KEY.pem())
    seal(Dripping(content), tmp_path / "one.age", KEY.public_key())  # type: ignore[arg-type]
    opened = io.BytesIO()
    unseal(tmp_path / "one.sm4", opened, read_identity(tmp_path / "key"))
    assert opened.getvalue() == content


def spoilt(whole: bytes, how: str) -> bytes:
    """A file of two portions and a short one, changed in one way."""
    portion = PORTION + 16
    head = len(whole) - 2 * portion - 21
    first, second = head + portion, head + 2 * portion
    ways = {
        "last portion cut off": whole[:second],
        "a byte cut off": whole[:-1],
        "a byte more": whole + b"x",
        "portions swapped": whole[:head] + whole[first:second] + whole[head:first] + whole[second:],
        "a portion twice": whole[:first] + whole[head:],
        "a bit of a portion": whole[:head] + bytes([whole[head] ^ 1]) + whole[head + 1 :],
        "a bit of the key": whole[:60] + bytes([whole[60] ^ 1]) + whole[61:],
        "nothing but the head": whole[:head],
        "another form": b"age-encryption.org/v1" + whole[21:],
        "empty": b"",
    }
    return ways[how]


WAYS = [
    *("last portion cut off", "a byte cut off", "a byte more", "portions swapped"),
    *("a portion twice", "a bit of a portion", "a bit of the key", "nothing but the head"),
    *("another form", "empty"),
]


@pytest.mark.parametrize("how", WAYS)
def test_a_changed_file_is_noticed(how: str, tmp_path: Path) -> None:
    content = bytes(number % 251 for number in range(2 * PORTION + 5))
    seal(io.BytesIO(content), tmp_path / "one", KEY.public_key())
    file = tmp_path / "one.sm4"
    file.write_bytes(spoilt(file.read_bytes(), how))
    (tmp_path / "key").write_bytes(KEY.pem())
    with pytest.raises(BackupBroken, match="cannot be decrypted"):
        unseal(file, io.BytesIO(), read_identity(tmp_path / "key"))


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    class FullDisk(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.ENOSPC, "No space left on device")

    recipient = read_recipient(make_identity(tmp_path / "key", "international"))
    with pytest.raises(Unavailable, match=r"one\.age cannot be written: .* No space left"):
        seal(FullDisk(), tmp_path / "one", recipient)


@pytest.mark.parametrize("suite", SUITES)
def test_a_backup_that_finds_no_room_is_told_by_its_name(tmp_path: Path, suite: Suite) -> None:
    recipient = read_recipient(make_identity(tmp_path / "key", suite))
    target = tmp_path / "base" / "one"
    with pytest.raises((OSError, Unavailable), match=rf"{target}\.(age|sm4)"), room_for(1000):
        seal(io.BytesIO(bytes(2 * PORTION)), target, recipient)
    assert list(target.parent.iterdir()) == []


def test_a_base_that_cannot_be_unpacked_says_so(tmp_path: Path) -> None:
    """However much is said about it, as when a disk is full under thousands of files."""
    with tarfile.open(tmp_path / "base", "w:gz") as archive:
        for number in range(4000):
            archive.addfile(tarfile.TarInfo(f"in the way/{number:05}"))
        last = tarfile.TarInfo("last")
        last.size = 1 << 20
        archive.addfile(last, io.BytesIO(os.urandom(last.size)))
    make_identity(tmp_path / "key", "international")
    identity = read_identity(tmp_path / "key")
    with (tmp_path / "base").open("rb") as base:
        sealed = seal(base, tmp_path / "base", identity.age[0].to_public())
    data = tmp_path / "data"
    data.mkdir()
    (data / "in the way").touch()
    with pytest.raises(BackupBroken, match=r"cannot be unpacked into .*/data: tar: in the way"):
        _unpack(sealed.path, data, identity)


def test_files_of_both_keys_are_read_by_who_has_both(tmp_path: Path) -> None:
    both, keys = "", {}
    for suite in ("international", "commercial"):
        public = make_identity(tmp_path / suite, _suite(suite))
        assert public.startswith("sm2-" if suite == "commercial" else "age1")
        keys[suite] = read_identity(tmp_path / suite)
        both += (tmp_path / suite).read_text()
        seal(io.BytesIO(suite.encode()), tmp_path / f"file-{suite}", read_recipient(public))
    (tmp_path / "both").write_text(both)
    files = {"international": tmp_path / "file-international.age"}
    files["commercial"] = tmp_path / "file-commercial.sm4"
    for suite, file in files.items():
        for identity in (read_identity(tmp_path / "both"), keys[suite]):
            opened = io.BytesIO()
            unseal(file, opened, identity)
            assert opened.getvalue() == suite.encode()
        [other] = [one for name, one in keys.items() if name != suite]
        with pytest.raises(BackupBroken, match="whose secret key is not given") as caught:
            unseal(file, io.BytesIO(), other)
        assert caught.value.message_zh.endswith("加密，但未给出对应的私钥")


def _suite(name: str) -> Suite:
    return "commercial" if name == "commercial" else "international"


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    seal(io.BytesIO(b"content"), tmp_path / "one", KEY.public_key())
    age = read_recipient(make_identity(tmp_path / "key", "international"))
    seal(io.BytesIO(b"content"), tmp_path / "one", age)
    for suite, name, told in (
        ("commercial", "one.sm4", "another key"),
        ("international", "one.age", "No matching keys"),
    ):
        make_identity(tmp_path / f"other-{suite}", _suite(suite))
        with pytest.raises(BackupBroken, match=told) as caught:
            unseal(tmp_path / name, io.BytesIO(), read_identity(tmp_path / f"other-{suite}"))
        assert caught.value.message_zh.endswith("或以其他密钥加密")


@given(st.binary(max_size=80))
def test_a_public_key_must_be_a_point_of_the_curve(content: bytes) -> None:
    assert str(name_of_key(KEY.public_key())).startswith("sm2-CfnfMR5UIaFQ3X0WHkvFxnIXn60Y")
    with pytest.raises(InvalidInput, match="sm2-"):
        read_recipient("sm2-" + content.hex())


def test_of_a_segment_that_is_not_whole_the_newest_file_counts(tmp_path: Path) -> None:
    """Whoever takes a key of the other kind leaves a file of the former one behind."""
    folder, name = BackupFolder(tmp_path), "000000010000000000000003"
    made: dict[Suite, Path] = {}
    for number, suite in enumerate(SUITES):
        recipient = read_recipient(make_identity(tmp_path / suite, suite))
        target = folder.segment(f"{name}{BEGUN}")
        made[suite] = tmp_path / "wal" / seal(io.BytesIO(b"log"), target, recipient).path.name
        os.utime(made[suite], (number, number))
    assert folder.begun() == {name: made[SUITES[-1]]}
    for suite in SUITES:
        os.utime(made[suite], (9, 9))
        assert folder.begun() == {name: made[suite]}
        os.utime(made[suite], (0, 0))
    folder.forget_begun(name)
    assert folder.begun() == {}
    assert [*folder.wal.iterdir()] == []
