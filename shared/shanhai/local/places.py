"""Where a stack keeps its state, and where its servers can keep theirs."""

import hashlib
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from shanhai.errors import Unavailable
from shanhai.local.accounts import Account, owner_of, server_account

CHECKOUT = Path(__file__).resolve().parents[3]
ELSEWHERE = Path("/var/lib/shanhai")


@dataclass(frozen=True, slots=True)
class Home:
    """The state of one stack: `.shanhai` of the checkout, or another directory."""

    path: Path

    @classmethod
    def of_checkout(cls) -> "Home":
        """The home named by `SHANHAI_HOME`, else `.shanhai` of this checkout."""
        return cls(Path(os.environ.get("SHANHAI_HOME") or CHECKOUT / ".shanhai").resolve())

    @property
    def run(self) -> Path:
        """Process ids."""
        return self._made("run")

    @property
    def log(self) -> Path:
        """Logs."""
        return self._made("log")

    @property
    def artifacts(self) -> Path:
        """The artifact store."""
        return self._made("artifacts")

    @property
    def scratch(self) -> Path:
        """Working files of jobs, which another attempt may go on from."""
        return self._made("scratch")

    @property
    def ports(self) -> Path:
        """The file of chosen ports."""
        return self.path / "ports.json"

    @property
    def secrets(self) -> Path:
        """The file of passwords, readable by its owner only."""
        return self.path / "secrets.json"

    def work(self, service: str) -> Path:
        """The directory a service works in."""
        return self._made(f"work/{service}")

    def _made(self, name: str) -> Path:
        directory = self.path / name
        directory.mkdir(parents=True, exist_ok=True)
        return directory


@dataclass(frozen=True, slots=True)
class ServerPlace:
    """A server's own directory and the account that owns it and runs the server."""

    directory: Path
    account: Account


def server_place(base: Path, name: str) -> ServerPlace:
    """The directory of server `name` under `base`, made when absent.

    When the servers' account cannot enter `base` (a checkout in root's home, say), the directory
    lies under /var/lib/shanhai and `base/name` is a link to it.
    """
    base.mkdir(parents=True, exist_ok=True)
    base = base.resolve()
    link, elsewhere = base / name, _elsewhere(base) / name
    if link.is_symlink() and link.readlink() != elsewhere:
        link.unlink()  # copied from another checkout, whose data it would share
    if not link.is_symlink() and not link.exists():
        _make_place(base, link, elsewhere)
    elif not link.exists():
        _make_elsewhere(elsewhere, server_account())
    directory = link.resolve()
    return ServerPlace(directory, _account_of(directory))


def discard_places(base: Path) -> None:
    """Delete what servers keep outside `base` on its behalf; they must have been stopped."""
    elsewhere = _elsewhere(base.resolve())
    if elsewhere.exists():
        shutil.rmtree(elsewhere)


def _make_place(base: Path, link: Path, elsewhere: Path) -> None:
    account = server_account()
    if account.can_enter(base):
        _make_owned(link, account)
        return
    if elsewhere.exists():
        # Its home was removed, and a new home starts empty; nobody's data is deleted unasked.
        elsewhere.rename(elsewhere.with_name(f"{link.name}.left-{time.time_ns()}"))
    _make_elsewhere(elsewhere, account)
    link.symlink_to(elsewhere)


def _make_elsewhere(directory: Path, account: Account) -> None:
    for parent in (ELSEWHERE, directory.parent):
        parent.mkdir(parents=True, exist_ok=True)
        parent.chmod(0o755)  # whatever the umask: the servers' account has to pass
    _make_owned(directory, account)


def _make_owned(directory: Path, account: Account) -> None:
    directory.mkdir(mode=0o700)
    if account.uid != os.geteuid():
        os.chown(directory, account.uid, account.gid)


def _account_of(directory: Path) -> Account:
    owner = owner_of(directory)
    if os.geteuid() not in (0, owner.uid):
        message = f"{directory} belongs to another account (uid {owner.uid}); run this as that one"
        raise Unavailable(message)
    return owner


def _elsewhere(base: Path) -> Path:
    return ELSEWHERE / hashlib.sha256(os.fsencode(base)).hexdigest()[:16]
