"""Accounts: whom tokens of issuers speak for, and the roles they were given."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, delete, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven, check_roles
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.access import Account, AccountRole
from shanhai.db.tables.provision import Party
from shanhai.db.tables.zone import Region
from shanhai.errors import Conflict, InvalidInput, NotFound, demand_state
from shanhai.vocabulary import Role

OWN = "urn:shanhai:accounts"
"""The issuer of accounts of our own, whose subject is the name they sign in by."""
OWN_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}", re.ASCII)
SEEN_S = 60.0
"""Seconds between notes of an account's use."""


@dataclass(frozen=True, slots=True)
class Holder:
    """An account with its roles and the code of the party it belongs to."""

    account: Account
    roles: tuple[RoleGiven, ...]
    party: str | None = None

    @property
    def owner(self) -> str:
        """The account as rows and the audit log name it."""
        return f"account:{self.account.id}"


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What is to become of an account; None leaves a member as it is.

    An empty e-mail or party takes it away.
    """

    name: str | None = None
    email: str | None = None
    party: str | None = None
    disabled: bool | None = None
    roles: Sequence[RoleGiven] | None = None


async def find_holder(session: AsyncSession, issuer: str, subject: str) -> Holder | None:
    """The account of a subject."""
    found = await _holders(session, Account.issuer == issuer, Account.subject == subject)
    return found[0] if found else None


async def read_holder(session: AsyncSession, account_id: int) -> Holder:
    """An account.

    Raises:
        NotFound: there is none.
    """
    found = await _holders(session, Account.id == account_id)
    if not found:
        raise NotFound(f"there is no account {account_id}", message_zh=f"没有账户 {account_id}")
    return found[0]


async def list_holders(
    session: AsyncSession, *, limit: int, before: int | None = None
) -> Sequence[Holder]:
    """Accounts, the newest first."""
    return await _holders(session, *([] if before is None else [Account.id < before]), limit=limit)


async def register(
    session: AsyncSession, *, issuer: str, subject: str, name: str, email: str | None
) -> Holder:
    """The account of a subject that shows itself for the first time: known, without roles."""
    made = await session.scalar(
        insert(Account)
        .values(issuer=issuer, subject=subject, name=name, email=email)
        .on_conflict_do_nothing()
        .returning(Account)
    )
    if made is not None:
        holder = Holder(made, ())
        _note(session, Act(holder.owner), "create", holder, None)
        return holder
    found = await find_holder(session, issuer, subject)
    if found is None:
        raise Conflict("the account is being changed; try again", message_zh="账户正在变更，请重试")
    return found


async def invite(
    session: AsyncSession, *, issuer: str, subject: str, change: AccountChange, act: Act
) -> Holder:
    """Make an account before its subject shows itself.

    Raises:
        Conflict: the subject has one.
        InvalidInput: the party, a role or its region cannot be given, or nobody could type the
            name of an account of our own.
    """
    if issuer == OWN and not OWN_NAME.fullmatch(subject):
        raise InvalidInput(
            "the name of an account of our own has 2 to 64 characters of a-z, 0-9, dot, dash, @"
            " and underscore, and begins with a letter or digit",
            message_zh="本平台账户的登录名须为 2 至 64 个小写字母、数字、点、连字符、@ 或下划线，"
            "并以字母或数字开头",
            pointer="/subject",
        )
    row = await session.scalar(
        insert(Account)
        .values(issuer=issuer, subject=subject, name=change.name or subject)
        .on_conflict_do_nothing()
        .returning(Account)
    )
    if row is None:
        raise Conflict(f"{subject!r} has an account", message_zh=f"登录名“{subject}”已有账户")
    holder = await _apply(session, row, change)
    _note(session, act, "create", holder, None)
    return holder


def state_of_account(holder: Holder) -> str:
    """What tells an account from what it was before a change; its use changes nothing."""
    return hashlib.sha256(repr(_image(holder)).encode()).hexdigest()[:16]


async def change_account(
    session: AsyncSession,
    account_id: int,
    change: AccountChange,
    *,
    act: Act,
    expected: frozenset[str] | None = None,
) -> Holder:
    """Change an account; what it may do changes with its next request.

    Args:
        expected: The states, one of which it must be in; None for any.

    Raises:
        NotFound: there is none.
        Stale: it is in none of the states expected.
        InvalidInput: the party, a role or its region cannot be given.
    """
    locked = select(Account.id).where(Account.id == account_id).with_for_update()
    await session.execute(locked)
    before = await read_holder(session, account_id)
    demand_state(state_of_account(before), expected, f"account {account_id}", f"账户 {account_id}")
    image = _image(before)
    after = await _apply(session, before.account, change)
    _note(session, act, "update", after, image)
    return after


def is_seen_due(holder: Holder, signed_in_at: datetime, groups: Sequence[str]) -> bool:
    """Whether there is something to note: a signing in, other groups, a use after a while."""
    account = holder.account
    if account.disabled_at is not None:
        return False
    if account.signed_in_at is None or account.signed_in_at < signed_in_at:
        return True
    if account.signed_in_at == signed_in_at and account.groups != groups:
        return True
    seen = account.last_seen_at
    return seen is None or datetime.now(UTC) - seen > timedelta(seconds=SEEN_S)


async def note_seen(
    session: AsyncSession, holder: Holder, signed_in_at: datetime, groups: Sequence[str]
) -> None:
    """Note that an account is in use, each new signing in, and the groups of the newest one."""
    account = holder.account
    newer = or_(Account.signed_in_at.is_(None), Account.signed_in_at < signed_in_at)
    signed_in = await session.scalar(
        update(Account)
        .where(Account.id == account.id, newer)
        .values(signed_in_at=signed_in_at, last_seen_at=func.now(), groups=groups)
        .returning(Account.id)
        .execution_options(synchronize_session=False)
    )
    if signed_in is not None:
        image = {"signed_in": signed_in_at.isoformat()}
        act = Act(holder.owner)
        record(session, act, "sign-in", table="account", object_id=str(account.id), after=image)
        return
    newest, named = Account.signed_in_at == signed_in_at, literal(groups, Account.groups.type)
    stale = or_(
        and_(newest, Account.groups.is_distinct_from(named)),
        Account.last_seen_at.is_(None),
        Account.last_seen_at < func.now() - text(f"interval '{SEEN_S:g} seconds'"),
    )
    await session.execute(
        update(Account)
        .where(Account.id == account.id, stale)
        .values(last_seen_at=func.now(), groups=case((newest, named), else_=Account.groups))
        .execution_options(synchronize_session=False)
    )


async def _apply(session: AsyncSession, row: Account, change: AccountChange) -> Holder:
    if change.name is not None:
        row.name = change.name
    if change.email is not None:
        row.email = change.email or None
    if change.party is not None:
        row.party_id = await _party_id(session, change.party) if change.party else None
    if change.disabled is not None:
        row.disabled_at = (row.disabled_at or await _now(session)) if change.disabled else None
    if change.roles is not None:
        await _set_roles(session, row, change.roles)
    await session.flush()
    return await read_holder(session, row.id)


async def _set_roles(session: AsyncSession, row: Account, roles: Sequence[RoleGiven]) -> None:
    regions = await check_roles(session, roles)
    await session.execute(delete(AccountRole).where(AccountRole.account_id == row.id))
    for item in roles:
        region_id = None if item.region is None else regions[item.region]
        session.add(AccountRole(account_id=row.id, role=item.role.value, region_id=region_id))


async def _party_id(session: AsyncSession, code: str) -> int:
    query = select(Party.id).where(Party.code == code, Party.deleted_at.is_(None))
    found = await session.scalar(query)
    if found is None:
        raise InvalidInput(
            f"there is no party {code!r}", message_zh=f"没有单位 {code!r}", pointer="/party"
        )
    return found


async def _now(session: AsyncSession) -> datetime:
    now: datetime = (await session.execute(select(func.now()))).scalar_one()
    return now


async def _holders(
    session: AsyncSession, *conditions: Any, limit: int | None = None
) -> list[Holder]:
    query = (
        select(Account, Party.code)
        .outerjoin(Party, Party.id == Account.party_id)
        .where(*conditions)
        .order_by(Account.id.desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    rows = (await session.execute(query)).all()
    roles = await _roles(session, [account.id for account, _ in rows])
    return [Holder(account, roles.get(account.id, ()), party) for account, party in rows]


async def _roles(session: AsyncSession, ids: Iterable[int]) -> Mapping[int, tuple[RoleGiven, ...]]:
    query = (
        select(AccountRole.account_id, AccountRole.role, Region.code)
        .outerjoin(Region, Region.id == AccountRole.region_id)
        .where(AccountRole.account_id.in_(ids))
        .order_by(AccountRole.id)
    )
    found: dict[int, tuple[RoleGiven, ...]] = {}
    for account_id, role, region in await session.execute(query):
        found[account_id] = (*found.get(account_id, ()), RoleGiven(Role(role), region))
    return found


def _note(
    session: AsyncSession, act: Act, action: str, holder: Holder, before: dict[str, Any] | None
) -> None:
    record(
        session,
        act,
        action,
        table="account",
        object_id=str(holder.account.id),
        before=before,
        after=_image(holder),
    )


def _image(holder: Holder) -> dict[str, Any]:
    account = holder.account
    return {
        "issuer": account.issuer,
        "subject": account.subject,
        "name": account.name,
        "email": account.email,
        "party": holder.party,
        "disabled": account.disabled_at is not None,
        "roles": [role.document() for role in holder.roles],
    }
