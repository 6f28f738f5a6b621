import asyncio
from collections.abc import Mapping

import pytest

from shanhai.overload import JoinedLookup


class Shelf:
    """Things by name, and the names of each look, which waits until it is told to go on."""

    def __init__(self) -> None:
        self.things = {"a": 1, "b": 2}
        self.looks: list[list[str]] = []
        self.go_on = asyncio.Event()
        self.error: Exception | None = None

    async def read(self, names: list[str]) -> Mapping[str, int]:
        self.looks.append(names)
        found = {name: self.things[name] for name in names if name in self.things}
        await self.go_on.wait()
        if self.error is not None:
            raise self.error
        return found


async def test_who_asks_during_a_look_is_told_what_is_so_by_then() -> None:
    shelf = Shelf()
    lookup = JoinedLookup(shelf.read)
    early = asyncio.create_task(lookup.find("a"))
    await asyncio.sleep(0.01)
    shelf.things["a"] = 3
    late = [asyncio.create_task(lookup.find(name)) for name in ("a", "b", "a", "c")]
    await asyncio.sleep(0.01)
    shelf.go_on.set()
    assert await early == 1
    assert await asyncio.gather(*late) == [3, 2, 3, None]
    assert shelf.looks == [["a"], ["a", "b", "c"]]


async def test_an_error_is_that_of_all_who_waited_and_who_leaves_takes_nothing() -> None:
    shelf = Shelf()
    shelf.error = OSError("no line")
    lookup = JoinedLookup(shelf.read)
    waiting = [asyncio.create_task(lookup.find("a")) for _ in range(3)]
    await asyncio.sleep(0.01)
    waiting[0].cancel()
    shelf.go_on.set()
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(told[0], asyncio.CancelledError)
    assert told[1:] == [shelf.error] * 2
    shelf.error = None
    assert await lookup.find("b") == 2


async def test_a_look_that_fails_does_not_end_the_next() -> None:
    shelf = Shelf()
    shelf.go_on.set()
    shelf.error = OSError("no line")
    lookup = JoinedLookup(shelf.read)
    with pytest.raises(OSError, match="no line"):
        await lookup.find("a")
    shelf.error = None
    assert await lookup.find("a") == 1
