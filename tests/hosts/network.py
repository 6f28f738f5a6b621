"""Two hosts as network namespaces, with a link between them that can be cut."""

import ctypes
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_NEW_NETWORK = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
NAMED = "shanhai-"
"""Namespaces are named so, with the number of the process they are of."""
PROGRAMS = ("ip", "iptables", "unshare", "mount", "hostname")
_ON_THE_HOST = """
hostname "$1"
mount -t tmpfs -o size=64k none "$2"
shift 2
exec "$@"
"""
"""Of a process: the name of its host, and nothing where the other host has its folders."""


def missing_for_hosts() -> str | None:
    """Why there can be no namespaces here, if so."""
    if os.geteuid() != 0:
        return "root is needed"
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"{', '.join(missing)} is not there"
    name = f"{NAMED}{os.getpid()}"
    try:
        _ip("netns", "add", name)
        _ip("netns", "exec", name, "unshare", "--uts", "--mount", "true")
    except subprocess.CalledProcessError as error:
        return f"no namespaces can be made: {error.stderr.strip()[-200:]}"
    finally:
        with suppress(subprocess.CalledProcessError):
            _ip("netns", "delete", name)
    return None


@dataclass(frozen=True, slots=True)
class Host:
    """One host.

    Attributes:
        name: Its name, `a` or `b`.
        namespace: The name of its network namespace.
        address: Where the other host reaches it, and the tests over a link of their own.
        outside: Where the tests reach it.
        folder: All its processes write is there; those of the other host do not see it.
        hidden: The folder of the other host.
    """

    name: str
    namespace: str
    address: str
    outside: str
    folder: Path
    hidden: Path

    def command(self, command: Sequence[str]) -> list[str]:
        """What runs a command there, in the same process."""
        apart = ["ip", "netns", "exec", self.namespace, "unshare", "--uts", "--mount", "--"]
        begun = ["sh", "-euc", _ON_THE_HOST, "sh", f"host-{self.name}", str(self.hidden)]
        return [*apart, *begun, *command]

    def kill(self) -> None:
        """End all that runs there at once, as a loss of power does."""
        _kill_all(self.namespace)

    def filter(self, what: str) -> None:
        """Begin (`-I`) or end (`-D`) to lose what comes from the other host."""
        rule = ("iptables", "-w", what, "INPUT", "-i", WIRE, "-j", "DROP")
        _ip("netns", "exec", self.namespace, *rule)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Make and use sockets there, in this thread and in what it starts."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(f"/run/netns/{self.namespace}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(there)
            yield
        finally:
            _enter(own)
            os.close(own)
            os.close(there)


@dataclass(frozen=True, slots=True)
class Link:
    """What joins two hosts."""

    hosts: tuple[Host, Host]

    def cut(self) -> None:
        """Lose whatever is sent, without a word to who sent it."""
        for host in self.hosts:
            host.filter("-I")

    def heal(self) -> None:
        """Let through what is sent from now on, unless it is."""
        for host in self.hosts:
            with suppress(subprocess.CalledProcessError):
                host.filter("-D")


@contextmanager
def linked_hosts(folder: Path) -> Iterator[Link]:
    """Two hosts whose folders are in this one; whatever runs there at the end is killed."""
    _remove_abandoned()
    own, network = os.getpid(), f"10.{secrets.randbelow(200) + 40}"
    places = {name: folder / f"host-{name}" for name in "ab"}
    hosts = tuple(
        Host(
            name,
            f"{NAMED}{own}-{name}",
            f"{network}.0.{number}",
            f"{network}.{number}.1",
            places[name],
            places["ba"[number - 1]],
        )
        for number, name in enumerate("ab", 1)
    )
    try:
        for host in hosts:
            host.folder.mkdir()
            _make(host)
        first, second = hosts
        _ip("-n", first.namespace, "link", "add", WIRE, "type", "veth", *_peer(WIRE, second))
        for host in hosts:
            _give_address(host, WIRE, host.address)
        yield Link((first, second))
    finally:
        for host in hosts:
            _remove(host)


WIRE, TESTS = "wire", "tests"
"""Interfaces of a host: to the other one, and to the tests."""


def _make(host: Host) -> None:
    _ip("netns", "add", host.namespace)
    _ip("-n", host.namespace, "link", "set", "lo", "up")
    device = host.namespace.removeprefix(NAMED)
    _ip("link", "add", device, "type", "veth", *_peer(TESTS, host))
    _ip("address", "add", f"{host.outside.rpartition('.')[0]}.2/24", "dev", device)
    _ip("link", "set", device, "up")
    _give_address(host, TESTS, host.outside)


def _peer(device: str, host: Host) -> tuple[str, ...]:
    return ("peer", "name", device, "netns", host.namespace)


def _give_address(host: Host, device: str, address: str) -> None:
    _ip("-n", host.namespace, "address", "add", f"{address}/24", "dev", device)
    _ip("-n", host.namespace, "link", "set", device, "up")


def _remove(host: Host) -> None:
    with suppress(subprocess.CalledProcessError):
        _clear(host.namespace)


def _clear(namespace: str) -> None:
    _kill_all(namespace)
    _ip("netns", "delete", namespace)


def _kill_all(namespace: str) -> None:
    while pids := _ip("netns", "pids", namespace).split():
        for pid in map(int, pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _remove_abandoned() -> None:
    """Remove what runs that were killed have left."""
    for line in _ip("netns", "list").splitlines():
        name = line.split()[0]
        number = name.removeprefix(NAMED).partition("-")[0]
        if name.startswith(NAMED) and number.isdecimal() and not Path(f"/proc/{number}").exists():
            _clear(name)


def _enter(handle: int) -> None:
    if _LIBC.setns(handle, _NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "the network could not be entered")


def _ip(*arguments: str) -> str:
    command = ("ip", *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
