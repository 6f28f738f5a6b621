"""Gauges of what all processes share: the database, deliveries, backups, disks, the audit log.

Every worker tells them alike; rules over them take the greatest.
"""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy.ext.asyncio import AsyncEngine

from shanhai.db.engine import pool_use
from shanhai.db.queries.jobs import BLAMED_ON_INPUTS
from shanhai.db.queries.system_status import NO_BACKLOG, Watched
from shanhai.jobs.failures import TITLES
from shanhai.vocabulary import DELIVERY_KINDS, codes


class WatchMeters:
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
