import gc
import os
import sys
from functools import cache
from typing import Any

import httpx._transports.default
import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

# As the worker's children are started: results do not depend on threads, and scikit-learn need not
# count cores, which it cannot where /sys is not mounted.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Nothing runs through joblib's pools; it would ask for semaphores, which need /dev/shm.
os.environ.setdefault("JOBLIB_MULTIPROCESSING", "0")

# httpx looks for it with each request to an application, and would search all folders each time.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]  # None: there is no such module

_transports: Any = httpx._transports.default
_new_context = _transports.create_ssl_context
_usual_context = cache(_new_context)
_AUTHORITIES = os.environ.get("SSL_CERT_FILE")


def _context(**given: Any) -> Any:
    # A test that trusts others writes their file anew under one name.
    usual = os.environ.get("SSL_CERT_FILE") == _AUTHORITIES
    return (_usual_context if usual else _new_context)(**given)


# Each client would read all certificates of the world anew, which takes longer than its request.
_transports.create_ssl_context = _context

# A shell may hold the settings of a stack, which are not those of the tests.
for name in [name for name in os.environ if name.startswith("SHANHAI_")]:
    if not name.startswith("SHANHAI_TEST_"):
        del os.environ[name]

# Modules and tests stay until the end; see `pytest_collection_finish`.
gc.set_threshold(100_000, 20, 20)

# Two cores are shared by every test process: a slow example is no failure, and the examples must
# be the same on every machine.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")

pytest_plugins = [
    "tests.support.servers",
    "tests.support.databases",
    "tests.support.object_stores",
    "tests.support.watersheds",
    "tests.support.process_runs",
    "tests.support.upstream.fixtures",
]


WITH_ONE_STACK = ("tests/e2e", "tests/service/console")
"""Folders whose tests share a stack."""


class Schedule(LoadFileScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Files in their order, each for the process that is free; those of the stack for one of them.

    Every process starts the servers it needs, and a stack is many.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        stacks = (stack for stack in WITH_ONE_STACK if file.startswith(f"{stack}/"))
        return next(stacks, file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folders of one process come first, or the other would wait for it at the end."""
    folders = tuple(f"{stack}/" for stack in WITH_ONE_STACK)
    items.sort(key=lambda item: not item.nodeid.startswith(folders))


def pytest_collection_finish() -> None:
    """Take what was loaded out of the collector's sight, and let it look less often.

    A million objects that stay until the end were an eighth of the time of a run.
    """
    gc.collect()
    gc.freeze()


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Schedule:
    return Schedule(config, log)
