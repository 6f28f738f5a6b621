"""Structured logs with request and job ids, and traces (OpenTelemetry) unless switched off.

What is traced is sent to the collector that the standard variables name
(`OTEL_EXPORTER_OTLP_ENDPOINT`, …). Without them the libraries are not even loaded, and a span costs
one comparison. A trace goes on over the queue because the job's row keeps the `traceparent` (W3C
Trace Context) of the request that asked for it.
"""

import logging
import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import cache
from types import TracebackType
from typing import Any, Literal, Protocol, Self

import orjson
import structlog

from shanhai.settings import LogSettings


def configure_logging(settings: LogSettings) -> None:
    """Send every log record of the process, ours and the libraries', through one formatter."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=_as_json)
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    # No line tells these, so no record needs to find them out.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = (_LineHandler if settings.format == "json" else logging.StreamHandler)(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.level)
    # They log the addresses they ask for, which may carry tokens.
    for library in ("httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.WARNING)


def tell_line(log: structlog.stdlib.BoundLogger, name: str, event: str, **members: object) -> None:
    """Log at level info; where lines are JSON, without what a record of logging costs.

    For what is logged with every request. The line is the same either way.

    Args:
        log: The logger of the name `name`.
    """
    root = logging.root
    handler = root.handlers[0] if len(root.handlers) == 1 else None
    if not isinstance(handler, _LineHandler):
        log.info(event, **members)
    elif _logger(name).isEnabledFor(logging.INFO):
        bound = structlog.contextvars.get_contextvars()
        stamp = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        last = {"level": "info", "logger": name, "timestamp": stamp}
        line = {**members, "event": event, **bound, **last}
        handler.write(_as_json(line, default=repr))


_logger = cache(logging.getLogger)


class _LineHandler(logging.StreamHandler[Any]):
    """Writes lines of JSON, those of records and others."""

    def write(self, line: str) -> None:
        """Write one line at once."""
        with self.lock or nullcontext():
            self.stream.write(f"{line}{self.terminator}")
            self.flush()


def _as_json(record: Any, *, default: Callable[[Any], Any]) -> str:
    return orjson.dumps(record, default=default, option=orjson.OPT_NON_STR_KEYS).decode()


ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
Kind = Literal["server", "consumer", "internal"]
Value = str | int | float | bool


class Tracer(Protocol):
    """What makes spans."""

    def span(
        self, name: str, *, kind: Kind, parent: str | None, attributes: Mapping[str, Value]
    ) -> "Span":
        """Begin a span, below the one of `parent` or else the present one."""
        ...

    def traceparent(self) -> str | None:
        """The present span, as others are told of it."""
        ...

    def close(self) -> None:
        """Send what has not been sent."""
        ...


class Span(Protocol):
    """A stretch of work."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

    def name(self, name: str) -> None:
        """Call it something more telling."""
        ...

    def tell(self, name: str, value: Value) -> None:
        """Add an attribute."""
        ...

    def fail(self, reason: str) -> None:
        """Mark it as failed."""
        ...

    def end(self) -> None:
        """End it, where no block does: it has never been the present span then."""
        ...


class NoSpan:
    """A span nobody records."""

    def __enter__(self) -> "NoSpan":
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing ends."""

    def name(self, name: str) -> None:
        """Nobody listens."""

    def tell(self, name: str, value: Value) -> None:
        """Nobody listens."""

    def fail(self, reason: str) -> None:
        """Nobody listens."""

    def end(self) -> None:
        """Nothing ends."""


NO_SPAN = NoSpan()
_UNBOUND = nullcontext()
_tracer: Tracer | None = None


def configure_tracing(service: str, environment: Mapping[str, str] = os.environ) -> None:
    """Trace this process if the environment names a collector; `service` is its name there."""
    global _tracer
    off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if off or not any(environment.get(name) for name in ENDPOINTS):
        return
    from shanhai.tracing_export import ExportingTracer

    _tracer = ExportingTracer(service)


def stop_tracing() -> None:
    """Send what has not been sent, and trace no more."""
    global _tracer
    if _tracer is not None:
        _tracer.close()
    _tracer = None


def span(
    name: str, *, kind: Kind = "internal", parent: str | None = None, **attributes: Value
) -> Span:
    """A span, to be used with `with`; `parent` is a `traceparent` from outside, if there is one."""
    if _tracer is None:
        return NO_SPAN
    return _tracer.span(name, kind=kind, parent=parent, attributes=attributes)


def traceparent() -> str | None:
    """The present span, to be handed on; None when nothing is traced."""
    return None if _tracer is None else _tracer.traceparent()


def trace_id_of(parent: str | None) -> str | None:
    """The id of the trace that a `traceparent` belongs to; None if it is none."""
    match = TRACEPARENT.fullmatch(parent or "")
    return None if match is None else match[1]


def bound_trace_id() -> AbstractContextManager[object]:
    """Lines logged within carry the id of the trace."""
    if _tracer is None:
        return _UNBOUND
    return structlog.contextvars.bound_contextvars(trace_id=trace_id_of(traceparent()))
