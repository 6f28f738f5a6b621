"""What the operator watches, in Prometheus' terms."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from shanhai.db.queries.job_queue import QueueState
from shanhai.vocabulary import JobStatus

RUN_SECONDS = (0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 21600)


class Meters:
    """The worker's metrics, in a registry of their own so that two workers fit in one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._jobs = Gauge("shanhai_jobs", "Jobs by state", ["status"], registry=self._registry)
        self._depth = Gauge(
            "shanhai_job_queue_depth", "Jobs waiting for a worker", registry=self._registry
        )
        self._oldest = Gauge(
            "shanhai_job_oldest_waiting_seconds",
            "Age of the oldest waiting job",
            registry=self._registry,
        )
        self.busy = Gauge(
            "shanhai_worker_busy_slots", "Jobs this worker is running", registry=self._registry
        )
        self.expiries = Counter(
            "shanhai_job_lease_expiries",
            "Leases found expired by this worker's reaper",
            registry=self._registry,
        )
        self.dispatches = Counter(
            "shanhai_job_redispatches",
            "Waiting jobs sent again by this worker's reaper",
            ["sent"],
            registry=self._registry,
        )
        self.run_seconds = Histogram(
            "shanhai_job_run_seconds",
            "Seconds from claim to end of an attempt",
            ["process", "ending"],
            buckets=RUN_SECONDS,
            registry=self._registry,
        )
        self.observations = Counter(
            "shanhai_feed_observations",
            "Observations that came by telegrams and messages",
            ["way", "outcome"],
            registry=self._registry,
        )
        self.refused = Counter(
            "shanhai_feed_refused",
            "Telegrams, messages and connections of which nothing was kept",
            ["way", "reason"],
            registry=self._registry,
        )
        self.deliveries = Counter(
            "shanhai_deliveries",
            "Attempts to tell somebody something, by what became of them",
            ["kind", "status"],
            registry=self._registry,
        )
        self.connections = Gauge(
            "shanhai_feed_connections",
            "Open connections of devices and to the broker",
            ["way"],
            registry=self._registry,
        )

    def show_queue(self, state: QueueState) -> None:
        """Set the gauges that are read from the database."""
        for status, number in state.jobs.items():
            self._jobs.labels(status.value).set(number)
        self._depth.set(state.jobs[JobStatus.ACCEPTED])
        self._oldest.set(state.oldest_waiting_s)

    def render(self) -> bytes:
        """The text Prometheus reads."""
        return generate_latest(self._registry)
