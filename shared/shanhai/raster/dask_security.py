"""How the parts of a Dask cluster trust each other, and how their library is loaded.

A worker must have the same programs, the same arithmetic and the same files: otherwise its results
would not be the bytes this machine would have computed, or would not be found here.
"""

import hashlib
import os
import platform
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shanhai.errors import Unavailable

if TYPE_CHECKING:
    from distributed.security import Security


def load_distributed() -> None:
    """Import Dask's cluster without the log handlers and the open pages it would set up."""
    import dask

    dask.config.set(
        {
            # What asks for no change: its records then go the way of all others.
            "distributed.logging": {
                "version": 1,
                "incremental": True,
                "disable_existing_loggers": False,
            },
            "distributed.scheduler.http.routes": [],
            "distributed.worker.http.routes": [],
            "distributed.worker.profile.enabled": False,
            # A connection for each answer to a window would take longer than the answer.
            "distributed.scheduler.reuse-broadcast-comm": True,
        }
    )
    import distributed  # noqa: F401  (loaded with the configuration above)


def security_of(ca: Path | None, cert: Path | None, key: Path | None) -> "Security":
    """Certificates on both sides, and no way around them where there are any.

    Every part shows the same kind of certificate, and trusts whoever shows one of the authority.

    Raises:
        Unavailable: one of the files is not there, or none, or the key is another's.
    """
    from distributed.security import Security

    if ca is None:
        return Security(require_encryption=False)
    own = {
        f"tls_{part}_{what}": str(path)
        for part in ("client", "scheduler", "worker")
        for what, path in (("cert", cert), ("key", key))
    }
    security = Security(require_encryption=True, tls_ca_file=str(ca), **own)
    try:
        security.get_connection_args("client")  # which reads them
    except OSError as error:
        raise Unavailable(
            f"SHANHAI_DASK_TLS_CA, _CERT, _KEY ({ca}, {cert}, {key}) cannot be used: {error}",
            message_zh=f"SHANHAI_DASK_TLS_CA、_CERT、_KEY（{ca}、{cert}、{key}）不可用：{error}",
        ) from error
    return security


_LIBRARIES = ("shanhai", "numpy", "scipy", "numba", "rasterio", "scikit-learn", "shapely")


@dataclass(frozen=True, slots=True)
class Handshake:
    """Proofs that another process sees the same files and computes as this one does.

    Attributes:
        token: A file in the folder the windows are written to.
        secret: What it holds.
        files: Path and bytes of each file the windows read.
        programs: Versions of what computes, one text.
        arithmetic: Digest of a computation, see `arithmetic`.
        apart: Whether a process will do that does not see the files.
    """

    token: Path
    secret: str
    files: tuple[tuple[Path, int], ...]
    programs: str
    arithmetic: str
    apart: bool = False

    @classmethod
    def offered(cls, shared: Sequence[Path], *, apart: bool = False) -> "Handshake":
        """The proofs for the folder that comes first and the files that follow it."""
        folder, *files = shared
        secret = secrets.token_hex(16)
        token = folder / f"seen-{secrets.token_hex(8)}"
        token.write_text(secret, encoding="ascii")
        sizes = tuple((path, path.stat().st_size) for path in files)
        return cls(token, secret, sizes, programs(), arithmetic(), apart)

    def withdraw(self) -> None:
        """Remove the token."""
        self.token.unlink(missing_ok=True)

    def check(self) -> bool:
        """Hold the proofs against the process this runs in; whether it sees the files.

        Raises:
            Unavailable: a file is not seen or another one, or programs or arithmetic differ.
        """
        unseen = self._unseen()
        if unseen is not None and not self.apart:
            raise _not_shared(unseen)
        _require_same("programs", "程序版本", programs(), self.programs)
        _require_same("arithmetic", "浮点运算结果", arithmetic(), self.arithmetic)
        return unseen is None

    def _unseen(self) -> Path | None:
        """The first of the files that is not here, or not the same."""
        with suppress(OSError):
            known = self.token.read_text(encoding="ascii") == self.secret
            if known and os.access(self.token.parent, os.W_OK):
                return next((path for path, size in self.files if not _has(path, size)), None)
        return self.token.parent


def _has(path: Path, size: int) -> bool:
    with suppress(OSError):
        return path.stat().st_size == size
    return False


def programs() -> str:
    """Versions of what computes: Python and the libraries results depend on."""
    libraries = (f"{name} {version(name)}" for name in _LIBRARIES)
    return ", ".join((f"Python {platform.python_version()}", *libraries))


@cache
def arithmetic() -> str:
    """Digest of functions and sums that NumPy and the BLAS compute differently by processor."""
    x = np.linspace(0.01, 30.0, 4099)
    functions = (np.exp(-x), np.log(x), np.sin(x), np.tanh(x), np.power(x, 0.3), np.arctan2(x, 2.0))
    sums = np.array([x.sum(), np.exp(x).sum(), x @ np.log(x)])
    single = np.exp(-x.astype(np.float32))
    parts = b"".join(part.tobytes() for part in (*functions, sums, single))
    return hashlib.sha256(parts).hexdigest()


def _not_shared(path: Path) -> Unavailable:
    place = f"{platform.node()} (process {os.getpid()}, account {os.geteuid()})"
    return Unavailable(
        f"the Dask worker on {place} does not see {path} as the job does, or may not write there;"
        " scratch and artifact folders must be shared under the same paths",
        message_zh=f"{place} 上的 Dask 工作进程看不到作业所见的 {path}，或无权写入；"
        "工作目录与成果目录须以相同路径共享",
    )


def _require_same(what: str, what_zh: str, here: str, asked: str) -> None:
    if here != asked:
        place = platform.node()
        raise Unavailable(
            f"{what} of the Dask worker on {place} are {here}; the job has {asked},"
            " so results would differ",
            message_zh=f"{place} 上 Dask 工作进程的{what_zh}为 {here}，作业为 {asked}，"
            "结果会不一致",
        )
