"""What Prometheus is told of this process."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

UNKNOWN_ROUTE = "unknown"


class Metrics:
    """Requests by route, in a registry of its own so that several apps can live side by side."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.seconds = Histogram(
            "shanhai_http_request_seconds",
            "Duration of requests",
            ["method", "route"],
            registry=self.registry,
        )
        self.requests = Counter(
            "shanhai_http_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.running = Gauge(
            "shanhai_http_requests_running", "Requests being answered", registry=self.registry
        )

    def observe(self, *, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count an answered request under its route's pattern, never its path."""
        pattern = route or UNKNOWN_ROUTE
        self.seconds.labels(method, pattern).observe(seconds)
        self.requests.labels(method, pattern, str(status)).inc()

    def render(self) -> bytes:
        """The metrics in the text format."""
        return generate_latest(self.registry)
