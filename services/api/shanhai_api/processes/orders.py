"""What an execution request asks: inputs checked against the contract, and how to be answered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidatorFunctionWrapHandler, WrapValidator

from shanhai.db.features.crs import CRS84
from shanhai.errors import InvalidInput
from shanhai.jobs.results import ResultForm, Subscriber, Transmission
from shanhai.processes.echo.contract import Binary
from shanhai.processes.kit.contract import Inputs, ProcessContract
from shanhai_api.kit.body import Body, parse, pointer_of
from shanhai_api.processes.descriptions import schema_of

MAX_WAIT_S = 20
LONGEST_UNIQUE_S = 366 * 86_400
QUALIFIED = frozenset({"value", "mediaType", "encoding", "schema", "format"})
TEXTS = ("UTF-8", "utf-8", "utf8")
BYTES = ("binary", "base64")
"""What encodings of outputs are called: bytes are sent as they are, in documents as base64."""
SECONDS = re.compile(r"[0-9]{1,6}")


class OutputFormat(Body):
    """The format an output is wanted in: each is offered in one, so that none else can be."""

    mediaType: str | None = None
    encoding: str | None = None
    schema_: str | dict[str, Any] | None = Field(None, alias="schema")


class WantedOutput(Body):
    """How one output is wanted."""

    transmissionMode: Transmission | None = None
    format: OutputFormat | None = None


def check_unique(value: Any, _check: ValidatorFunctionWrapHandler) -> bool | int:
    """`true`, `false` or seconds, told as one rule and not as those of two types."""
    # `true` is no number of seconds, though Python takes it for 1.
    if isinstance(value, bool) or (isinstance(value, int) and 0 <= value <= LONGEST_UNIQUE_S):
        return value
    raise ValueError(
        f"must be true, false or whole seconds from 0 to {LONGEST_UNIQUE_S}"
        f" / 须为 true、false 或 0 至 {LONGEST_UNIQUE_S} 的整数秒"
    )


class ExecuteBody(BaseModel):
    """The body of an execution request."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"inputs": {"message": "hello"}}}
    )

    inputs: dict[str, Any] = Field({}, description="As the process's description has them")
    outputs: dict[str, WantedOutput] | None = Field(None, description="Those wanted; default: all")
    response: Literal["raw", "document"] | None = None
    subscriber: Subscriber | None = None
    priority: Literal["low", "normal", "high"] = "normal"
    unique: Annotated[bool | int, WrapValidator(check_unique)] = Field(
        False,
        description="Be given an equal job of one's own that is waiting or running instead of a new"
        " one; a number: also one that succeeded so many seconds ago at most",
    )


@dataclass(frozen=True, slots=True)
class Order:
    """A checked request for a process."""

    contract: ProcessContract
    inputs: Inputs
    form: ResultForm
    subscriber: Subscriber | None = None
    priority: str = "normal"
    unique_s: float | None = None

    @property
    def needs_a_job(self) -> bool:
        """Whether what is asked for outlasts the answer: something referred to, or to be told."""
        return "reference" in self.form.outputs.values() or self.subscriber is not None


@dataclass(frozen=True, slots=True)
class Preference:
    """How the answer is wanted: seconds to wait for the end, and the preferences followed."""

    wait_s: int
    applied: tuple[str, ...]


def parse_order(contract: ProcessContract, value: Any) -> Order:
    """Check the body of an execution request.

    Raises:
        InvalidInput: every broken rule with a pointer.
    """
    given: Any = value.get("inputs", {}) if isinstance(value, dict) else None
    # Inputs are checked against the contract below; large ones need not be read twice.
    body = parse(ExecuteBody, {**value, "inputs": {}} if isinstance(given, dict) else value)
    plain = {name: _plain(contract, name, item) for name, item in given.items()}
    inputs = parse(contract.inputs, plain, under="/inputs")
    unique_s = (0 if body.unique else None) if isinstance(body.unique, bool) else body.unique
    form = _form_of(contract, body)
    return Order(contract, inputs, form, body.subscriber, body.priority, unique_s)


def _form_of(contract: ProcessContract, body: ExecuteBody) -> ResultForm:
    """How the results are wanted, of the outputs there are.

    Raises:
        InvalidInput: An output is not known, or not offered in the format.
    """
    offered = {output.name: output for output in contract.outputs}
    for name, output in (body.outputs or {}).items():
        if name not in offered:
            raise InvalidInput(
                f"{contract.id} has no output {name!r}; outputs: {', '.join(sorted(offered))}",
                message_zh=f"{contract.id} 没有输出 {name!r}；现有：{', '.join(sorted(offered))}",
                pointer=pointer_of(("outputs", name)),
            )
        kind = offered[name].media_type
        encodings = TEXTS if kind.startswith("text/") or kind.endswith("json") else BYTES
        known = (("mediaType", [kind]), ("encoding", encodings))
        wanted = output.format.model_dump(by_alias=True) if output.format else {}
        for member, values in (*known, ("schema", [schema_of(offered[name])])):
            if wanted.get(member) is not None and wanted[member] not in values:
                raise InvalidInput(
                    f"{name} is given as {values[0]}, not as {wanted[member]!r:.80}",
                    message_zh=f"{name} 的格式为 {values[0]}，不提供 {wanted[member]!r:.80}",
                    pointer=pointer_of(("outputs", name, "format", member)),
                )
    modes = {name: output.transmissionMode for name, output in (body.outputs or {}).items()}
    return ResultForm(response=body.response, outputs=modes)


def _plain(contract: ProcessContract, name: str, item: Any) -> Any:
    """An input value, out of the standard's `{"value": …}` and `{"bbox": …}` wrappings."""
    if not isinstance(item, dict):
        return item
    if "value" in item and item.keys() <= QUALIFIED:
        return _unwrapped(contract, name, item)
    if not _is_box(item):
        return item
    if item.get("crs", CRS84.uri) != CRS84.uri:
        raise InvalidInput(
            f"crs must be {CRS84.uri}, not {item['crs']!r}",
            message_zh=f"crs 须为 {CRS84.uri}，而不是 {item['crs']!r}",
            pointer=pointer_of(("inputs", name, "crs")),
        )
    return item["bbox"]


def _unwrapped(contract: ProcessContract, name: str, item: Mapping[str, Any]) -> Any:
    """The value of a wrapping; of bytes also what they are."""
    value, kinds = item["value"], contract.kinds_of(name)
    if Binary in kinds:
        told = item["format"] if isinstance(item.get("format"), dict) else item
        said = {part: told[part] for part in ("mediaType", "encoding") if part in told}
        return {"value": value, **said}
    if item.get("encoding") == "base64":
        raise InvalidInput(
            "takes no bytes", message_zh="不接受二进制内容", pointer=pointer_of(("inputs", name))
        )
    if kinds == {dict} and item.keys() == {"value"} and not isinstance(value, dict):
        # An object that happens to have a member `value`, and no wrapping.
        return item
    return _plain(contract, name, value) if _is_box(value) else value


def _is_box(item: Any) -> bool:
    """Whether it is a bounding box in the standard's form: its corners, and their system."""
    return isinstance(item, dict) and "bbox" in item and item.keys() <= {"bbox", "crs"}


def parse_preference(wishes: Mapping[str, str], contract: ProcessContract) -> Preference:
    """What the caller prefers, within what the process and this service allow."""
    asynchronous, wait = "respond-async" in wishes, wishes.get("wait", "")
    applied = ["respond-async"] if asynchronous else []
    if SECONDS.fullmatch(wait):
        wait_s = min(int(wait), MAX_WAIT_S)
        return Preference(wait_s, (*applied, f"wait={wait_s}"))
    if asynchronous or not contract.sync:
        return Preference(0, tuple(applied))
    return Preference(MAX_WAIT_S, ())
