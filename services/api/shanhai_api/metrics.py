"""What Prometheus is told of this process."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from shanhai.db.engine import PoolUse

UNKNOWN_ROUTE = "unknown"


class ApiMetrics:
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

        self.observations = Counter(
            "shanhai_observations",
            "Rows of observations received by HTTP, by what became of them",
            ["outcome"],
            registry=self.registry,
        )
        self._pool = Gauge(
            "shanhai_db_pool_size",
            "Connections a pool may hold",
            ["pool"],
            registry=self.registry,
        )
        self._used = Gauge(
            "shanhai_db_pool_in_use",
            "Connections of a pool that are in use",
            ["pool"],
            registry=self.registry,
        )

    def show_pool(self, name: str, use: PoolUse) -> None:
        """Tell how much of a pool of connections is in use."""
        self._pool.labels(name).set(use.size)
        self._used.labels(name).set(use.in_use)

    def observe(self, *, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count an answered request under its route's pattern, never its path."""
        pattern = route or UNKNOWN_ROUTE
        self.seconds.labels(method, pattern).observe(seconds)
        self.requests.labels(method, pattern, str(status)).inc()

    def render(self) -> bytes:
        """The metrics in the text format."""
        return generate_latest(self.registry)
