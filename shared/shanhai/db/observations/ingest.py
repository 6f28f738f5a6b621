"""The one way observations come in, whoever brings them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import Identity
from shanhai.monitoring.observation import Batch, Outcome


@dataclass(frozen=True, slots=True)
class Sender:
    """Who brings observations, and how.

    Attributes:
        kind: The way they came: `http`, `sta`, `mqtt`, `hj212`.
        identity: Whose rights decide for which stations; stations elsewhere are unknown to it.
    """

    kind: str
    identity: Identity


async def store(
    session: AsyncSession,
    batch: Batch,
    sender: Sender,
    *,
    received: datetime | None = None,
    skew: timedelta = timedelta(minutes=5),
) -> Outcome:
    """Store the rows of a batch that can be stored; durable once the session is committed.

    In the session's transaction: stations and properties are found by their codes, times and values
    are checked, values converted to the property's unit, rows written (a row that is there already
    is a duplicate, one with another value a revision), the newest values brought up to date, the
    days whose roll-ups are no longer right noted, and the change told to those who follow
    (`observation_change`, channel `shanhai_observations`). Of several rows for one station, property
    and time the last one counts. The same batch can be stored again at any time.

    It takes the locks of its series in their order: whoever stores twice in one transaction may
    deadlock with another who does.

    Args:
        batch: Rows; those already refused by who read them are not among them.
        received: When they arrived; now.
        skew: How far ahead of that a time may be.

    Returns:
        How many rows came to what; a refused row is told with its `index`, a pointer to its member
        (`/station`, `/property`, `/time`, `/value`, `/unit`) and the rule it breaks.
    """
    raise NotImplementedError
