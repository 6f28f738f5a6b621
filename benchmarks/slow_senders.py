"""What a thousand requests that come slowly, of one identity, cost everybody else.

The attacker is a process of the least priority with an address of its own, which opens a connection
anew as soon as it is closed. Before the API alone and behind the proxy of `deploy/`.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import inet_aton
from urllib.parse import urlsplit

import numpy as np

from benchmarks.http_load import Load
from benchmarks.report import Row, Setup, Table
from benchmarks.timing import Sample
from benchmarks.workbench import Workbench
from tests.support.nginx import nginx_program, serving_nginx

SENDERS = 1_000
EVERY_S = 4.0
"""Seconds between two bytes of a slow sender."""
FROM = "127.0.0.2"
ESTABLISHED = "01"
"""A state of `/proc/net/tcp`."""
PER_SECOND, SECONDS, CONNECTIONS, ROUNDS = 100, 15, 8, 3
PATH = "/collections/regions/items?limit=10"
PATIENCE_S = 30.0
KINDS = ("heads", "bodies")
TARGET = 1 / 1.2
SETUP = Setup(warm="plans of statements, connections")


def run(bench: Workbench) -> Table:
    """The 95th percentile of others with and without the slow senders, in turn."""
    table = Table(
        "slow-senders", f"p95 of others, {SENDERS:,} slow senders", "without them", setup=SETUP
    )
    _measure(table, bench, bench.stack.api_url, "the API alone")
    if nginx_program() is not None:
        place, tiles = bench.made("nginx"), bench.stack.tiles_url
        with serving_nginx(place, api=bench.stack.api_url, tiles=tiles) as proxy:
            _measure(table, bench, proxy.url, "behind nginx")
    return table


def _measure(table: Table, bench: Workbench, url: str, where: str) -> None:
    with asyncio.Runner() as loop:
        loop.run(_percentile(url))
        for kind in KINDS:
            quiet, attacked = [], []
            for _ in range(ROUNDS):
                quiet.append(loop.run(_percentile(url)))
                with _attack(bench, url, kind):
                    _await_senders(kind, where)
                    attacked.append(loop.run(_percentile(url)))
            row = Row(f"{kind}, {where}", Sample(tuple(attacked)), Sample(tuple(quiet)), TARGET)
            table.rows.append(row)


async def _percentile(url: str) -> float:
    """Seconds from when a request was due to its answer, the 95th percentile of a steady pace."""
    load = Load(url, [PATH], CONNECTIONS)
    opened = [await load.open() for _ in range(CONNECTIONS)]
    waiting = iter([number / PER_SECOND for number in range(PER_SECOND * SECONDS)])
    waits: list[float] = []
    started = time.perf_counter()

    async def drain(number: int) -> None:
        for moment in waiting:
            await asyncio.sleep(max(0.0, started + moment - time.perf_counter()))
            await load.ask(PATH, *opened[number])
            waits.append(time.perf_counter() - started - moment)

    async with asyncio.TaskGroup() as group:
        for number in range(CONNECTIONS):
            group.create_task(drain(number))
    for _, writer in opened:
        writer.close()
    return float(np.percentile(waits, 95))


@contextmanager
def _attack(bench: Workbench, url: str, kind: str) -> Iterator[None]:
    """The slow senders, until they are stopped."""
    command = [sys.executable, "-m", "benchmarks.slow_senders", kind, url]
    attacker = subprocess.Popen(
        command,
        env={**os.environ, "ATTACKERS_KEY": bench.key},
        cwd=Path(__file__).parents[1],
        preexec_fn=lambda: os.nice(19),
    )
    try:
        yield
    finally:
        attacker.kill()
        attacker.wait()


def _await_senders(kind: str, where: str) -> None:
    """Wait until half the slow senders are there: without them a figure would say nothing.

    Raises:
        TimeoutError: They did not come.
    """
    sender = inet_aton(FROM)[::-1].hex().upper()
    until, held = time.monotonic() + PATIENCE_S, 0
    while held < SENDERS / 2:
        if time.monotonic() > until:
            raise TimeoutError(f"{held} of {SENDERS} slow senders of {kind} got to {where}")
        time.sleep(0.1)
        rows = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()]
        held = sum(row[1].startswith(sender) and row[3] == ESTABLISHED for row in rows)


async def _send_slowly(kind: str, url: str, key: str) -> None:
    """Be all the slow senders of a kind, for ever."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    head = f"POST /observations HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
    if kind == "bodies":
        head += "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"

    async def send() -> None:
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection(host, port, local_addr=(FROM, 0))
                writer.write(head.encode())
                while not writer.is_closing():
                    await asyncio.sleep(EVERY_S)
                    writer.write(b" ")
                    await writer.drain()
                writer.close()
            await asyncio.sleep(EVERY_S)

    async with asyncio.TaskGroup() as group:
        for _ in range(SENDERS):
            group.create_task(send())


def main(arguments: Sequence[str]) -> None:
    """Attack: what the benchmark starts as a process of its own."""
    kind, url = arguments
    asyncio.run(_send_slowly(kind, url, os.environ["ATTACKERS_KEY"]))


if __name__ == "__main__":
    main(sys.argv[1:])
