import os
import pwd
import shutil
from pathlib import Path

import pytest

from shanhai.local import places
from shanhai.local.places import (
    SERVER_ACCOUNT,
    Home,
    current_account,
    owner_of,
    server_place,
)
from tests.support.run_directory import discard_places


def has_server_account() -> bool:
    return any(entry.pw_name == SERVER_ACCOUNT for entry in pwd.getpwall())


as_root = pytest.mark.skipif(
    os.geteuid() != 0 or not has_server_account(),
    reason="only root hands servers to another account",
)


@pytest.fixture
def locked_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory the servers' account cannot enter, with a stand-in for /var/lib/shanhai."""
    monkeypatch.setattr(places, "ELSEWHERE", tmp_path / "elsewhere")
    base = tmp_path / "locked" / ".shanhai"
    base.mkdir(parents=True)
    base.parent.chmod(0o700)
    return base


def test_home_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHANHAI_HOME", str(tmp_path / "home"))
    home = Home.of_checkout()
    assert home.path == tmp_path / "home"
    assert home.run.is_dir()
    assert home.work("api") == tmp_path / "home" / "work" / "api"


def test_home_is_in_the_checkout_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHANHAI_HOME", raising=False)
    assert Home.of_checkout().path == places.CHECKOUT / ".shanhai"
    assert (places.CHECKOUT / "pyproject.toml").is_file()


@pytest.mark.skipif(os.geteuid() == 0, reason="root hands servers to another account")
def test_an_ordinary_user_keeps_servers_at_home(tmp_path: Path) -> None:
    place = server_place(tmp_path / "home", "postgres")
    assert place.directory == tmp_path / "home" / "postgres"
    assert place.account == current_account()
    assert place.directory.stat().st_mode & 0o777 == 0o700


@as_root
def test_root_keeps_servers_elsewhere_when_their_account_cannot_enter(locked_base: Path) -> None:
    place = server_place(locked_base, "postgres")
    assert place.directory.parents[1] == places.ELSEWHERE
    assert (locked_base / "postgres").resolve() == place.directory
    assert owner_of(place.directory) == place.account
    assert place.account.uid == pwd.getpwnam(SERVER_ACCOUNT).pw_uid
    assert server_place(locked_base, "postgres") == place


@as_root
def test_a_removed_home_starts_empty_and_deletes_nothing(locked_base: Path) -> None:
    (server_place(locked_base, "postgres").directory / "old").touch()
    shutil.rmtree(locked_base)
    place = server_place(locked_base, "postgres")
    assert list(place.directory.iterdir()) == []
    assert len(list(place.directory.parent.glob("postgres.left-*/old"))) == 1


@as_root
def test_a_copied_home_does_not_share_its_original_data(locked_base: Path) -> None:
    original = server_place(locked_base, "postgres")
    copy = locked_base.with_name("copy")
    shutil.copytree(locked_base, copy, symlinks=True)
    assert server_place(copy, "postgres").directory != original.directory


@as_root
def test_a_lost_data_directory_is_made_again(locked_base: Path) -> None:
    place = server_place(locked_base, "postgres")
    shutil.rmtree(place.directory)
    assert server_place(locked_base, "postgres").directory.is_dir()


@as_root
def test_places_elsewhere_are_discarded(locked_base: Path) -> None:
    place = server_place(locked_base, "postgres")
    discard_places(locked_base)
    assert not place.directory.parent.exists()
    discard_places(locked_base)


@as_root
def test_root_uses_what_another_account_owns(tmp_path: Path) -> None:
    base = tmp_path / "home"
    (base / "postgres").mkdir(parents=True)
    os.chown(base / "postgres", 65534, 65534)
    assert server_place(base, "postgres").account.uid == 65534
