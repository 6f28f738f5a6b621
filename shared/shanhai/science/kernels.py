"""Loops over cells that Numba compiles; where it is not installed, calling one says so.

What checks a request names the formulas that a job will compute, and so imports their modules, but
computes none of them: the API does without the compiler, which is larger than all the rest of it.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

try:
    from numba import config, njit
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
        loop.enable_caching()  # a loop has the folder of the moment when it was made


def compiled_inline(loop: Loop) -> Loop:
    """A loop that becomes part of each that calls it."""
    return _compiled(loop, "always")


def _compiled(loop: Loop, inline: Any) -> Loop:
    if not INSTALLED:
        return cast("Loop", _refused(loop))
    made = njit(cache=True, nogil=True, inline=inline)(loop)
    _MADE.append(made)
    return cast("Loop", made)


def _refused(loop: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(loop)
    def refuse(*_arguments: Any) -> None:
        raise ModuleNotFoundError(
            f"{loop.__module__}.{loop.__name__} needs Numba: install shanhai[science]", name="numba"
        )

    return refuse
