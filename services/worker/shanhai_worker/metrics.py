"""The worker's Prometheus metrics: jobs, database, deliveries, backups, disks, audit log."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy.ext.asyncio import AsyncEngine

from shanhai.db.engine import pool_use
from shanhai.db.queries.jobs import BLAMED_ON_INPUTS, QueueState
from shanhai.db.queries.system_status import NO_BACKLOG, Watched
from shanhai.jobs.messages import TITLES
from shanhai.telemetry import NO_SPAN, Span, span, traceparent
from shanhai.vocabulary import DELIVERY_KINDS, JobStatus, codes


class SharedMetrics:
    """The gauges; those of a part of backups vanish with it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(f"shanhai_{name}", meaning, labels, registry=registry)

        self._clock = gauge(
            "clock_offset_seconds", "How far this machine's clock is ahead of the database's"
        )
        self._archive_lag = gauge(
            "archive_lag_bytes", "Write-ahead log that the archive has not received", "slot"
        )
        self._replica_lag = gauge(
            "replica_lag_bytes", "Write-ahead log that the slowest replica has not replayed"
        )
        self._statement = gauge(
            "db_longest_statement_seconds", "Age of the oldest statement that runs"
        )
        self._database = gauge("db_bytes", "Size of the database")
        self._reach = gauge(
            "backup_reach_seconds",
            "How long ago the last change lies that backups hold, by part: base or archive",
            "part",
        )
        self._waiting = gauge("delivery_waiting", "Deliveries that wait", "kind")
        self._dead = gauge("delivery_dead", "Deliveries that were given up", "kind")
        self._late = gauge(
            "delivery_late_seconds", "How late the latest delivery that is due is", "kind"
        )
        self._dead_jobs = gauge(
            "job_dead",
            "Jobs of the last week that were given up and not tried again, by class of failure",
            "failure",
        )
        self._schedule = gauge(
            "schedule_late_seconds", "How long the latest schedule has been due for"
        )
        self._free = gauge("disk_free_bytes", "Room left on the disk of a folder", "folder")
        self._size = gauge("disk_bytes", "Size of the disk of a folder", "folder")
        self.audit_intact = gauge(
            "audit_intact", "Whether the audit log was whole when it was last followed"
        )
        self._verified = gauge(
            "audit_verified_seconds",
            "How long ago the audit log was found whole, or was begun with",
        )
        self.audit_verified(time.monotonic())
        self.audit_intact.set(1)
        self._pool = gauge("db_pool_size", "Connections a pool may hold", "pool")
        self._used = gauge("db_pool_in_use", "Connections of a pool that are in use", "pool")

    def audit_verified(self, moment: float) -> None:
        """Note when, on the monotonic clock, the audit log was found whole."""
        self._verified.set_function(lambda: time.monotonic() - moment)

    def show(self, seen: Watched) -> None:
        """Tell what was seen in the database."""
        self._clock.set(seen.clock_offset_s)
        self._archive_lag.clear()
        if seen.archive_lag_bytes is not None:
            self._archive_lag.labels("shanhai_archive").set(seen.archive_lag_bytes)
        self._replica_lag.set(seen.replica_lag_bytes or 0)
        self._statement.set(seen.longest_statement_s)
        self._database.set(seen.database_bytes)
        self._reach.clear()
        for part, seconds in seen.reach_s.items():
            self._reach.labels(part).set(seconds)
        # Those there are none of are 0 and not absent, so that the first one is a rise.
        for kind in codes(DELIVERY_KINDS):
            backlog = seen.deliveries.get(kind, NO_BACKLOG)
            self._waiting.labels(kind).set(backlog.waiting)
            self._dead.labels(kind).set(backlog.dead)
            self._late.labels(kind).set(backlog.late_s)

        for failure in TITLES.keys() - BLAMED_ON_INPUTS:
            self._dead_jobs.labels(failure).set(seen.dead_jobs.get(failure, 0))
        self._schedule.set(seen.schedule_late_s)

    def show_disks(self, folders: Mapping[str, Path]) -> None:
        """Tell how much room there is where folders lie; one that is not there yet is left out."""
        for name, folder in folders.items():
            if folder.exists():
                usage = shutil.disk_usage(folder)
                self._free.labels(name).set(usage.free)
                self._size.labels(name).set(usage.total)

    def show_pool(self, engine: AsyncEngine) -> None:
        """Tell how much of the pool of connections is in use."""
        size, in_use = pool_use(engine)
        self._pool.labels("worker").set(size)
        self._used.labels("worker").set(in_use)


RUN_SECONDS = (0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 21600)


class WorkerMetrics:
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
        self.watch = SharedMetrics(self.registry)
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

    def __init__(self, meters: WorkerMetrics, process: str) -> None:
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
