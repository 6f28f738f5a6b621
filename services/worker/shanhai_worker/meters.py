"""What the operator watches, in Prometheus' terms."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from shanhai.db.queries.jobs import QueueState
from shanhai.tracing import NO_SPAN, Span, span, traceparent
from shanhai.vocabulary import JobStatus
from shanhai_worker.watch import WatchMeters

RUN_SECONDS = (0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 21600)


class Meters:
    """The worker's metrics, in a registry of their own so that two workers fit in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._jobs = Gauge("shanhai_jobs", "Jobs by state", ["status"], registry=self.registry)
        self._depth = Gauge(
            "shanhai_job_queue_depth", "Jobs waiting for a worker", registry=self.registry
        )
        self._oldest = Gauge(
            "shanhai_job_oldest_waiting_seconds",
            "Age of the oldest waiting job",
            registry=self.registry,
        )
        self._waiting = Gauge(
            "shanhai_job_waiting", "Jobs waiting, by process", ["process"], registry=self.registry
        )
        self._waited = Gauge(
            "shanhai_job_waiting_seconds",
            "Age of the oldest waiting job, by process",
            ["process"],
            registry=self.registry,
        )
        self.stage_seconds = Histogram(
            "shanhai_job_stage_seconds",
            "Seconds an attempt spent in a stage",
            ["process", "stage"],
            buckets=RUN_SECONDS,
            registry=self.registry,
        )
        self.watch = WatchMeters(self.registry)
        self.busy = Gauge(
            "shanhai_worker_busy_slots", "Jobs this worker is running", registry=self.registry
        )
        self.expiries = Counter(
            "shanhai_job_lease_expiries",
            "Leases found expired by this worker's reaper",
            registry=self.registry,
        )
        self.dispatches = Counter(
            "shanhai_job_redispatches",
            "Waiting jobs sent again by this worker's reaper",
            ["sent"],
            registry=self.registry,
        )
        self.run_seconds = Histogram(
            "shanhai_job_run_seconds",
            "Seconds from claim to end of an attempt",
            ["process", "ending"],
            buckets=RUN_SECONDS,
            registry=self.registry,
        )
        self.observations = Counter(
            "shanhai_feed_observations",
            "Observations that came by telegrams and messages",
            ["way", "outcome"],
            registry=self.registry,
        )
        self.refused = Counter(
            "shanhai_feed_refused",
            "Telegrams, messages and connections of which nothing was kept",
            ["way", "reason"],
            registry=self.registry,
        )
        self.deliveries = Counter(
            "shanhai_deliveries",
            "Attempts to tell somebody something, by what became of them",
            ["kind", "status"],
            registry=self.registry,
        )
        self.connections = Gauge(
            "shanhai_feed_connections",
            "Open connections of devices and to the broker",
            ["way"],
            registry=self.registry,
        )

    def show_queue(self, state: QueueState) -> None:
        """Set the gauges that are read from the database."""
        for status, number in state.jobs.items():
            self._jobs.labels(status.value).set(number)
        self._depth.set(state.jobs[JobStatus.ACCEPTED])
        self._oldest.set(state.oldest_waiting_s)
        for gauge in (self._waiting, self._waited):
            gauge.clear()
        for process, waiting in state.waiting.items():
            self._waiting.labels(process).set(waiting.number)
            self._waited.labels(process).set(waiting.oldest_s)

    def render(self) -> bytes:
        """The text Prometheus reads."""
        return generate_latest(self.registry)


class StageClock:
    """Measures how long one attempt stays in each of its stages, and traces them.

    The child that computes reaches no network, so its stages are traced for it.
    """

    def __init__(self, meters: Meters, process: str) -> None:
        self._meters = meters
        self._process = process
        self._stage: str | None = None
        self._since = time.monotonic()
        self._parent = traceparent()
        self._span: Span = NO_SPAN

    def tell(self, stage: str | None) -> None:
        """Note which stage the attempt is in; None tells nothing new."""
        if stage is not None and stage != self._stage:
            self.end()
            self._stage, self._since = stage, time.monotonic()
            self._span = span(f"stage {stage}", parent=self._parent)

    def end(self) -> None:
        """Note that the present stage is over."""
        if self._stage is not None:
            seconds = time.monotonic() - self._since
            self._meters.stage_seconds.labels(self._process, self._stage).observe(seconds)
            self._span.end()
        self._stage = None
