"""Where a stack and its servers keep their state: folders, accounts, ports and secrets."""

import hashlib
import json
import os
import pwd
import random
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shanhai.errors import Unavailable


def write_whole(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Put `text` at `path` in one step, so that a reader or a crash never meets half of it."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    partial.replace(path)


def tail(path: Path, lines: int = 20) -> str:
    """The last lines of a log, or nothing when there is no log."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


SERVER_ACCOUNT = "shanhai"


@dataclass(frozen=True, slots=True)
class SystemAccount:
    """An account of the operating system."""

    uid: int
    gid: int

    def can_enter(self, directory: Path) -> bool:
        """Whether the account may reach what lies in `directory`, asked of the system itself."""
        if self.uid == os.geteuid():
            return os.access(directory, os.X_OK)
        answer = subprocess.run(
            ["/usr/bin/test", "-x", str(directory)],
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            cwd="/",
            check=False,
        )
        return answer.returncode == 0


def current_account() -> SystemAccount:
    """The account this program runs as."""
    return SystemAccount(os.geteuid(), os.getegid())


def server_account() -> SystemAccount:
    """The account for new servers: ours, or an unprivileged one when we are root.

    PostgreSQL refuses to run as root, and Redis should not.
    """
    if os.geteuid() != 0:
        return current_account()
    try:
        entry = pwd.getpwnam(SERVER_ACCOUNT)
    except KeyError:
        message = (
            f"the account {SERVER_ACCOUNT!r} for the private servers does not exist;"
            " run deploy/local/bootstrap.sh"
        )
        raise Unavailable(message) from None
    return SystemAccount(entry.pw_uid, entry.pw_gid)


def owner_of(path: Path) -> SystemAccount:
    """The account that owns `path`."""
    status = path.stat()
    return SystemAccount(status.st_uid, status.st_gid)


def run_as(
    account: SystemAccount, command: Sequence[str], *, directory: Path, standard_input: str = ""
) -> None:
    """Run a short command as `account`; fail with what it said when it fails."""
    other = account.uid != os.geteuid()
    answer = subprocess.run(
        command,
        cwd=directory,
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"},
        input=standard_input,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        user=account.uid if other else None,
        group=account.gid if other else None,
        extra_groups=[] if other else None,
        check=False,
    )
    if answer.returncode != 0:
        message = f"{Path(command[0]).name} failed (status {answer.returncode}):\n{answer.stdout}"
        raise Unavailable(message)


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
    account: SystemAccount


def server_place(base: Path, name: str) -> ServerPlace:
    """The directory of server `name` under `base`, made when absent.

    When the servers' account cannot enter `base` (a checkout in root's home, say), the directory
    lies under /var/lib/shanhai and `base/name` is a link to it.
    """
    base.mkdir(parents=True, exist_ok=True)
    base = base.resolve()
    own = hashlib.sha256(os.fsencode(base)).hexdigest()[:16]
    link, elsewhere = base / name, ELSEWHERE / own / name
    if link.is_symlink() and link.readlink() != elsewhere:
        link.unlink()  # copied from another checkout, whose data it would share
    if not link.is_symlink() and not link.exists():
        _make_place(base, link, elsewhere)
    elif not link.exists():
        _make_elsewhere(elsewhere, server_account())
    directory = link.resolve()
    return ServerPlace(directory, _account_of(directory))


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


def _make_elsewhere(directory: Path, account: SystemAccount) -> None:
    for parent in (ELSEWHERE, directory.parent):
        parent.mkdir(parents=True, exist_ok=True)
        parent.chmod(0o755)  # whatever the umask: the servers' account has to pass
    _make_owned(directory, account)


def _make_owned(directory: Path, account: SystemAccount) -> None:
    directory.mkdir(mode=0o700)
    if account.uid != os.geteuid():
        os.chown(directory, account.uid, account.gid)


def _account_of(directory: Path) -> SystemAccount:
    owner = owner_of(directory)
    if os.geteuid() not in (0, owner.uid):
        message = f"{directory} belongs to another account (uid {owner.uid}); run this as that one"
        raise Unavailable(message)
    return owner


# Below the range from which Linux takes the near end of outgoing connections.
SEARCH_RANGE = range(15000, 32000)
_HELD: dict[int, Path] = {}


@dataclass(frozen=True, slots=True)
class PortBook:
    """The ports of one stack, kept in a JSON file."""

    path: Path

    def remembered(self, name: str) -> int | None:
        """The port `name` was given last, if any."""
        return self._read().get(name)

    def remember(self, name: str, port: int) -> None:
        """Note that `name` listens on `port`."""
        book = self._read()
        if book.get(name) != port:
            write_whole(self.path, json.dumps(book | {name: port}, indent=2) + "\n")

    def choose(self, name: str, preferred: int | None = None) -> int:
        """A free port for `name`: the remembered one, else the preferred one, else any."""
        others = {port for owner, port in self._read().items() if owner != name}
        for port in (self.remembered(name), preferred):
            if port is not None and port not in others and self.hold(port) and is_free(port):
                break
        else:
            port = next(filter(self.hold, iter(lambda: any_free_port(others), 0)))
        self.remember(name, port)
        return port

    def hold(self, port: int) -> bool:
        """Keep other stacks from choosing `port` until this program ends; whether none has it."""
        if port not in _HELD:
            # A name in the same namespace as the port: a service listens seconds after the choice.
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sign, suppress(OSError):
                sign.bind(f"\0shanhai-port-{port}")
                sign.detach()
                _HELD[port] = self.path
        return _HELD.get(port) == self.path

    def _read(self) -> dict[str, int]:
        try:
            book = json.loads(self.path.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return {str(name): int(port) for name, port in book.items()}


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback address now."""
    with socket.socket() as probe:
        # Servers set the same option; without it a port in TIME_WAIT would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def any_free_port(taken: set[int]) -> int:
    """A free port at random, so that stacks side by side seldom try the same one."""
    choices = random.sample(SEARCH_RANGE, 500)
    for port in choices:
        if port not in taken and is_free(port):
            return port
    message = f"no free port among 500 tried between {SEARCH_RANGE.start} and {SEARCH_RANGE.stop}"
    raise Unavailable(message)


@dataclass(frozen=True, slots=True)
class SecretBook:
    """Passwords and keys by name."""

    path: Path

    def get(self, name: str) -> str | None:
        """The secret kept under `name`, if any."""
        return self._read().get(name)

    def keep(self, name: str, secret: str) -> None:
        """Keep `secret` under `name`."""
        book = self._read()
        if book.get(name) != secret:
            text = json.dumps(book | {name: secret}, indent=2) + "\n"
            write_whole(self.path, text, mode=0o600)

    def _read(self) -> dict[str, str]:
        try:
            book = json.loads(self.path.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return {str(name): str(secret) for name, secret in book.items()}
