"""Doing again what ends with its connection, at a pace that a server coming back can bear."""

import asyncio
from collections.abc import Awaitable, Callable

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0


async def again_and_again(listen: Callable[[], Awaitable[None]]) -> None:
    """Call `listen` for ever, pausing longer each time it ended soon."""
    loop = asyncio.get_running_loop()
    pause = FIRST_PAUSE_S
    while True:
        started = loop.time()
        await listen()
        lasted = loop.time() - started
        pause = FIRST_PAUSE_S if lasted > LONGEST_PAUSE_S else min(2 * pause, LONGEST_PAUSE_S)
        await asyncio.sleep(pause)
