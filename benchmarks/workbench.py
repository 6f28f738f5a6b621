"""What benchmarks work with: a folder, and a whole stack of services of their own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from shanhai.local.places import Home
from shanhai.local.stack import Stack, admin_key
from tests.support.run_directory import run_directory


@dataclass
class Workbench:
    """The place of one run; the stack is started by the first benchmark that needs it."""

    folder: Path
    at_end: ExitStack

    @cached_property
    def stack(self) -> Stack:
        """PostgreSQL, Redis, API, tiles and worker, which end with this process."""
        stack = Stack(Home(self.folder), bound=True)
        self.at_end.callback(stack.down)
        stack.up()
        return stack

    @cached_property
    def key(self) -> str:
        """A key of the stack's API that may do everything."""
        return admin_key(self.stack)

    def made(self, name: str) -> Path:
        """A folder for the files of one benchmark."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder


@contextmanager
def open_workbench() -> Iterator[Workbench]:
    """A workbench in a temporary folder, removed at the end."""
    with run_directory() as folder, ExitStack() as at_end:
        yield Workbench(folder, at_end)
