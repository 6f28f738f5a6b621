import os
from pathlib import Path

import pytest

from shanhai.local.places import SecretBook, tail, write_whole


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "note"
    write_whole(path, "a long first text")
    write_whole(path, "short")
    assert path.read_text() == "short"
    assert os.listdir(tmp_path) == ["note"]


def test_a_failed_write_leaves_the_old_text(tmp_path: Path) -> None:
    path = tmp_path / "note"
    write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\ud800")
    assert path.read_text() == "old"


def test_tail_gives_the_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(f"{i}\n" for i in range(100)))
    assert tail(path, 2) == "98\n99"
    assert tail(tmp_path / "absent") == ""


def test_secrets_are_kept_together_and_private(tmp_path: Path) -> None:
    book = SecretBook(tmp_path / "secrets.json")
    book.keep("redis_password", "one")
    book.keep("admin_key", "two")
    book.keep("redis_password", "three")
    assert (book.get("redis_password"), book.get("admin_key")) == ("three", "two")
    assert book.path.stat().st_mode & 0o777 == 0o600
    assert book.get("absent") is None
