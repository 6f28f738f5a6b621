"""What a process that opens files from outside may do: its job, and nothing else.

It reads the programs and the files it is given, writes its workspace, and has no network: neither
a socket nor another process's memory, more rights, or a program that is not Python. Of the kernel
it asks `no_new_privs`, a filter of system calls (seccomp), Landlock where there is one, and the
rights of an account of its own where the worker may switch. ADR 20 tells why so and not otherwise.

Run as a program it puts itself into such isolation, tries what must not be possible, and prints
what holds here.
"""

import asyncio
import ctypes
import json
import os
import platform
import resource
import signal
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel

from shanhai.errors import Unavailable

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
SECCOMP_MODE_FILTER = 2


class Confinement(BaseModel):
    """What one process may do beyond reading the programs.

    Attributes:
        read: Files and folders it may read.
        write: Folders it may write.
        relay: Whether it may connect to sockets of the file system.
        port: The port it may connect to over TCP, if any.
        uid: Number of the account it changes to, if it may.
        required: Whether it must not go on without the least isolation (`lacking`).
    """

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    relay: bool = False
    port: int | None = None
    uid: int | None = None
    required: bool = False


class Protection(NamedTuple):
    """A part of the isolation on this machine: in force, or why not."""

    name: str
    fault: str | None = None

    @property
    def told(self) -> str:
        """Its state in words."""
        return "active" if self.fault is None else f"unavailable: {self.fault}"


def hide_memory() -> None:
    """Keep memory and environment of this process from others of the same account.

    Nobody but the superuser can trace it then, and it leaves no core file.

    Raises:
        OSError: The kernel refused.
    """
    _prctl(PR_SET_DUMPABLE, 0)


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent ends, however that ends.

    Raises:
        ProcessLookupError: The parent ended before this was asked for.
        OSError: The kernel refused.
    """
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        raise ProcessLookupError(f"the process {parent_pid} has ended")


def confine(wanted: Confinement) -> list[Protection]:
    """Put this process, and all it starts, into isolation; it cannot be undone.

    To be called while there is one thread.

    Returns:
        What holds now, and what is missing.

    Raises:
        Unavailable: The isolation is required, and too much of it is missing.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    steps: dict[str, Callable[[], None]] = {
        "account": lambda: _change_account(wanted.uid),
        "rights": _drop_capabilities,
        "no_new_privileges": lambda: _prctl(PR_SET_NO_NEW_PRIVS, 1),
        "files": lambda: _restrict_files(wanted),
        "ports": _demand_ports,
        "network": lambda: _filter_calls(relay=wanted.relay, port=wanted.port),
    }
    found = [_attempted(name, step) for name, step in steps.items()]
    if wanted.required and (faults := lacking(found, port=wanted.port is not None)):
        raise Unavailable(
            f"this process cannot be isolated: {'; '.join(faults)}",
            message_zh=f"无法隔离作业进程：{'；'.join(faults)}",
        )
    return found


def lacking(found: Iterable[Protection], *, port: bool = False) -> list[str]:
    """What `required` asks for and is not there, each with the reason.

    No network and no new rights; memory of the parent closed, as far as that was looked at; files
    closed by Landlock or by an account of its own. One port needs Landlock's rules for TCP.
    """
    faults = {item.name: item.fault for item in found if item.fault is not None}
    needed = {"no_new_privileges", "network", "memory"} | ({"ports"} if port else set())
    if "files" in faults and "account" in faults:
        needed |= {"files", "account"}
    return [f"{name} ({faults[name]})" for name in faults if name in needed]


def _attempted(name: str, step: Callable[[], None]) -> Protection:
    try:
        step()
    except (OSError, NotImplementedError) as error:
        return Protection(name, str(error) or type(error).__name__)
    return Protection(name)


_LIBC = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _LIBC.prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0))) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) was refused")


def _call(number: int, *arguments: object) -> int:
    answer: int = _LIBC.syscall(number, *arguments)
    if answer < 0:
        fault = ctypes.get_errno()
        raise OSError(fault, os.strerror(fault))
    return answer


def _change_account(uid: int | None) -> None:
    if uid is None:
        raise NotImplementedError("no account is named for the processes of jobs")
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    # Changing the account has undone both.
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    hide_memory()


_CAPABILITY_VERSION = 0x20080522


def _drop_capabilities() -> None:
    """Give up what the superuser may do beyond any account; no program brings it back."""
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    if _LIBC.capset(header, bytes(24)) != 0:
        raise OSError(ctypes.get_errno(), "capset was refused")


EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
MAKE_CHAR, MAKE_BLOCK, TRUNCATE, IOCTL_DEV = 1 << 6, 1 << 11, 1 << 14, 1 << 15
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
READ = READ_FILE | READ_DIR
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
PATH_RULE, PORT_RULE = 1, 2
BIND_TCP, CONNECT_TCP = 1, 2
SCOPED = 0b11
"""Abstract sockets and signals stay among the processes that are isolated together."""
PORTS_SINCE, SCOPES_SINCE = 4, 6
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
SYSTEM = (
    *("/usr", "/lib", "/lib64", "/proc", "/sys/devices/system", "/sys/fs/cgroup"),
    *("/etc/ld.so.cache", "/etc/fonts", "/etc/localtime", "/etc/timezone", "/etc/ssl"),
    *("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/mime.types"),
    "/var/cache/fontconfig",
)
HOME = (".fonts", ".local/share/fonts", ".cache/fontconfig", ".cache/matplotlib")
NAMED = ("PROJ_DATA", "PROJ_LIB", "GDAL_DATA", "GDAL_DRIVER_PATH", "MPLCONFIGDIR")
LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")


def landlock_version() -> int:
    """Which Landlock the kernel has; 0 for none."""
    with suppress(OSError):
        return _call(CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    return 0


@cache
def programs() -> tuple[str, ...]:
    """Where the interpreter, its libraries and their data are; what is not there is left out."""
    return tuple(sorted(filter(os.path.exists, set(_places()))))


def _places() -> Iterator[str]:
    yield from (*SYSTEM, sys.prefix, sys.base_prefix)
    for name, module in list(sys.modules.items()):
        if name.startswith("shanhai") and "." not in name:
            # A fresh interpreter looks for the package in the folder above it.
            yield from (str(Path(place).parent) for place in module.__path__)
    yield from filter(None, map(os.environ.get, NAMED))
    home = os.environ.get("HOME")
    if home:
        yield from (f"{home}/{folder}" for folder in HOME)


def _demand_ports() -> None:
    if (version := landlock_version()) < PORTS_SINCE:
        raise NotImplementedError(f"Landlock {version} knows no ports; Linux 6.7 or newer does")


def _restrict_files(wanted: Confinement) -> None:
    version = landlock_version()
    if version == 0:
        raise NotImplementedError("the kernel has no Landlock, or it is not switched on")
    # The rights to files that Landlock of this version can withhold.
    handled = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    ports = BIND_TCP | CONNECT_TCP if version >= PORTS_SINCE else 0
    scoped = SCOPED if version >= SCOPES_SINCE else 0
    attributes = struct.pack("QQQ", handled, ports, scoped)
    size = 24 if scoped else 16 if ports else 8
    rules = _call(CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    try:
        for place, rights in _allowed(wanted, handled):
            _allow(rules, place, rights)
        if ports and wanted.port is not None:
            _call(ADD_RULE, rules, PORT_RULE, struct.pack("QQ", CONNECT_TCP, wanted.port), 0)
        _call(RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allowed(wanted: Confinement, handled: int) -> Iterator[tuple[str, int]]:
    for place in (*programs(), *wanted.read):
        yield place, READ & handled
    for place in (os.path.realpath(sys.executable), *map(os.path.realpath, LOADERS)):
        yield place, (EXECUTE | READ_FILE) & handled
    for place in DEVICES:
        yield place, (READ_FILE | WRITE_FILE) & handled
    for place in wanted.write:
        yield place, handled & ~(EXECUTE | MAKE_CHAR | MAKE_BLOCK | IOCTL_DEV)


def _allow(rules: int, place: str, rights: int) -> None:
    try:
        handle = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no right
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= OF_FILES
        _call(ADD_RULE, rules, PATH_RULE, struct.pack("=Qi", rights, handle), 0)
    finally:
        os.close(handle)


@dataclass(frozen=True, slots=True)
class CallTable:
    """Numbers of system calls on a kind of processor.

    Attributes:
        audit: What the kernel calls the processor; calls by another way in are never allowed.
        refused: Calls that are never allowed: other processes' memory, more rights, the kernel.
    """

    audit: int
    socket: int
    socketpair: int
    connect: int
    sendto: int
    sendmsg: int
    sendmmsg: int
    clone: int
    refused: tuple[int, ...]


_SINCE_2019 = (*range(425, 434), 438, 440, 442, 467)
"""io_uring, new ways to mount, handles and memory of other processes; the same everywhere."""
CLONE3 = 435
CALLS: Mapping[str, CallTable] = {
    "x86_64": CallTable(
        0xC000003E,
        *(41, 53, 42, 44, 46, 307, 56),
        (
            *(43, 49, 50, 288, 101, 272, 308, 310, 311, 312, 321, 298, 323, 248, 249, 250),
            *(155, 161, 163, 164, 165, 166, 167, 168, 169, 170, 171, 172, 173, 103, 135, 154),
            *(159, 175, 176, 179, 227, 246, 300, 303, 304, 305, 313, 320, *_SINCE_2019),
        ),
    ),
    "aarch64": CallTable(
        0xC00000B7,
        *(198, 199, 203, 206, 211, 269, 220),
        (
            *(200, 201, 202, 242, 117, 97, 268, 270, 271, 272, 280, 241, 282, 217, 218, 219),
            *(39, 40, 41, 51, 89, 92, 104, 105, 106, 112, 116, 142, 161, 162, 170, 171),
            *(60, 224, 225, 262, 264, 265, 266, 273, 294, *_SINCE_2019),
        ),
    ),
}
X32 = 0x40000000
NEW_NAMESPACES = 0x7E020000
FAST_OPEN = 0x20000000
"""Of `sendto` and its like: connect as well."""
KILL, ALLOW, REFUSE = 0x80000000, 0x7FFF0000, 0x00050000
EPERM, ENOSYS = 1, 38
LOAD, AND, EQUAL, LEAST, SET, RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
NUMBER, PROCESSOR = 0, 4
AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
STREAM, SEQPACKET, TCP = 1, 5, 6
OF_KIND = 0xF
Step = tuple[int, int, int, int]


def call_filter(calls: CallTable, *, relay: bool, ported: bool) -> list[Step]:
    """The program the kernel asks about each system call (classic BPF)."""
    steps: list[Step] = [
        *_unless((LOAD, PROCESSOR), (EQUAL, calls.audit), KILL),
        *_when((LOAD, NUMBER), (LEAST, X32), KILL),
    ]
    for number in calls.refused:
        steps += _at(number, [(RETURN, 0, 0, REFUSE | EPERM)])
    steps += _at(CLONE3, [(RETURN, 0, 0, REFUSE | ENOSYS)])  # the C library then takes `clone`
    steps += _at(calls.clone, _refused_with(0, NEW_NAMESPACES))
    for number, flags in ((calls.sendto, 3), (calls.sendmsg, 2), (calls.sendmmsg, 3)):
        steps += _at(number, _refused_with(flags, FAST_OPEN))
    # A datagram can be sent to any name without a connection.
    steps += _at(calls.socketpair, _one_of([(AF_UNIX, STREAM), (AF_UNIX, SEQPACKET)]))
    families = [(AF_UNIX, STREAM)] if relay else []
    if ported:
        families += [(AF_INET, STREAM), (AF_INET6, STREAM)]
    steps += _at(calls.socket, _one_of(families))
    if not families:
        steps += _at(calls.connect, [(RETURN, 0, 0, REFUSE | EPERM)])
    return [*steps, (RETURN, 0, 0, ALLOW)]


def _when(load: tuple[int, int], test: tuple[int, int], answer: int) -> list[Step]:
    return [(load[0], 0, 0, load[1]), (test[0], 0, 1, test[1]), (RETURN, 0, 0, answer)]


def _unless(load: tuple[int, int], test: tuple[int, int], answer: int) -> list[Step]:
    return [(load[0], 0, 0, load[1]), (test[0], 1, 0, test[1]), (RETURN, 0, 0, answer)]


def _at(number: int, steps: Sequence[Step]) -> list[Step]:
    """Go these steps, which end with an answer, when the call has this number."""
    return [(LOAD, 0, 0, NUMBER), (EQUAL, 0, len(steps), number), *steps]


def _argument(place: int) -> int:
    """Where the lower half of an argument lies; both processors put it first."""
    return 16 + 8 * place


def _refused_with(argument: int, bits: int) -> list[Step]:
    return [
        (LOAD, 0, 0, _argument(argument)),
        (SET, 0, 1, bits),
        (RETURN, 0, 0, REFUSE | EPERM),
        (RETURN, 0, 0, ALLOW),
    ]


def _one_of(families: Sequence[tuple[int, int]]) -> list[Step]:
    """Allow sockets of these families and kinds, of the usual protocol, and refuse all others.

    Other protocols than TCP, as MPTCP, are not seen by rules for ports.
    """
    steps: list[Step] = []
    for family, kind in families:
        steps += [
            (LOAD, 0, 0, _argument(0)),
            (EQUAL, 0, 7, family),
            (LOAD, 0, 0, _argument(1)),
            (AND, 0, 0, OF_KIND),
            (EQUAL, 0, 4, kind),
            (LOAD, 0, 0, _argument(2)),
            (EQUAL, 1, 0, 0),
            (EQUAL, 0, 1, TCP),
            (RETURN, 0, 0, ALLOW),
        ]
    return [*steps, (RETURN, 0, 0, REFUSE | EPERM)]


STEP_BYTES = 8


@cache
def _packed(calls: CallTable, *, relay: bool, ported: bool) -> bytes:
    steps = call_filter(calls, relay=relay, ported=ported)
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def prepare() -> None:
    """Find out once what `confine` needs, in a process that is to be split."""
    programs()
    if (calls := CALLS.get(platform.machine())) is not None:
        _packed(calls, relay=False, ported=False)


def _filter_calls(*, relay: bool, port: int | None) -> None:
    calls = CALLS.get(platform.machine())
    if calls is None:
        raise NotImplementedError(f"no filter of system calls for {platform.machine()}")
    program = _packed(calls, relay=relay, ported=port is not None)
    held = ctypes.c_char_p(program)
    address = ctypes.cast(held, ctypes.c_void_p).value
    described = struct.pack("HP", len(program) // STEP_BYTES, address)
    if _LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, described, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp was refused")


PROBE_S = 30


def probe(uid: int | None = None) -> list[Protection]:
    """What of the isolation holds on this machine: a process of its own tries it.

    The memory of the calling process is closed (`hide_memory`).

    Raises:
        Unavailable: That process did not end well.
    """
    import subprocess

    hide_memory()
    with tempfile.TemporaryDirectory() as folder:
        told = subprocess.run(
            [sys.executable, "-I", "-m", __name__, folder, json.dumps(uid)],
            capture_output=True,
            text=True,
            timeout=PROBE_S,
            check=False,
        )
    if told.returncode != 0:
        raise Unavailable(f"isolation cannot be tried: {told.stderr.strip()[-300:]}")
    return [Protection(*item) for item in json.loads(told.stdout)]


def demand(found: Sequence[Protection], *, port: bool) -> None:
    """Refuse to go on where the least isolation is missing.

    Raises:
        Unavailable: Something is missing; names it and what to do.
    """
    if faults := lacking(found, port=port):
        raise Unavailable(
            f"SHANHAI_WORKER_ISOLATION=required, and missing here: {'; '.join(faults)}; use a"
            " kernel and a container profile that allow it (docs/operations.md), or set `preferred`"
        )


def _tried(name: str, attempt: Callable[[], object], fault: str) -> list[Protection]:
    """Nothing when the attempt is refused; otherwise what did not hold."""
    try:
        attempt()
    except OSError:
        return []
    return [Protection(name, fault)]


def main(folder: str, uid: int | None) -> None:
    """Isolate this process, try to break out, and print what holds."""
    parent, outside = os.getppid(), Path(f"{folder}-outside")
    found = confine(Confinement(write=(folder,), uid=uid))
    environment = Path(f"/proc/{parent}/environ")
    broken = [
        *_tried("network", socket.socket, "a socket could be made"),
        *_tried("files", outside.touch, "a file outside could be written"),
        *_tried("memory", environment.read_bytes, "the parent's environment could be read"),
    ]
    with suppress(OSError):
        outside.unlink()
    states = {item.name: item for item in (Protection("memory"), *found)}
    for item in broken:
        states[item.name] = item if states[item.name].fault is None else states[item.name]
    json.dump(list(states.values()), sys.stdout)


_BUSY = asyncio.Semaphore(2)
"""More at once would take the machine from whoever sends nothing."""


async def run_apart(module: str, content: bytes, *, time_s: float) -> tuple[int, bytes]:
    """Give bytes to a module that runs as an isolated program of its own; its code and output.

    The module puts itself into isolation (`confine`) before it looks at them. It is given nothing
    of this process's environment.

    Raises:
        TimeoutError: It took longer than it may; it was ended.
    """
    async with _BUSY:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-m", module),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        try:
            async with asyncio.timeout(time_s):
                output, _ = await process.communicate(content)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, output


def enter(*, memory_bytes: int, cpu_s: int) -> None:
    """Begin as a program of `run_apart`: isolated, and bound in memory and time."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    confine(Confinement())


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
