"""Senders that keep the platform busy, and go on until every promise has been answered."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import httpx

from tests.faults.ledger import FINAL, Ledger, Order

PAUSE_S = 0.2
PASSING = frozenset({409, 429, 503, 507})
"""Answers that promise nothing and ask to come again."""
GIVE_UP_S = 240.0
COLUMNS: tuple[dict[str, str], ...] = (
    {},
    {"adcode": "350200"},
    {"source": "survey", "licence": "CC0"},
    {"source": "survey"},
)
"""What files of regions have in turn beyond what each must have."""


@dataclass
class Sender:
    """One client: it sends a request until it is answered, always under the same key.

    Attributes:
        name: Tells its keys from those of others.
        refused: How often an answer promised nothing.
        give_up_s: Seconds after which no answer is an answer.
        timeout_s: After which a request is sent again.
        kept: Connections that are used again, which the other side may close at any time.
    """

    url: str
    key: str
    ledger: Ledger
    name: str
    refused: int = 0
    give_up_s: float = GIVE_UP_S
    timeout_s: float = 10
    kept: int = 20
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[httpx.AsyncClient]:
        headers = {"Authorization": f"Bearer {self.key}", "Prefer": "respond-async"}
        limits = httpx.Limits(max_keepalive_connections=self.kept)
        async with httpx.AsyncClient(
            base_url=self.url, headers=headers, timeout=self.timeout_s, limits=limits
        ) as client:
            yield client

    async def echo(self, *, pause: float = 0) -> str:
        """Have a message returned; the job's id."""
        message = f"{self.name}-{next(self.numbers)}"
        order = Order(message, message=message)
        inputs = {"message": message, "pause": pause}
        async with self.connected() as client:
            return await self._execute(client, "echo", inputs, order)

    async def import_region(
        self, between: Callable[[], None] | None = None, *, rows: int = 1
    ) -> str:
        """Have a small file of features imported, something done between; the job's id.

        Reports of as many rows are the same files: stored once.
        """
        number = next(self.numbers)
        code, more = f"{self.name}-{number}", COLUMNS[number % len(COLUMNS)]
        async with self.connected() as client:
            answer = await self._insist(
                client,
                "/uploads",
                code,
                content=region_file(code, rows, **more),
                headers={"Content-Type": "application/geo+json"},
            )
            if between is not None:
                between()
            inputs = {
                "upload": answer.json()["upload"],
                "collection": "regions",
                "visibility": "public",
            }
            order = Order(f"{code}.import", region=code)
            return await self._execute(client, "import-features", inputs, order)

    async def imported(self) -> str:
        """The state in which one such import ends."""
        return await self.follow(await self.import_region())

    async def keep_on(self, stop: Event, *, pause: float, imports: bool = False) -> None:
        """Ask for one thing after the other, each once the one before has ended."""
        while not stop.is_set():
            job = await (self.import_region() if imports else self.echo(pause=pause))
            await self.follow(job)

    async def follow(self, job: str) -> str:
        """The state a job ended in, asked for until it is told."""
        async with asyncio.timeout(self.give_up_s), self.connected() as client:
            while True:
                try:
                    answer = await client.get(f"/jobs/{job}")
                except httpx.TransportError as error:
                    self.ledger.repeats.append(repr(error))
                    await asyncio.sleep(PAUSE_S)
                    continue
                if answer.status_code == 200 and answer.json()["status"] in FINAL:
                    return str(answer.json()["status"])
                if answer.status_code not in {200, *PASSING}:
                    self.ledger.unexpected.append(f"{answer.status_code} for job {job}")
                    return "unknown"
                if answer.status_code in PASSING:
                    self.refused += 1
                    self.ledger.repeats.append(f"{answer.status_code}: {answer.text[:300]}")
                await asyncio.sleep(PAUSE_S)

    async def _execute(
        self, client: httpx.AsyncClient, process: str, inputs: object, order: Order
    ) -> str:
        body = {"inputs": inputs}
        answer = await self._insist(client, f"/processes/{process}/execution", order.key, json=body)
        job = str(answer.json()["jobID"])
        self.ledger.note(job, order)
        return job

    async def _insist(
        self, client: httpx.AsyncClient, path: str, key: str, **content: Any
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key, **content.pop("headers", {})}
        async with asyncio.timeout(self.give_up_s):
            while True:
                try:
                    answer = await client.post(path, headers=headers, **content)
                except httpx.TransportError as error:
                    self.ledger.repeats.append(repr(error))
                    await asyncio.sleep(PAUSE_S)
                    continue
                if answer.status_code == 201:
                    return answer
                if answer.status_code not in PASSING:
                    self.ledger.unexpected.append(f"{answer.status_code} to {path}: {answer.text}")
                    raise AssertionError(self.ledger.unexpected[-1])
                self.refused += 1
                self.ledger.repeats.append(f"{answer.status_code}: {answer.text[:300]}")
                await asyncio.sleep(PAUSE_S)


def region_file(code: str, rows: int = 1, **more: str) -> bytes:
    """Regions that are squares, the first of them with this code; `more` are members of each."""
    ring = [[118, 24], [118.1, 24], [118.1, 24.1], [118, 24.1], [118, 24]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    features = [
        {
            "type": "Feature",
            "properties": {
                "code": f"{code}.{row}" if row else code,
                "name_zh": "区",
                "name_en": "Place",
                "level": "town",
                **more,
            },
            "geometry": geometry,
        }
        for row in range(rows)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()
