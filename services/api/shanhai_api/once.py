"""`Idempotency-Key`: the effect happens once, the answer is given as often as asked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi import Request

from shanhai.db.queries.idempotency import Answer, Fingerprint, recall, remember
from shanhai.errors import InvalidInput
from shanhai_api.identity import Caller
from shanhai_api.state import Unit

HEADER = "idempotency-key"
REPLAYED = "Idempotency-Replayed"


@dataclass(frozen=True, slots=True)
class Made:
    """What a POST made: the answer, of which `secrets` are not kept for replays."""

    content: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 201
    secrets: frozenset[str] = frozenset()


async def once(
    request: Request,
    unit: Unit,
    caller: Caller,
    *,
    body_sha256: str,
    effect: Callable[[], Awaitable[Made]],
) -> Made:
    """Make something once per key, in the unit's transaction.

    Raises:
        InvalidInput: the key is not 1 to 255 visible ASCII characters.
        InFlight: the first request with the key is still running.
        KeyReused: the key came with another body before.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return await effect()
    fingerprint = Fingerprint(caller.owner, request.url.path, _checked(key), body_sha256)
    before = await recall(unit.session, fingerprint)
    if before is not None:
        headers = {**before.headers, REPLAYED: "true"}
        return Made(orjson.loads(before.body), headers, before.status)
    made = await effect()
    kept = {name: value for name, value in made.content.items() if name not in made.secrets}
    answer = Answer(made.status, made.headers, orjson.dumps(kept).decode())
    await remember(unit.session, fingerprint, answer)
    return made


def _checked(key: str) -> str:
    if 1 <= len(key) <= 255 and all("!" <= character <= "~" for character in key):
        return key
    raise InvalidInput(
        "Idempotency-Key must be 1 to 255 visible ASCII characters",
        message_zh="Idempotency-Key 须为 1 至 255 个可见 ASCII 字符",
        pointer="Idempotency-Key",
    )
