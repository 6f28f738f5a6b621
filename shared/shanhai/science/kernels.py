"""Loops over cells that Numba compiles; where it is not installed, calling one says so.

What checks a request names the formulas that a job will compute, and so imports their modules, but
computes none of them: the API does without the compiler, which is larger than all the rest of it.
"""

import hashlib
import pickle
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

try:
    from numba import config, njit
    from numba.core.caching import FunctionCache
except ModuleNotFoundError:
    INSTALLED = False
else:
    INSTALLED = True

Loop = TypeVar("Loop", bound=Callable[..., Any])
_MADE: list[Any] = []


def compiled(loop: Loop) -> Loop:
    """A loop that is compiled when it is first called, and kept for the next process."""
    return _compiled(loop, "never")


def load_compiler() -> None:
    """Load what the first compiled loop of a process needs, so that those split off it have it."""
    if INSTALLED:
        njit(nogil=True)(_least)(1.0)


def _least(value: float) -> float:
    return value


def keep_in(folder: str) -> None:
    """Keep what is compiled from now on in another folder, where each loop looks for it as well."""
    if INSTALLED:
        vars(config)["CACHE_DIR"] = folder
    for loop in _MADE:
        _keep(loop)  # a loop has the folder of the moment when it was made


def compiled_inline(loop: Loop) -> Loop:
    """A loop that becomes part of each that calls it."""
    return _compiled(loop, "always")


def _compiled(loop: Loop, inline: Any) -> Loop:
    if not INSTALLED:
        return cast("Loop", _refused(loop))
    made: Any = njit(nogil=True, inline=inline)(loop)
    made.compiled_from = _compiled_from(loop)
    _MADE.append(made)
    _keep(made)
    return cast("Loop", made)


def _keep(made: Any) -> None:
    """Let Numba look for what was compiled, and put what it compiles, where `_KeptLoop` says."""
    cache: Any = cast("Any", FunctionCache)(made.py_func)
    cache._cache_file = _KeptLoop(cache, made.compiled_from)
    made._cache = cache


def _compiled_from(loop: Callable[..., Any]) -> bytes:
    """What becomes part of a loop when it is compiled: its code, and numbers and loops it names."""
    # Of a function within it the code alone: what it prints as is of one process.
    own = [getattr(one, "co_code", one) for one in loop.__code__.co_consts]
    told = [loop.__code__.co_code, repr(own).encode()]
    for name in loop.__code__.co_names:
        value = loop.__globals__.get(name)
        if isinstance(value, int | float | np.generic | np.ndarray):
            told.append(np.asarray(value).tobytes())
        told.append(getattr(value, "compiled_from", b""))
    return hashlib.sha256(b"\0".join(told)).digest()


class _KeptLoop:
    """A compiled loop in files: one for each signature, named by all that it was compiled from.

    Numba itself numbers them and keeps an index. Two processes that compile at once take the same
    number for two signatures, and one that is killed leaves the file of a former source under its
    number; and of loops that are called it sees no change in another module. Each call would fail
    from then on, or compute what the former source says.
    """

    def __init__(self, cache: Any, compiled_from: bytes) -> None:
        self._numbered = cache._cache_file
        self._base = cache._impl.filename_base
        self._from = self._numbered._version, self._numbered._source_stamp, compiled_from

    def _name(self, key: object) -> str:
        return f"{self._base}.{hashlib.sha256(repr((self._from, key)).encode()).hexdigest()}.nbc"

    def load(self, key: object) -> object:
        """What was compiled for a signature; None where there is nothing that can be read."""
        try:
            return self._numbered._load_data(self._name(key))
        except (OSError, EOFError, pickle.UnpicklingError):
            return None

    def save(self, key: object, data: object) -> None:
        """Keep it; the file appears whole."""
        self._numbered._save_data(self._name(key), data)


def _refused(loop: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(loop)
    def refuse(*_arguments: Any) -> None:
        raise ModuleNotFoundError(
            f"{loop.__module__}.{loop.__name__} needs Numba: install shanhai[science]", name="numba"
        )

    return refuse
