"""Loops over cells that Numba compiles; where it is not installed, calling one says so.

What checks a request names the formulas that a job will compute, and so imports their modules, but
computes none of them: the API does without the compiler, which is larger than all the rest of it.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

try:
    from numba import njit
except ModuleNotFoundError:
    INSTALLED = False
else:
    INSTALLED = True

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(loop: Loop) -> Loop:
    """A loop that is compiled when it is first called, and kept for the next process."""
    return _compiled(loop, "never")


def load_compiler() -> None:
    """Load what the first compiled loop of a process needs, so that those split off it have it."""
    if INSTALLED:
        njit(nogil=True)(_least)(1.0)


def _least(value: float) -> float:
    return value


def compiled_inline(loop: Loop) -> Loop:
    """A loop that becomes part of each that calls it."""
    return _compiled(loop, "always")


def _compiled(loop: Loop, inline: Any) -> Loop:
    made = njit(cache=True, nogil=True, inline=inline)(loop) if INSTALLED else _refused(loop)
    return cast("Loop", made)


def _refused(loop: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(loop)
    def refuse(*_arguments: Any) -> None:
        raise ModuleNotFoundError(
            f"{loop.__module__}.{loop.__name__} needs Numba: install shanhai[science]", name="numba"
        )

    return refuse
