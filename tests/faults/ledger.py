"""What was accepted and what became of it: nothing lost or done twice, every failure with a reason.

The ledger is kept by who sends, from answers alone; the verdict is read from the database.
"""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from shanhai.db.engine import Sessions

FINAL = frozenset({"successful", "failed", "dismissed"})
JOBS = text("""
  SELECT j.id::text AS id, j.kind, j.status, j.result, j.error, j.lease_until,
         j.inputs ->> 'message' AS message,
         (SELECT count(*) FROM audit_log a
           WHERE a.object_table = 'job' AND a.object_id = j.id::text
             AND (a.action IN ('succeed', 'fail', 'dismiss')
                  OR a.action = 'cancel' AND a.after ->> 'status' = 'dismissed')) AS ends,
         (SELECT count(*) FROM audit_log a
           WHERE a.object_table = 'job' AND a.object_id = j.id::text
             AND a.action = 'submit') AS submissions
    FROM job j
""")
REGIONS = text("SELECT code, count(*) AS rows FROM region GROUP BY code")


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked under a key: a message to return, or a region to import."""

    key: str
    message: str | None = None
    region: str | None = None


@dataclass
class Ledger:
    """What the senders were told.

    Attributes:
        accepted: Orders by the job that was answered with 201.
        repeats: Why requests were sent again: what came instead of an answer.
        unexpected: Answers nobody should get, whatever is broken.
        reruns_s: Seconds from the loss of a worker to the next attempt.
    """

    accepted: dict[str, Order] = field(default_factory=dict)
    repeats: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    reruns_s: list[float] = field(default_factory=list)

    def note(self, job: str, order: Order) -> None:
        """An order was accepted as a job: the same one, however often it was sent."""
        before = self.accepted.setdefault(job, order)
        if before != order:
            self.unexpected.append(f"job {job} was given to {before.key} and to {order.key}")


@dataclass(frozen=True)
class Verdict:
    """What the database says of the accepted jobs."""

    accepted: int
    finished: Mapping[str, int]
    lost: int
    duplicated: int
    faults: list[str]


async def judge(ledger: Ledger, sessions: Sessions) -> Verdict:
    """Compare what was promised with what is there."""
    async with sessions() as session:
        rows = {row.id: row for row in await session.execute(JOBS)}
        regions = {row.code: row.rows for row in await session.execute(REGIONS)}
    finished: dict[str, int] = {}
    faults, lost, duplicated = list(ledger.unexpected), 0, 0
    for job, order in ledger.accepted.items():
        row = rows.pop(job, None)
        if row is None or row.status not in FINAL:
            lost += 1
            continue
        finished[row.status] = finished.get(row.status, 0) + 1
        effects = regions.get(order.region, 0) if order.region else 0
        duplicated += max(row.ends, row.submissions, effects, 1) - 1
        faults += faults_of(row, order, effects)
    # A job that nobody was told of may be there: its answer was lost, and its key never repeated.
    messages = [row.message for row in rows.values() if row.message is not None]
    known = {order.message for order in ledger.accepted.values()} - {None}
    duplicated += sum(message in known for message in messages)
    return Verdict(len(ledger.accepted), finished, lost, duplicated, faults)


def faults_of(row: Any, order: Order, effects: int) -> list[str]:
    """What is wrong with an ended job."""
    found = []
    if row.ends != 1 or row.submissions != 1:
        found.append(f"{row.ends} ends and {row.submissions} submissions in the audit log")
    if row.lease_until is not None:
        found.append("is still leased")
    if (row.result is not None) != (row.status == "successful"):
        found.append("has a result without success, or none with it")
    if (row.error is not None) != (row.status == "failed"):
        found.append("has a reason without failure, or none with it")
    if row.error is not None and not (row.error["detail"] and row.error["detail_zh"]):
        found.append("failed without words")
    returned = {"message": order.message}
    if row.status == "successful" and order.message and row.result["values"] != returned:
        found.append("returned something else")
    if order.region is not None and effects != (row.status == "successful"):
        found.append(f"published {effects} regions")
    return [f"job {row.id} ({row.kind}, {row.status}): {what}" for what in found]


def told(verdict: Verdict, ledger: Ledger) -> str:
    """The figures in one line."""
    ends = ", ".join(f"{number} {status}" for status, number in sorted(verdict.finished.items()))
    reruns = ledger.reruns_s
    again = (
        f"median {statistics.median(reruns):.1f} s, most {max(reruns):.1f} s of {len(reruns)}"
        if reruns
        else "none"
    )
    return (
        f"jobs accepted {verdict.accepted}, finished {sum(verdict.finished.values())} ({ends}), "
        f"lost {verdict.lost}, duplicated {verdict.duplicated}; sent again {len(ledger.repeats)}; "
        f"until run again: {again}"
    )
