"""Jobs, schedules and marks of backups; the row of a job is the truth."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Attributes, Base, BigId, CreatedAt, Labelled, Moment, live_code
from shanhai.vocabulary import JobStatus

STATUSES = tuple(status.value for status in JobStatus)
HELD = ("quota", "retry")


class Job(Base):
    """A queued computation.

    `inputs` is what the caller sent; `task` what was resolved from it when it was accepted;
    `result_form` how the caller wants the results told, where anything was said of it.
    `attempt` is the fencing number: every write of a worker is guarded by it. `subscriber` holds
    the addresses that are told how it goes, as the caller gave them.
    `priority` and `turn` are its place in the queue (`shanhai.jobs.fair_queue`), `held` why it
    stands outside it; `not_before` is when it is tried again after `retries` passing failures.
    `digest` stands for what is computed; `retry_of` is the ended job that it repeats.
    """

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
        Index("ix_job_waiting", "created_at", postgresql_where=text("status = 'accepted'")),
        Index("ix_job_leased", "lease_until", postgresql_where=text("status = 'running'")),
        Index("ix_job_created_at", text("created_at DESC"), text("id DESC")),
        CheckConstraint("priority BETWEEN 0 AND 9", name="priority"),
        CheckConstraint(f"held IN {HELD}", name="held"),
        Index(
            "ix_job_line",
            *(text("priority DESC"), "turn", "created_at", "id"),
            postgresql_where=text("status = 'accepted' AND held IS NULL"),
        ),
        Index(
            "ix_job_held",
            *("requested_by", text("priority DESC"), "turn", "created_at", "id"),
            postgresql_where=text("status = 'accepted' AND held = 'quota'"),
        ),
        Index(
            "ix_job_due",
            "not_before",
            postgresql_where=text("status = 'accepted' AND held = 'retry'"),
        ),
        Index(
            "ix_job_caller",
            *("requested_by", "priority", "turn"),
            postgresql_where=text("status = 'accepted'"),
        ),
        Index("ix_job_digest", "requested_by", "digest", text("created_at DESC")),
        Index(
            "ix_job_failed",
            *(text("created_at DESC"), text("id DESC")),
            postgresql_where=text("status = 'failed'"),
        ),
        Index(
            "ix_job_effect",
            text("(inputs ->> 'project')"),
            text("created_at DESC"),
            postgresql_where=text("kind = 'evaluate-effect'"),
        ),
        Index(
            "uq_job_retry_of",
            "retry_of",
            unique=True,
            postgresql_where=text("retry_of IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, server_default=text("gen_random_uuid()")
    )
    kind: Mapped[str]
    inputs: Mapped[Attributes]
    task: Mapped[Attributes]
    result_form: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    status: Mapped[str] = mapped_column(server_default="accepted", default="accepted")
    attempt: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    crash_count: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("5"), default=5)
    turn: Mapped[int] = mapped_column(BigInteger, server_default=text("0"), default=0)
    held: Mapped[str | None]
    not_before: Mapped[Moment | None]
    retries: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    digest: Mapped[str | None]
    retry_of: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("job.id"))
    lease_until: Mapped[Moment | None]
    dispatched_at: Mapped[Moment | None]
    cancel_requested: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    progress: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"), default=0)
    stage: Mapped[str | None]
    worker: Mapped[str | None]
    seed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"), default=0)
    software: Mapped[str | None]
    requested_by: Mapped[str]
    request_id: Mapped[str | None]
    traceparent: Mapped[str | None]
    subscriber: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    started_at: Mapped[Moment | None]
    finished_at: Mapped[Moment | None]


class JobDataset(Base):
    """Inputs and outputs of a job, with the checksum each had at that time."""

    __tablename__ = "job_dataset"
    __table_args__ = (
        CheckConstraint("role IN ('input', 'output')", name="role"),
        Index("uq_job_dataset_job_id_role_name", "job_id", "role", "name", unique=True),
    )

    id: Mapped[BigId]
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("job.id"))
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"), index=True)
    role: Mapped[str]
    name: Mapped[str]
    checksum: Mapped[str]


class Schedule(Labelled, Base):
    """A process that is asked for again and again.

    Attributes:
        cron: Minute, hour, day, month and day of the week in `timezone`; or
        every_s: seconds between two times, counted from `starts_at`.
        owner: In whose name, with the rights they have when the time comes.
        groups: The groups that the owner's issuer named when they wrote the schedule.
        next_at: When it is due; None while it is not enabled, or if that is never again.
    """

    __tablename__ = "schedule"
    __table_args__ = (
        CheckConstraint("(cron IS NULL) <> (every_s IS NULL)", name="one_timing"),
        CheckConstraint("priority BETWEEN 0 AND 9", name="priority"),
        live_code("schedule"),
        Index("ix_schedule_due", "next_at", postgresql_where=text("next_at IS NOT NULL")),
    )

    process: Mapped[str]
    inputs: Mapped[Attributes]
    cron: Mapped[str | None]
    every_s: Mapped[int | None]
    starts_at: Mapped[Moment]
    timezone: Mapped[str]
    priority: Mapped[int] = mapped_column(SmallInteger)
    enabled: Mapped[bool]
    owner: Mapped[str]
    groups: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    next_at: Mapped[Moment | None]
    row_version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    deleted_at: Mapped[Moment | None]


class ScheduleRun(Base):
    """A time at which a schedule was due, which there is once.

    Attributes:
        missed: How many times were due after it, before anybody could attend to it.
        job_id: What was asked for; None where that was refused, for the reason in `error`.
    """

    __tablename__ = "schedule_run"

    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedule.id"), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), primary_key=True)
    at: Mapped[CreatedAt]
    missed: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("job.id"), index=True)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class BackupMark(Base):
    """How far a part of the backups reaches: base backups, or the archive of the log; or when the
    folder they are in was checked (`verified`)."""

    __tablename__ = "backup_mark"
    __table_args__ = (CheckConstraint("part IN ('base', 'archive', 'verified')", name="part"),)

    part: Mapped[str] = mapped_column(primary_key=True)
    reached: Mapped[Moment]
    noted_at: Mapped[Moment]
    detail: Mapped[Attributes]


class WorkerPresence(Base):
    """A worker that runs, or was lost: one that stops in order takes its row away.

    Attributes:
        name: As jobs name who runs them.
        seen_at: When it last said so.
        replica_lag_bytes: Log that the slowest replica had not replayed then; None without one.
    """

    __tablename__ = "worker_presence"

    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str]
    slots: Mapped[int]
    began_at: Mapped[Moment]
    seen_at: Mapped[Moment]
    replica_lag_bytes: Mapped[float | None]
