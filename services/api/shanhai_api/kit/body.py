"""Reading request bodies: counted, timed, checked before any parser sees them; and described."""

import asyncio
import hashlib
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import parse_qsl

import orjson
from fastapi import Depends, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator
from starlette.requests import ClientDisconnect

from shanhai.db.features.input_validation import broken_body
from shanhai.errors import Fault, InvalidInput, LimitExceeded
from shanhai.settings import MAIL_ADDRESS
from shanhai.validation import BROKEN_RULE, ITS_KEY, bounded, rule_in_chinese, rule_in_english
from shanhai_api.kit.errors import SlowClient, UnsupportedMedia
from shanhai_api.kit.requests import is_form

JSON_LIMIT_BYTES = 10 * 1024**2
JSON_DEPTH = 32
FORM_LIMIT_BYTES, MOST_FIELDS = 64 * 1024, 50
LARGE_BYTES = 1024**2
"""Bodies above this size are parsed in a thread, so that other requests need not wait."""
IDLE_S = 30.0
GRACE_S = 10.0
LEAST_RATE = 1024.0
"""Bytes a second that a body comes with at least, after `GRACE_S`: whoever sends one byte now and
then would keep others from being answered."""
WHOLE_S, SLOW_LINE = 120.0, 64 * 1024.0
"""Seconds all of a body may take, and those besides that its limit takes at 64 KiB a second."""
STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""A string, ended or not; possessive, so that no input makes it look twice."""
BRACKETS = bytes.maketrans(b"{}", b"[]")
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
Model = TypeVar("Model", bound=BaseModel)


def _demand_mail_address(text: str) -> str:
    if not MAIL_ADDRESS.fullmatch(text):
        raise ValueError("must be one e-mail address, as a@b.cn / 须为一个邮箱地址")
    return text


MailAddress = Annotated[str, AfterValidator(_demand_mail_address)]
"""One address and nothing else, so that no mail goes to two."""
ENGLISH_NAME = Field("", max_length=200, description="Name in English; default the Chinese one")


class Body(BaseModel):
    """A body whose members are all known."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    _bounded = field_validator("*")(bounded)


def called_in_both(given: Any) -> Any:
    """The members of a body, before they are checked; in English it is called as in Chinese if
    nothing else is said."""
    if isinstance(given, dict) and given.get("name_en") in (None, "") and "name_zh" in given:
        return {**given, "name_en": given["name_zh"]}
    return given


if TYPE_CHECKING:
    JsonBody = Annotated[Model, "the body"]
    FormBody = Annotated[Model, "the body"]
else:

    class FormBody:
        """A parameter of endpoints that take a form of a page as well as JSON."""

        def __class_getitem__(cls, model: type[BaseModel]) -> Any:
            return Annotated[model, Depends(FormReader(model))]

    class JsonBody:
        """A parameter of endpoints: `new: JsonBody[Thing]` is the body as a model."""

        def __class_getitem__(cls, model: type[BaseModel]) -> Any:
            return Annotated[model, Depends(BodyReader(model))]


@dataclass(frozen=True, slots=True)
class ParsedBody:
    """A parsed body and the SHA-256 of its bytes."""

    value: Any
    sha256: str


@dataclass(frozen=True)
class BodyReader:
    """A dependency that reads a body, which its route checks against the model afterwards.

    FastAPI tells of faults in the query only after all dependencies have run: a dependency that
    refused the body would hide them.

    Attributes:
        shown: What the body may have been read as: members that only this has are left out.
    """

    model: type[BaseModel]
    limit: int = JSON_LIMIT_BYTES
    shown: type[BaseModel] | None = None

    async def __call__(self, request: Request) -> ParsedBody:
        """The body, counted and timed; its digest stays with the request."""
        body = await read_json(request, limit=self.limit)
        request.state.body_sha256 = body.sha256
        return body

    def check(self, body: ParsedBody) -> BaseModel:
        """The body as a model.

        Raises:
            InvalidInput: names every rule it breaks.
        """
        value = body.value
        if self.shown is not None and isinstance(value, dict):
            read_only = self.shown.model_fields.keys() - self.model.model_fields.keys()
            value = {name: one for name, one in value.items() if name not in read_only}
        return parse(self.model, value)


class FormReader(BodyReader):
    """Reads the fields of a form, or JSON; what was left empty was not given."""

    async def __call__(self, request: Request) -> ParsedBody:
        """The body, counted and timed."""
        if not is_form(request):
            return await super().__call__(request)
        blocks = [block async for block in read_blocks(request, limit=FORM_LIMIT_BYTES)]
        content = b"".join(blocks)
        try:
            fields = dict(parse_qsl(content.decode(), max_num_fields=MOST_FIELDS))
        except ValueError:
            raise InvalidInput(
                "the form cannot be read", message_zh="无法读取表单", pointer=""
            ) from None
        return ParsedBody(fields, hashlib.sha256(content).hexdigest())


async def read_blocks(request: Request, *, limit: int) -> AsyncIterator[bytes]:
    """The body in blocks as they arrive; only the time that is waited for them counts.

    Raises:
        LimitExceeded: there is more than `limit` bytes.
        SlowClient: nothing arrived for `IDLE_S` seconds, less than `LEAST_RATE` comes, or all of it
            takes longer than a slow line needs for `limit`.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise too_large(limit)
    received, waited, whole_s = 0, 0.0, WHOLE_S + limit / SLOW_LINE
    more = True
    while more:
        left = {
            _IDLE: IDLE_S,
            _RATE: GRACE_S + received / LEAST_RATE - waited,
            _WHOLE.format(whole_s): whole_s - waited,
        }
        began = time.monotonic()
        try:
            async with asyncio.timeout(min(left.values())):
                message = await request.receive()
        except TimeoutError:
            en, zh = min(left, key=left.__getitem__).split(" / ")
            raise SlowClient(en, message_zh=zh) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        block, more = message.get("body", b""), message.get("more_body", False)
        waited += time.monotonic() - began
        received += len(block)
        if received > limit:
            raise too_large(limit)
        yield block


_IDLE = f"no byte of the body arrived for {IDLE_S:g} s / {IDLE_S:g} 秒内没有收到请求体的任何字节"
_RATE = (
    f"the body comes with less than {LEAST_RATE:g} bytes a second"
    f" / 请求体传输速度低于每秒 {LEAST_RATE:g} 字节"
)
_WHOLE = "the body takes longer than {0:g} s / 请求体传输超过 {0:g} 秒"


async def read_digest(request: Request, *, limit: int = JSON_LIMIT_BYTES) -> str:
    """The SHA-256 of a body whose content does not matter."""
    digest = hashlib.sha256()
    async for block in read_blocks(request, limit=limit):
        digest.update(block)
    return digest.hexdigest()


def too_large(limit: int) -> LimitExceeded:
    """The error of a body of more than `limit` bytes."""
    return LimitExceeded(
        f"the body is larger than {limit} bytes", message_zh=f"请求体超过 {limit} 字节"
    )


async def read_json(request: Request, *, limit: int = JSON_LIMIT_BYTES) -> ParsedBody:
    """The JSON body, of at most `limit` bytes.

    Raises:
        UnsupportedMedia: the body says it is something else, or packed.
        InvalidInput: it is not JSON, or nested too deeply.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    known = media_type == "application/json" or media_type.endswith("+json")
    if not known or media_type == "application/json-patch+json":
        raise UnsupportedMedia(
            f"Content-Type must be application/json, not {media_type[:80] or 'absent'}",
            message_zh=f"Content-Type 须为 application/json，给出的是 {media_type[:80] or '无'}",
        )
    packed = request.headers.get("content-encoding", "").strip().lower()
    if packed not in {"", "identity"}:
        raise UnsupportedMedia(
            f"Content-Encoding must be absent here, not {packed[:80]}",
            message_zh=f"此处不得给出 Content-Encoding，给出的是 {packed[:80]}",
        )
    body = b"".join([block async for block in read_blocks(request, limit=limit)])
    return (
        await asyncio.to_thread(parse_json, body) if len(body) > LARGE_BYTES else parse_json(body)
    )


def parse_json(body: bytes) -> ParsedBody:
    """The value of a JSON body.

    Raises:
        InvalidInput: it is not JSON, or nested too deeply.
    """
    if depth_of(body) > JSON_DEPTH:
        raise InvalidInput(
            f"JSON is nested more than {JSON_DEPTH} deep",
            message_zh=f"JSON 嵌套超过 {JSON_DEPTH} 层",
            pointer="",
        )
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(
            f"the body is not valid JSON: {error.msg} at character {error.pos}",
            message_zh=f"请求体不是有效的 JSON：位置 {error.pos} 处有误",
            pointer="",
        ) from error
    return ParsedBody(value, hashlib.sha256(body).hexdigest())


def depth_of(body: bytes) -> int:
    """How deeply objects and arrays are nested, as far as one more than allowed.

    Both are counted alike; what does not close is left to the parser, which refuses it.
    """
    left = STRING.sub(b"", body).translate(BRACKETS, NO_BRACKETS)
    depth = 0
    while left and depth <= JSON_DEPTH:
        # The innermost pairs go first.
        inner = left.replace(b"[]", b"")
        if inner == left:
            return depth + min(len(left) - len(left.lstrip(b"[")), JSON_DEPTH + 1 - depth)
        left = inner
        depth += 1
    return depth


def parse(model: type[Model], value: Any, *, under: str = "") -> Model:
    """The value as a model, JSON types taken strictly.

    Raises:
        InvalidInput: every broken rule with a JSON pointer, which begins with `under`.
    """
    try:
        return model.model_validate_json(orjson.dumps(value), strict=True)
    except ValidationError as error:
        faults = [
            Fault(
                under + pointer_of(_place_in(value, item["loc"], item["type"])),
                rule_in_english(item),
                rule_in_chinese(item),
            )
            for item in error.errors(include_url=False)
        ]
    raise broken_body(faults)


def _place_in(value: Any, location: tuple[str | int, ...], kind: str) -> tuple[str | int, ...]:
    """Where in a value something is wrong, without the tags of unions, which are no members."""
    found: list[str | int] = []
    for number, part in enumerate(location, start=1):
        lacks = kind in {"missing", BROKEN_RULE} and number == len(location)
        there = (
            part in value
            if isinstance(value, dict)
            else isinstance(value, list) and isinstance(part, int)
        )
        if not there and part != ITS_KEY and not lacks:
            continue
        found.append(part)
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            value = None
    return tuple(found)


def pointer_of(location: tuple[str | int, ...]) -> str:
    """A JSON pointer (RFC 6901)."""
    parts = [part for part in location if part != ITS_KEY]
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """The part of an operation that describes its JSON body, which is read by hand."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    content = {"application/json": {"schema": _inlined(schema, definitions)}}
    return {"requestBody": {"required": True, "content": content}}


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    """The schema with its definitions in place: there is no document to refer into yet."""
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(value, definitions) for name, value in node.items()}
