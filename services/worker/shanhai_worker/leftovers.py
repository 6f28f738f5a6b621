"""What a computation may leave behind in its process, found before another one begins there.

A process that computes several jobs, one after another, must be to each as a new one would be.
What can be put back is put back: environment, working folder, file mask, random numbers, names and
containers of its own modules. What cannot ends it: a thread, a helper, an open file, a module of
its own loaded meanwhile, memory that is not given back. Files are the worker's to remove.
"""

import gc
import os
import random
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

MOST_GROWTH_MB = 64
"""Memory a process may hold beyond what it began with, and still compute another job."""
CONTAINERS = (dict, list, set, bytearray)


class Beginning:
    """How a process was before its first job.

    Args:
        module: What computes; the modules of its package are put back as they were.
    """

    def __init__(self, module: str) -> None:
        self._package = module.rpartition(".")[0] or module
        self._environment = dict(os.environ)
        self._folder = os.getcwd()
        self._mask = _file_mask()
        self._files = _open_files()
        self._path = list(sys.path)
        self._random = random.getstate()
        self._drawn = _numbers_of_numpy()
        self._names = {module: _contents(module) for module in self._modules()}
        self._held_mb = held_mb()

    def restore(self) -> str | None:
        """Put back what a job has changed; why another one must not begin here, if so."""
        os.environ.clear()
        os.environ.update(self._environment)
        os.chdir(self._folder)
        os.umask(self._mask)
        sys.path[:] = self._path
        random.setstate(self._random)
        if "numpy" in sys.modules:
            _draw_anew(self._drawn)
        for module, names in self._names.items():
            _put_back(module, names)
        return self._fault()

    def _fault(self) -> str | None:
        if set(self._modules()) != self._names.keys():
            return "modules"
        if threading.active_count() > 1:
            return "threads"
        if Path("/proc/self/task", str(os.getpid()), "children").read_text(encoding="ascii"):
            return "processes"
        if _open_files() != self._files:
            return "open files"
        if held_mb() - self._held_mb > MOST_GROWTH_MB:
            gc.collect()
            if held_mb() - self._held_mb > MOST_GROWTH_MB:
                return "memory"
        return None

    def _modules(self) -> Iterator[ModuleType]:
        for name, module in list(sys.modules.items()):
            if name == self._package or name.startswith(f"{self._package}."):
                yield module


def held_mb() -> float:
    """The memory this process holds that no file does, MB."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE") / 1024**2


def _open_files() -> frozenset[str]:
    return frozenset(os.listdir("/proc/self/fd"))


def _file_mask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _numbers_of_numpy() -> Any:
    numpy = sys.modules.get("numpy")
    return None if numpy is None else numpy.random.get_state()


def _draw_anew(state: Any) -> None:
    numpy: Any = sys.modules["numpy"]
    if state is None:
        numpy.random.seed()
    else:
        numpy.random.set_state(state)


def _contents(module: ModuleType) -> dict[str, tuple[Any, Any]]:
    """Its names, what they mean, and what was in those that can be filled."""
    return {
        name: (value, value.copy() if type(value) in CONTAINERS else None)
        for name, value in vars(module).items()
        if name != "__builtins__"
    }


def _put_back(module: ModuleType, names: Mapping[str, tuple[Any, Any]]) -> None:
    now = vars(module)
    for name in now.keys() - names.keys() - {"__builtins__"}:
        del now[name]
    for name, (value, contents) in names.items():
        now[name] = value
        if contents is None:
            continue
        value.clear()
        if isinstance(value, dict | set):
            value.update(contents)
        else:
            value.extend(contents)
