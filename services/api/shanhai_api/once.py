"""`Idempotency-Key`: the effect happens once, the answer is given as often as asked."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi import Request, Response

from shanhai.db.queries.idempotency import Fingerprint, StoredResponse, recall, remember
from shanhai.errors import InvalidInput
from shanhai_api.identity import Caller
from shanhai_api.negotiation import JSON
from shanhai_api.state import ServiceState, UnitOfWork

HEADER = "idempotency-key"
REPLAYED = "Idempotency-Replayed"


@dataclass(frozen=True, slots=True)
class Made:
    """What a POST made: the answer, of which `secrets` are not kept for replays."""

    content: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 201
    secrets: frozenset[str] = frozenset()

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """The answer as it is sent, with more headers."""
        sent = {**self.headers, **(headers or {})}
        return Response(orjson.dumps(self.content), self.status, sent, JSON.media_type)


async def once(
    request: Request,
    unit: UnitOfWork,
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
    answer = StoredResponse(made.status, made.headers, orjson.dumps(kept).decode())
    await remember(unit.session, fingerprint, answer)
    return made


async def replayed(
    request: Request, state: ServiceState, caller: Caller, *, body_sha256: str, answer: Response
) -> Response:
    """An answer that changed nothing, or the one given before with the same key.

    Callers without identity cannot be told apart, so nothing is kept for them.

    Raises:
        InvalidInput, InFlight, KeyReused: as with `once`.
    """
    kept = answer.media_type == JSON.media_type and not caller.anonymous
    if HEADER not in request.headers or not kept:
        return answer

    async def effect() -> Made:
        return Made(orjson.loads(bytes(answer.body)), status=answer.status_code)

    async with state.unit() as unit:
        made = await once(request, unit, caller, body_sha256=body_sha256, effect=effect)
    return made.response()


def _checked(key: str) -> str:
    if 1 <= len(key) <= 255 and all("!" <= character <= "~" for character in key):
        return key
    raise InvalidInput(
        "Idempotency-Key must be 1 to 255 visible ASCII characters",
        message_zh="Idempotency-Key 须为 1 至 255 个可见 ASCII 字符",
        pointer="Idempotency-Key",
    )
