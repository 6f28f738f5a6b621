"""What a hostile file would have its reader do; each attempt tells whether it got through."""

import ctypes
import mmap
import os
import platform
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from shanhai.processes.kit.task import Outcome, Progress, Task

DONE = "done"
LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE_SEIZE = 0x4206
CALLS = {"io_uring_setup": 425, "pidfd_getfd": 438, "open_tree": 428}
"""Calls that have one number on all processors."""
NEW_USER_NAMESPACE = 0x10000000
MPTCP = 262
GETPID_32 = b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"
"""mov eax, 20; int 0x80; ret: the call by which 32-bit programs ask."""


def attempts(task: Task, workspace: Path, progress: Progress) -> Outcome:
    """Try everything that `task.inputs` names the victims of."""
    tried = {name: result(attempt) for name, attempt in listed(task.inputs, workspace).items()}
    return Outcome(values={"tried": tried, "uid": os.geteuid()})


def result(attempt: Callable[[], object]) -> str:
    """Whether an attempt got through."""
    try:
        attempt()
    except (OSError, subprocess.SubprocessError) as error:
        return type(error).__name__
    return DONE


def listed(given: dict[str, Any], workspace: Path) -> dict[str, Callable[[], object]]:
    """The attempts by name."""
    outside, worker = Path(given["outside"]), int(given["worker"])
    pids = {"worker": worker, "server": os.getppid(), "test": int(given["test"])}
    others = {
        f"{name} of {who}": Path(f"/proc/{pid}/{name}").read_bytes
        for who, pid in pids.items()
        for name in ("environ", "maps", "auxv")
    }
    return {
        **over_network(given),
        **others,
        "memory of the worker": lambda: os.open(f"/proc/{worker}/mem", os.O_RDWR),
        "files of the worker": Path(f"/proc/{worker}/fd/0").readlink,
        "trace of the worker": lambda: called(LIBC.ptrace(PTRACE_SEIZE, worker, 0, 0)),
        "signal to the worker": lambda: os.kill(worker, 0),
        "reading a foreign file": (outside / "foreign").read_bytes,
        "listing a foreign folder": lambda: list(outside.iterdir()),
        "making a file outside": (outside / "made").touch,
        "writing a foreign file": lambda: os.open(outside / "foreign", os.O_RDWR),
        "emptying a foreign file": lambda: os.truncate(outside / "foreign", 0),
        "removing a foreign file": (outside / "foreign").unlink,
        "moving a file out": lambda: moved(workspace, outside),
        "linking a foreign file": lambda: os.link(outside / "foreign", workspace / "linked"),
        "a link that leads out": lambda: through_link(workspace, outside),
        "writing beside the programs": lambda: Path(given["programs"]).touch(),
        "running a setuid program": lambda: run(given["setuid"]),
        "running a shell": lambda: run("/bin/sh"),
        "running a program of its own": lambda: run_copy(workspace),
        "another account": lambda: os.setuid(0 if os.geteuid() else 1),
        "a namespace of users": lambda: called(LIBC.unshare(NEW_USER_NAMESPACE)),
        "another root": lambda: os.chroot(workspace),
        "mounting": partial(mount, workspace),
        **{name: partial(demand_allowed, number) for name, number in CALLS.items()},
        **other_ways_in(),
    }


def over_network(given: dict[str, Any]) -> dict[str, Callable[[], object]]:
    """Ways to reach the canaries."""
    tcp4, tcp6, udp, path = (given[name] for name in ("tcp4", "tcp6", "udp", "path"))
    return {
        "TCP over IPv4": lambda: connect(socket.AF_INET, ("127.0.0.1", tcp4)),
        "TCP over IPv6": lambda: connect(socket.AF_INET6, ("::1", tcp6)),
        "IPv4 in IPv6": lambda: connect(socket.AF_INET6, ("::ffff:127.0.0.1", tcp4)),
        "MPTCP": lambda: connect(socket.AF_INET, ("127.0.0.1", tcp4), MPTCP),
        "UDP": lambda: send(("127.0.0.1", udp)),
        "a socket of the file system": lambda: connect(socket.AF_UNIX, path),
        "an abstract socket": lambda: connect(socket.AF_UNIX, f"\0{given['abstract']}"),
        "a datagram from a pair": lambda: from_pair(path),
        "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
        "raw packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
        "listening": listen,
    }


def connect(family: int, address: Any, protocol: int = 0) -> None:
    with socket.socket(family, socket.SOCK_STREAM, protocol) as out:
        out.settimeout(2)
        out.connect(address)
        out.sendall(b"GET / HTTP/1.0\r\n\r\n")


def send(address: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(b"x", address)


def from_pair(path: str) -> None:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with closing(one), closing(other):
        one.sendto(b"x", path)


def listen() -> None:
    with socket.create_server(("127.0.0.1", 0)):
        pass


def moved(workspace: Path, outside: Path) -> None:
    (workspace / "own").touch()
    (workspace / "own").rename(outside / "own")


def through_link(workspace: Path, outside: Path) -> None:
    link = workspace / "link"
    link.symlink_to(outside)
    (link / "foreign").read_bytes()


def run(program: str) -> None:
    subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, timeout=5, check=False)


def run_copy(workspace: Path) -> None:
    copy = workspace / "true"
    copy.write_bytes(Path("/bin/true").read_bytes())
    copy.chmod(0o700)
    run(str(copy))


def mount(folder: Path) -> None:
    called(LIBC.mount(b"none", os.fsencode(folder), b"tmpfs", 0, None))


def demand_allowed(number: int) -> None:
    called(LIBC.syscall(number, 0, 0, 0))


def called(answer: int) -> None:
    """Raise what a call of the C library told; EPERM alone counts as refused."""
    if answer < 0 and ctypes.get_errno() == 1:
        raise PermissionError(1, "refused")


def other_ways_in() -> dict[str, Callable[[], object]]:
    """Calls as programs of 32 bits and of the x32 interface make them."""
    if platform.machine() != "x86_64":
        return {}
    return {
        "calls of 32 bits": lambda: survived(by_interrupt),
        "calls of x32": lambda: survived(lambda: LIBC.syscall(0x40000000 + 39)),
    }


def by_interrupt() -> None:
    room = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    room.write(GETPID_32)
    start = ctypes.addressof(ctypes.c_char.from_buffer(room))
    ctypes.CFUNCTYPE(ctypes.c_int)(start)()


def survived(attempt: Callable[[], object]) -> None:
    """Raise when a process that tries is killed for it."""
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGSYS, signal.SIG_DFL)
        attempt()
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.waitstatus_to_exitcode(status) == -signal.SIGSYS:
        raise PermissionError(1, "killed")


def setuid_program(folder: Path) -> str:
    """A program that is run as its owner, the superuser where the tests are."""
    found = shutil.which("su") or shutil.which("passwd")
    if found is not None:
        return found
    copy = folder / "setuid"
    shutil.copy("/bin/true", copy)
    copy.chmod(0o4755)
    return str(copy)
