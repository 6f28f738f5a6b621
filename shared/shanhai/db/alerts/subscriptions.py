"""What people do with alerts: they acknowledge and close them, and are told of them by mail.

Addresses are entered by administrators. Every mail has a signed link by which its reader ends the
subscription; it holds for the address it was sent to.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import partial
from typing import Any, Literal

from sqlalchemy import Row, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts.observation_evaluation import take_evaluation_lock
from shanhai.db.alerts.queries import find_alert, region_of, unknown
from shanhai.db.alerts.rules import SCOPES
from shanhai.db.alerts.transitions import close, note
from shanhai.db.base import touch
from shanhai.db.deliveries.outbox import enqueue
from shanhai.db.identity import Identity, demand_role, demand_scopes
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.alert import Alert, AlertRule, Subscription
from shanhai.db.tables.zone import Region
from shanhai.errors import Conflict, InvalidInput, NotFound, demand_state
from shanhai.vocabulary import Role

Answer = Literal["acknowledge", "close"]
ANSWERERS = frozenset({Role.PLANNER, Role.SUPERVISOR, Role.APPROVER})
_note = partial(record, table="subscription")


async def answer_alert(
    session: AsyncSession,
    alert_id: int,
    answer: Answer,
    text: str,
    *,
    identity: Identity,
    act: Act,
    expected: frozenset[str] | None = None,
) -> None:
    """Acknowledge or close an alert, with a note.

    One closed by hand is not opened again before things have recovered, or got worse.

    Args:
        expected: The states, one of which it must be in; None for any.

    Raises:
        NotFound: there is none.
        Unauthenticated, Forbidden: the identity may not answer alerts of its region.
        Stale: it is in none of the states expected.
        Conflict: it is acknowledged or closed already.
    """
    alert, now = await _lock(session, alert_id, identity)
    _demand_answerable(alert, answer, expected)
    before = {"status": alert.status}
    if answer == "close":
        close(alert, now, act.actor)
    else:
        alert.status, alert.acknowledged_at, alert.acknowledged_by = "acknowledged", now, act.actor
        alert.row_version += 1
    await note(session, alert, alert.status, now=now, actor=act.actor, text=text)
    after = {"status": alert.status, "note": text}
    record(session, act, answer, table="alert", object_id=str(alert_id), before=before, after=after)
    await session.flush()


async def comment_alert(
    session: AsyncSession, alert_id: int, text: str, *, identity: Identity, act: Act
) -> None:
    """Say something of an alert, whatever its state, which stays as it is.

    Nobody is told by mail or webhook: it is for those who look at the alert.

    Raises:
        NotFound: there is none.
        Unauthenticated, Forbidden: the identity may not answer alerts of its region.
    """
    alert, now = await _lock(session, alert_id, identity)
    # What was said belongs to what is read: whoever answers without having read it is told.
    alert.row_version += 1
    await note(session, alert, "commented", now=now, actor=act.actor, text=text)
    record(session, act, "comment", table="alert", object_id=str(alert_id), after={"note": text})
    await session.flush()


async def _lock(session: AsyncSession, alert_id: int, identity: Identity) -> tuple[Alert, datetime]:
    """The alert, kept from others until the transaction ends, and the time by the database.

    Raises:
        NotFound, Unauthenticated, Forbidden: as with `comment_alert`.
    """
    demand_scopes(identity, SCOPES)
    await take_evaluation_lock(session)
    await find_alert(session, identity.viewer, alert_id)
    alert = await session.scalar(select(Alert).where(Alert.id == alert_id).with_for_update())
    if alert is None:
        raise unknown(alert_id)
    demand_role(identity, ANSWERERS, await session.scalar(region_of(alert_id)))
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return alert, now


def _demand_answerable(alert: Alert, answer: Answer, expected: frozenset[str] | None) -> None:
    demand_state(str(alert.row_version), expected, f"alert {alert.id}", f"预警 {alert.id}")
    if alert.status == "closed" or (answer == "acknowledge" and alert.status == "acknowledged"):
        raise Conflict(
            f"alert {alert.id} is {alert.status} already",
            message_zh=f"预警 {alert.id} 已处理：{alert.status}",
        )


MOST = 10_000
"""Subscriptions there may be."""
PURPOSE = b"shanhai unsubscribe 1\x00"
"""Signed along, so that nothing else that is signed with the secret is such a link."""
PLAIN = ("name", "address", "lang", "levels", "time_zone", "endings", "enabled")
_RULE_CODES = (
    select(func.array_agg(aggregate_order_by(AlertRule.code, AlertRule.code)))
    .where(AlertRule.id == func.any(Subscription.rules))
    .scalar_subquery()
)
_SUBSCRIPTIONS: Any = (
    select(Subscription, Region.code.label("region"), _RULE_CODES.label("rules"))
    .outerjoin(Region, Region.id == Subscription.region_id)
    .where(Subscription.deleted_at.is_(None))
    .order_by(Subscription.id.desc())
)


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription in codes, as people know it."""

    row: Subscription
    contents: dict[str, Any]

    @classmethod
    def of(cls, found: Row[Any]) -> "Subscribed":
        """The subscription of a row."""
        row: Subscription = found[0]
        # One whose rules are all gone is told of none.
        rules = None if row.rules is None else (found.rules or [])
        contents = {
            **{name: getattr(row, name) for name in PLAIN},
            "rules": rules,
            "region": found.region,
            "digest_at": None if row.digest_at is None else row.digest_at.strftime("%H:%M"),
        }
        return cls(row, contents)

    @property
    def state(self) -> str:
        """What tells it from what it was before a change."""
        return str(self.row.row_version)


async def list_subscriptions(
    session: AsyncSession, *, limit: int, before: int | None = None
) -> Sequence[Subscribed]:
    """Subscriptions, the newest first."""
    query = _SUBSCRIPTIONS.limit(limit)
    if before is not None:
        query = query.where(Subscription.id < before)
    return [Subscribed.of(row) for row in await session.execute(query)]


async def find_subscription(session: AsyncSession, number: int) -> Subscribed:
    """The subscription of a number.

    Raises:
        NotFound: there is none.
    """
    found = (await session.execute(_SUBSCRIPTIONS.where(Subscription.id == number))).first()
    if found is None:
        raise _unknown(number)
    return Subscribed.of(found)


async def create_subscription(
    session: AsyncSession, contents: Mapping[str, Any], act: Act
) -> Subscribed:
    """Make a subscription.

    Raises:
        InvalidInput: a code in it is unknown, or there are too many.
    """
    live = select(func.count()).where(Subscription.deleted_at.is_(None))
    if int(await session.scalar(live) or 0) >= MOST:
        raise InvalidInput(
            f"there are at most {MOST} subscriptions", message_zh=f"订阅至多 {MOST} 个", pointer=""
        )
    row = Subscription(**await _columns(session, contents))
    session.add(row)
    await session.flush()
    made = await find_subscription(session, row.id)
    _note(session, act, "create", object_id=str(row.id), after=made.contents)
    return made


async def replace_subscription(
    session: AsyncSession,
    number: int,
    contents: Mapping[str, Any],
    act: Act,
    *,
    expected: frozenset[str] | None,
) -> Subscribed:
    """Replace a subscription; who had ended it themselves is told again only with a new address.

    Raises:
        NotFound: there is none.
        Stale: it is in none of the states expected.
        InvalidInput: a code in it is unknown.
    """
    row = await _editable(session, number, expected)
    before = (await find_subscription(session, number)).contents
    if row.address != contents["address"]:
        row.unsubscribed_at = None
    for name, value in (await _columns(session, contents, row)).items():
        setattr(row, name, value)
    await touch(session, row)
    made = await find_subscription(session, number)
    _note(session, act, "update", object_id=str(number), before=before, after=made.contents)
    return made


async def drop_subscription(
    session: AsyncSession, number: int, act: Act, *, expected: frozenset[str] | None
) -> None:
    """End a subscription; what waits to be told is not.

    Raises:
        NotFound, Stale: as with `replace_subscription`.
    """
    row = await _editable(session, number, expected)
    before = (await find_subscription(session, number)).contents
    row.deleted_at = (await session.execute(select(func.now()))).scalar_one()
    await session.flush()
    _note(session, act, "delete", object_id=str(number), before=before)


async def send_test(session: AsyncSession, number: int, act: Act) -> Subscribed:
    """Send a mail that says that mails arrive.

    Raises:
        NotFound: there is no such subscription.
    """
    found = await find_subscription(session, number)
    row = found.row
    payload = {
        "subscription": row.id,
        "name": row.name,
        "lang": row.lang,
        "time_zone": row.time_zone,
    }
    await enqueue(session, "email", row.address, "alert.test", payload)
    _note(session, act, "test", object_id=str(number))
    return found


async def unsubscribe(session: AsyncSession, token: str, secret: str) -> Subscribed:
    """End a subscription by the link of a mail; one that has ended stays so.

    Raises:
        NotFound: the link is none that was sent, or the subscription is gone.
    """
    found = await find_by_token(session, token, secret)
    row = found.row
    if row.unsubscribed_at is None:
        row.unsubscribed_at = (await session.execute(select(func.now()))).scalar_one()
        await touch(session, row)
        act = Act(f"subscription:{row.id}", address=None)
        _note(session, act, "unsubscribe", object_id=str(row.id))
    return found


async def find_by_token(session: AsyncSession, token: str, secret: str) -> Subscribed:
    """The subscription of a link.

    Raises:
        NotFound: as with `unsubscribe`.
    """
    told, _, signature = token.partition(".")
    known = secret and told.isascii() and told.isdigit() and len(told) < 19
    query = _SUBSCRIPTIONS.where(Subscription.id == (int(told) if known else 0))
    found = (await session.execute(query)).first()
    given = signature.encode("ascii", "replace")
    if found is None or not hmac.compare_digest(given, _signature(found[0], secret)):
        raise NotFound("the link is not valid any more", message_zh="该链接已失效")
    return Subscribed.of(found)


def token_of(row: Subscription, secret: str) -> str:
    """What the link of a mail names its subscription by."""
    return f"{row.id}.{_signature(row, secret).decode()}"


def _signature(row: Subscription, secret: str) -> bytes:
    content = PURPOSE + f"{row.id}\x00{row.address}".encode()
    return hmac.digest(secret.encode(), content, hashlib.sha256).hex().encode()


async def _editable(
    session: AsyncSession, number: int, expected: frozenset[str] | None
) -> Subscription:
    query = select(Subscription).where(Subscription.id == number, Subscription.deleted_at.is_(None))
    row = await session.scalar(query.with_for_update())
    if row is None:
        raise _unknown(number)
    demand_state(str(row.row_version), expected, f"subscription {number}", f"订阅 {number}")
    return row


async def _columns(
    session: AsyncSession, contents: Mapping[str, Any], now: Subscription | None = None
) -> dict[str, Any]:
    """The columns of a subscription whose contents name things by their codes.

    Args:
        now: The subscription as it is: what it names may be gone by now.
    """
    now = now or Subscription()
    at, rules, region = (contents[name] for name in ("digest_at", "rules", "region"))
    region_id = None
    if region is not None:
        found = await _ids(session, Region, [region], [now.region_id])
        if not found:
            raise _no(region, "/region")
        region_id = found[region]
    numbers = None
    if rules is not None:
        found = await _ids(session, AlertRule, rules, now.rules or ())
        for place, code in enumerate(rules):
            if code not in found:
                raise _no(code, f"/rules/{place}")
        numbers = sorted(found.values())
    return {
        **{name: contents[name] for name in PLAIN},
        "digest_at": None if at is None else time.fromisoformat(at),
        "region_id": region_id,
        "rules": numbers,
    }


async def _ids(
    session: AsyncSession, table: Any, wanted: Sequence[str], held: Sequence[int | None]
) -> dict[str, int]:
    live = or_(table.deleted_at.is_(None), table.id.in_(held))
    query = select(table.code, table.id).where(table.code.in_(wanted), live)
    # The last one counts: that which is there, before those that are gone.
    query = query.order_by(table.deleted_at.nulls_last())
    return {row.code: row.id for row in await session.execute(query)}


def _no(code: str, pointer: str) -> InvalidInput:
    return InvalidInput(
        f"{code[:80]!r} is unknown", message_zh=f"没有 {code[:80]!r}", pointer=pointer
    )


def _unknown(number: int) -> NotFound:
    return NotFound(f"there is no subscription {number}", message_zh=f"没有订阅 {number}")
