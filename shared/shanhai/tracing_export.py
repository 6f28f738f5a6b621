"""Spans by the OpenTelemetry SDK, sent by OTLP over HTTP; loaded only where a process is traced."""

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shanhai import __version__
from shanhai.telemetry import Kind, Span, Value

KINDS = {
    "server": trace.SpanKind.SERVER,
    "consumer": trace.SpanKind.CONSUMER,
    "internal": trace.SpanKind.INTERNAL,
}
HEADER = "traceparent"


class ExportingTracer:
    """Makes spans and sends them in the background, as the standard variables tell."""

    def __init__(self, service: str) -> None:
        # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, where given, win.
        own = Resource({SERVICE_NAME: service, SERVICE_VERSION: __version__})
        resource = own.merge(Resource.create())
        if resource.attributes.get(SERVICE_NAME) == "unknown_service":
            resource = resource.merge(own)
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("shanhai", __version__)
        self._propagator = TraceContextTextMapPropagator()

    def span(
        self, name: str, *, kind: Kind, parent: str | None, attributes: Mapping[str, Value]
    ) -> Span:
        """Begin a span; a parent that is no `traceparent` is passed over, as the standard says."""
        context = None if parent is None else self._propagator.extract({HEADER: parent}, Context())
        begun = self._tracer.start_span(
            name, context=context, kind=KINDS[kind], attributes=dict(attributes)
        )
        return ExportedSpan(begun)

    def traceparent(self) -> str | None:
        """The present span as a header."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get(HEADER)

    def close(self) -> None:
        """Send what has not been sent, within a few seconds."""
        self._provider.shutdown()


class ExportedSpan:
    """A span of the SDK, the present one as long as its block lasts."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self._block = ExitStack()

    def __enter__(self) -> Self:
        self._block.enter_context(trace.use_span(self._span, end_on_exit=True))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None:
        """End it; an error that leaves the block is noted."""
        self._block.__exit__(kind, error, traceback)

    def name(self, name: str) -> None:
        """Call it something more telling."""
        self._span.update_name(name)

    def tell(self, name: str, value: Value) -> None:
        """Add an attribute."""
        self._span.set_attribute(name, value)

    def fail(self, reason: str) -> None:
        """Mark it as failed."""
        self._span.set_status(trace.StatusCode.ERROR, reason)

    def end(self) -> None:
        """End it, where no block does."""
        self._span.end()
