"""`/system`: what stands behind the service: workers, backups and the replica."""

from collections.abc import Mapping
from typing import Any, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from shanhai.db.queries.system_status import SystemParts, WorkerSeen, read_parts
from shanhai.db.tables.job import BackupMark
from shanhai_api.kit.answers import Answered, Document, Link, Moment
from shanhai_api.kit.dependencies import Administrator, Read
from shanhai_api.kit.routing import Route


class RunningJob(Answered):
    """A job that a worker runs."""

    id: UUID
    process: str
    progress: int
    started: Moment | None


class WorkerTold(Answered):
    """A worker, which runs or was lost within a day."""

    machine: str
    pid: int = Field(description="Number of the process on its machine")
    alive: bool = Field(description="Whether it was heard of within 90 seconds")
    version: str
    slots: int = Field(description="Jobs that it runs at once")
    began: Moment
    seen: Moment = Field(description="When it was last heard of")
    jobs: list[RunningJob]

    @classmethod
    def of(cls, seen: WorkerSeen) -> Self:
        """The worker as it is shown; it is named by its machine, process and a random part."""
        machine, pid, _ = seen.name.rsplit(".", 2)
        return cls(
            machine=machine,
            pid=int(pid),
            alive=seen.alive,
            version=seen.version,
            slots=seen.slots,
            began=seen.began_at,
            seen=seen.seen_at,
            jobs=[
                RunningJob(
                    id=job.id, process=job.kind, progress=job.progress, started=job.started_at
                )
                for job in seen.jobs
            ],
        )


class BackupCheck(Answered):
    """A check of all backups there are."""

    at: Moment
    opened: bool = Field(description="Whether all was decrypted, too, and not only looked for")
    gaps: int = Field(description="Files of the log that are missing")


class BackupsTold(Answered):
    """How far backups reach: every change up to these moments is in them."""

    base: Moment | None = Field(description="End of the newest base backup; null for none")
    archive: Moment | None = Field(description="Newest of the archived log; null for none")
    check: BackupCheck | None = Field(description="The last check; null for none")

    @classmethod
    def of(cls, marks: Mapping[str, BackupMark]) -> Self:
        """The backups as their notes tell."""
        checked = marks.get("verified")
        reached = {part: marks[part].reached if part in marks else None for part in REACHING}
        check = None
        if checked is not None:
            said = checked.detail
            check = BackupCheck(at=checked.reached, opened=said["opened"], gaps=said["gaps"])
        return cls(**reached, check=check)


REACHING = ("base", "archive")


class ReplicaTold(Answered):
    """A replica of the database."""

    lag_bytes: float = Field(description="Log that the slowest replica has not replayed")


class SystemTold(Document):
    """What stands behind the service."""

    stored = False

    workers: list[WorkerTold]
    backups: BackupsTold
    replica: ReplicaTold | None = Field(description="Null without a replica")
    replica_seen: Moment | None = Field(
        description="When a worker looked for replicas; null where none runs, so that nobody knows"
    )
    links: list[Link]

    @classmethod
    def of(cls, parts: SystemParts, links: list[Any]) -> Self:
        """The parts as they are shown."""
        lag = parts.replica_lag_bytes
        return cls(
            workers=[WorkerTold.of(seen) for seen in parts.workers],
            backups=BackupsTold.of(parts.marks),
            replica=None if lag is None else ReplicaTold(lag_bytes=lag),
            replica_seen=parts.replica_seen_at,
            links=links,
        )


router = APIRouter(tags=["operations"], route_class=Route)


@router.get("/system", summary="Workers, backups and the replica")
async def show_system(read: Read[Administrator]) -> SystemTold:
    """Tell which workers run and what, how far backups reach, and how far a replica is behind."""
    return SystemTold.of(await read_parts(read.session), read.self_links("/system"))
