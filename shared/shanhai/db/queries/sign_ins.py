"""Signing in: sessions of browsers, passwords, second factors, one-time links, and locks.

A second factor is an authenticator that makes codes, or any number of security keys, or both.

An attempt is counted, and that committed, before anything is compared: many at once cannot try more
than one after another. It is forgotten when it was right.
"""

import os
import time
from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import passwords
from shanhai.crypto import SecretBox
from shanhai.db.deliveries.outbox import enqueue
from shanhai.db.engine import Executor, Sessions
from shanhai.db.queries import accounts
from shanhai.db.queries.audit import Act, record
from shanhai.db.queries.keys import Address, find_key
from shanhai.db.tables.access import (
    Account,
    AccountCredential,
    AccountSecurityKey,
    ApiKey,
    BrowserSession,
    SignInFailure,
)
from shanhai.errors import Conflict, Fault, InvalidInput, NotFound, RateLimited, Unauthenticated
from shanhai.settings import SignInSettings
from shanhai.vocabulary import Role

PURPOSE = "second factors"
KEPT_DAYS = 90
"""Days for which sessions that have ended are shown to their account."""
NOTED_S = 60.0
"""Seconds between notes of a session's use."""
LONGEST_AGENT = 300
PASSWORD, CODE, SECURITY_KEY, WAIVED = "pwd", "otp", "pop", "otp_not_asked"
FACTORS = frozenset({CODE, SECURITY_KEY})
CHALLENGE_BYTES, CHALLENGE_S = 32, 300
MOST_SECURITY_KEYS = 20
NOBODY = Act("anonymous")
NEW_DEVICE = "account.new-device"
"""Event of the mail that tells an account of a sign-in from where it had none before."""


@dataclass(frozen=True, slots=True)
class SignInOrigin:
    """Where a sign-in comes from; `bucket` is its address, or the network a home is given.

    `mails`: whether a mail server is there to tell the account of it.
    """

    address: Address | None
    bucket: str
    agent: str = ""
    request_id: str | None = None
    mails: bool = False

    @property
    def shown(self) -> str | None:
        """The address as the audit log has it."""
        return None if self.address is None else str(self.address)


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session of an account that is good now, or will be when what it needs is done."""

    id: int
    account_id: int
    need: str | None
    groups: frozenset[str]
    proofs: frozenset[str]
    used_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class KeySession:
    """A session that speaks for an API key, which needs nothing more to be good."""

    id: int
    prefix: str
    name: str
    used_at: datetime
    need: None = None


_LIVE = (
    sa.select(
        BrowserSession.id,
        BrowserSession.account_id,
        BrowserSession.need,
        BrowserSession.groups,
        BrowserSession.proofs,
        BrowserSession.used_at,
        BrowserSession.expires_at,
        ApiKey.prefix,
        ApiKey.name,
    )
    .outerjoin(ApiKey, ApiKey.id == BrowserSession.key_id)
    .where(
        BrowserSession.sha256 == sa.bindparam("sha256"),
        BrowserSession.ended_at.is_(None),
        BrowserSession.expires_at > sa.func.now(),
        BrowserSession.used_at > sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    )
)


async def find_session(
    asked: Executor, token: str, idle_s: float
) -> LiveSession | KeySession | None:
    """The session of a token; None when it has ended."""
    since = datetime.now(UTC) - timedelta(seconds=idle_s)
    given = {"sha256": passwords.digest_of_secret(token), "since": since}
    rows = (await asked.execute(_LIVE, given)).all()
    if not rows:
        return None
    row = rows[0]
    if row.prefix is not None:
        return KeySession(row.id, row.prefix, row.name, row.used_at)
    groups, proofs = frozenset(row.groups), frozenset(row.proofs)
    return LiveSession(
        row.id, row.account_id, row.need, groups, proofs, row.used_at, row.expires_at
    )


def is_use_noted(live: LiveSession | KeySession) -> bool:
    """Whether the last note of a use is new enough."""
    return datetime.now(UTC) - live.used_at < timedelta(seconds=NOTED_S)


async def note_session_use(session: AsyncSession, live: LiveSession | KeySession) -> None:
    """Note that a session was used."""
    await session.execute(
        sa.update(BrowserSession)
        .where(BrowserSession.id == live.id, BrowserSession.ended_at.is_(None))
        .values(used_at=sa.func.now())
        .execution_options(synchronize_session=False)
    )


async def begin_session(
    session: AsyncSession,
    account: Account,
    origin: SignInOrigin,
    settings: SignInSettings,
    *,
    need: str | None,
    proofs: Set[str],
    groups: Set[str] = frozenset(),
) -> str:
    """Begin a session, and give the token that is kept nowhere."""
    await session.execute(
        sa.delete(BrowserSession).where(
            BrowserSession.account_id == account.id,
            BrowserSession.expires_at < sa.func.now() - timedelta(days=KEPT_DAYS),
        )
    )
    new = await _is_new_device(session, account.id, origin)
    token = passwords.make_token()
    row = BrowserSession(
        account_id=account.id,
        sha256=passwords.digest_of_secret(token),
        need=need,
        groups=sorted(groups),
        proofs=sorted(proofs),
        address=origin.address,
        agent=origin.agent[:LONGEST_AGENT],
        new_device=new,
        expires_at=datetime.now(UTC) + timedelta(seconds=settings.longest_s),
    )
    session.add(row)
    await session.flush()
    told = {"session": row.id, "agent": row.agent, "proofs": row.proofs, "need": need}
    _note(session, account.id, "sign-in", origin, **told)
    if new:
        _note(session, account.id, "new-device", origin, session=row.id, agent=row.agent)
        if origin.mails and account.email is not None:
            told = {"name": account.name, "address": origin.shown, "agent": row.agent}
            await enqueue(session, "email", account.email, NEW_DEVICE, told)
    return token


async def begin_key_session(
    session: AsyncSession, prefix: str, origin: SignInOrigin, settings: SignInSettings
) -> str:
    """Begin a session that speaks for a key as long as that is valid; its token.

    Raises:
        NotFound: there is no such key.
    """
    key, token = await find_key(session, prefix), passwords.make_token()
    row = BrowserSession(
        key_id=key.id,
        sha256=passwords.digest_of_secret(token),
        address=origin.address,
        agent=origin.agent[:LONGEST_AGENT],
        expires_at=datetime.now(UTC) + timedelta(seconds=settings.longest_s),
    )
    session.add(row)
    await session.flush()
    after = {"session": row.id, "agent": row.agent}
    act = Act(f"key:{prefix}", origin.request_id, origin.shown)
    record(session, act, "sign-in", table="api_key", object_id=prefix, after=after)
    return token


async def list_key_sessions(session: AsyncSession, key_id: int) -> list[BrowserSession]:
    """The sessions of a key that have not ended, the newest first."""
    asked = sa.select(BrowserSession).where(
        BrowserSession.key_id == key_id,
        BrowserSession.ended_at.is_(None),
        BrowserSession.expires_at > sa.func.now(),
    )
    return [*await session.scalars(asked.order_by(BrowserSession.id.desc()).limit(100))]


async def end_key_session(session: AsyncSession, live: KeySession, origin: SignInOrigin) -> None:
    """End a session of a key at once."""
    await session.execute(
        sa.update(BrowserSession)
        .where(BrowserSession.id == live.id, BrowserSession.ended_at.is_(None))
        .values(ended_at=sa.func.now())
        .execution_options(synchronize_session=False)
    )
    act = Act(f"key:{live.prefix}", origin.request_id, origin.shown)
    after = {"session": live.id}
    record(session, act, "sign-out", table="api_key", object_id=live.prefix, after=after)


async def _is_new_device(session: AsyncSession, account_id: int, origin: SignInOrigin) -> bool:
    """Whether the account has had sessions, and none from this address with this program."""
    same = sa.and_(
        BrowserSession.address == origin.address,
        BrowserSession.agent == origin.agent[:LONGEST_AGENT],
    )
    asked = sa.select(sa.func.count(), sa.func.count().filter(same)).where(
        BrowserSession.account_id == account_id
    )
    had, here = (await session.execute(asked)).one()
    return bool(had) and not here


async def _go_on(
    session: AsyncSession, live: LiveSession, *, need: str | None, proofs: Set[str]
) -> str:
    """Go on with a session under a new token: its rights have changed."""
    token = passwords.make_token()
    changed = await session.scalar(
        _of_live(live).values(
            sha256=passwords.digest_of_secret(token),
            need=need,
            proofs=sorted(proofs),
            challenge=None,
            challenge_expires_at=None,
        )
    )
    if changed is None:
        raise ended_session()
    return token


def _of_live(live: LiveSession) -> Any:
    return (
        sa.update(BrowserSession)
        .where(BrowserSession.id == live.id, BrowserSession.ended_at.is_(None))
        .returning(BrowserSession.id)
        .execution_options(synchronize_session=False)
    )


def ended_session() -> Unauthenticated:
    """The error of a session that is over."""
    return Unauthenticated(
        "the session has ended; sign in again", message_zh="会话已结束，请重新登录"
    )


async def list_sessions(session: AsyncSession, account_id: int) -> list[BrowserSession]:
    """The sessions of an account, the newest first."""
    asked = sa.select(BrowserSession).where(BrowserSession.account_id == account_id)
    return [*await session.scalars(asked.order_by(BrowserSession.id.desc()).limit(100))]


async def end_sessions(
    session: AsyncSession,
    account_id: int,
    origin: SignInOrigin,
    *,
    act: Act | None = None,
    only: int | None = None,
    but: int | None = None,
    action: str = "end-session",
) -> int:
    """End sessions of an account at once: all, one, or all but one; how many there were.

    Raises:
        NotFound: the one named is none of the account's, or has ended.
    """
    ended = (
        sa.update(BrowserSession)
        .where(BrowserSession.account_id == account_id, BrowserSession.ended_at.is_(None))
        .values(ended_at=sa.func.now())
        .returning(BrowserSession.id)
        .execution_options(synchronize_session=False)
    )
    if only is not None:
        ended = ended.where(BrowserSession.id == only)
    if but is not None:
        ended = ended.where(BrowserSession.id != but)
    numbers = sorted(await session.scalars(ended))
    if only is not None and not numbers:
        raise NotFound(f"there is no session {only}", message_zh=f"没有会话 {only}")
    if numbers:
        _note(session, account_id, action, origin, act, sessions=numbers)
    return len(numbers)


def _note(
    session: AsyncSession,
    account_id: int | None,
    action: str,
    origin: SignInOrigin,
    act: Act | None = None,
    /,
    **told: Any,
) -> None:
    if act is None:
        actor = NOBODY.actor if account_id is None else f"account:{account_id}"
        act = Act(actor, origin.request_id, origin.shown)
    object_id = "unknown" if account_id is None else str(account_id)
    record(session, act, action, table="account", object_id=object_id, after=told)


def wrong() -> Unauthenticated:
    """The one answer to whatever is wrong about a name and a password."""
    return Unauthenticated("the name or the password is wrong", message_zh="登录名或口令错误")


_COUNTED = sa.text(
    """SELECT count(*) FILTER (WHERE name_sha256 = :name AND bucket = :bucket) AS here,
              count(*) FILTER (WHERE bucket = :bucket) AS address,
              count(*) FILTER (WHERE name_sha256 = :name) AS name
         FROM sign_in_failure
        WHERE at > now() - make_interval(secs => :seconds)
          AND (name_sha256 = :name OR bucket = :bucket)"""
)
_KNOWN_PLACE = sa.text(
    """SELECT EXISTS (SELECT FROM session s JOIN account a ON a.id = s.account_id
        WHERE a.issuer = :issuer AND a.subject = :subject AND s.address = :address
          AND s.need IS NULL)"""
)


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """An attempt that may be made, and how many failed before it."""

    id: int
    name_sha256: str
    bucket: str
    before: int


async def _attempt(
    sessions: Sessions,
    name: str,
    origin: SignInOrigin,
    settings: SignInSettings,
    kind: str = "name",
) -> SignInAttempt:
    """Count an attempt, apart from those of another kind, for anybody can type any name.

    Raises:
        RateLimited: too many failed before.
    """
    row = await _count(sessions, f"{kind}:{name}", origin.bucket, settings)
    found = {"name": row.name_sha256, "bucket": row.bucket, "seconds": settings.lock_s}
    async with sessions.begin() as session:
        counted = (await session.execute(_COUNTED, found)).one()
        locked = counted.here > settings.lock_after or counted.address > settings.lock_address_after
        if not locked and counted.name > settings.lock_account_after:
            given = {"issuer": accounts.OWN, "subject": name, "address": origin.address}
            # Whoever guesses from everywhere must not keep people out of where they work.
            locked = not await session.scalar(_KNOWN_PLACE, given)
        if locked:
            # It does not lengthen the lock.
            await session.execute(sa.delete(SignInFailure).where(SignInFailure.id == row.id))
    if locked:
        raise _locked(settings)
    return SignInAttempt(row.id, row.name_sha256, row.bucket, counted.here - 1)


async def _count(
    sessions: Sessions, name: str, bucket: str, settings: SignInSettings
) -> SignInFailure:
    before = sa.func.now() - timedelta(seconds=settings.lock_s)
    async with sessions.begin() as session:
        await session.execute(sa.delete(SignInFailure).where(SignInFailure.at < before))
        row = SignInFailure(name_sha256=passwords.digest_of_secret(name), bucket=bucket)
        session.add(row)
        await session.flush()
        session.expunge(row)
    return row


def _locked(settings: SignInSettings) -> RateLimited:
    minutes = -(-settings.lock_s // 60)
    return RateLimited(
        f"too many attempts failed; try again in {minutes} minutes",
        message_zh=f"失败次数过多，请 {minutes} 分钟后再试",
        retry_after_s=settings.lock_s,
    )


async def _failed(
    sessions: Sessions,
    attempt: SignInAttempt,
    account_id: int | None,
    origin: SignInOrigin,
    settings: SignInSettings,
    action: str = "sign-in-failed",
) -> bool:
    """Note a failure, and whether it locks what it was about."""
    failures = attempt.before + 1
    async with sessions.begin() as session:
        _note(session, account_id, action, origin, _nobody_at(origin), failures=failures)
        if failures == settings.lock_after:
            _note(
                session, account_id, "lock-out", origin, _nobody_at(origin), seconds=settings.lock_s
            )
    return failures >= settings.lock_after


def _nobody_at(origin: SignInOrigin) -> Act:
    """Whoever asks, before it is known who that is."""
    return Act(NOBODY.actor, origin.request_id, origin.shown)


async def _succeeded(session: AsyncSession, attempt: SignInAttempt) -> None:
    await session.execute(
        sa.delete(SignInFailure).where(
            SignInFailure.name_sha256 == attempt.name_sha256, SignInFailure.bucket == attempt.bucket
        )
    )


async def sign_in_by_password(
    sessions: Sessions, name: str, password: str, origin: SignInOrigin, settings: SignInSettings
) -> str:
    """Begin a session by a name and a password; its token.

    Raises:
        Unauthenticated: one of them is wrong; nothing tells which.
        RateLimited: too many attempts failed.
    """
    name = name.casefold()
    attempt = await _attempt(sessions, name, origin, settings)
    asked = (
        sa.select(Account.id, Account.disabled_at, AccountCredential.password)
        .outerjoin(AccountCredential, AccountCredential.account_id == Account.id)
        .where(Account.issuer == accounts.OWN, Account.subject == name)
    )
    async with sessions() as session:
        row = (await session.execute(asked)).one_or_none()
    good = await passwords.is_password(password, None if row is None else row.password)
    if row is None or not good or row.disabled_at is not None:
        await _failed(sessions, attempt, None if row is None else row.id, origin, settings)
        raise wrong()
    async with sessions.begin() as session:
        await _succeeded(session, attempt)
        return await _begin_own(session, row.id, origin, settings)


async def _begin_own(
    session: AsyncSession, account_id: int, origin: SignInOrigin, settings: SignInSettings
) -> str:
    holder = await accounts.read_holder(session, account_id)
    kept = await credential_of(session, account_id)
    proofs = {PASSWORD} | ({WAIVED} if settings.second_factor == "none" else set())
    need = await _need(session, holder, kept, proofs, settings)
    holder.account.signed_in_at = holder.account.last_seen_at = datetime.now(UTC)
    return await begin_session(session, holder.account, origin, settings, need=need, proofs=proofs)


async def _need(
    session: AsyncSession,
    holder: accounts.Holder,
    kept: AccountCredential,
    proofs: Set[str],
    settings: SignInSettings,
) -> str | None:
    """What is to be done before a session is good for anything."""
    factor = await _has_factor(session, kept)
    if factor and proofs.isdisjoint(FACTORS):
        return "code"
    oldest = datetime.now(UTC) - timedelta(days=settings.password_days)
    if settings.password_days and (kept.password_at is None or kept.password_at < oldest):
        return "password"
    if not factor and wants_factor(holder, settings):
        return "factor"
    return None


async def _has_factor(session: AsyncSession, kept: AccountCredential) -> bool:
    return kept.totp_at is not None or bool(await list_security_keys(session, kept.account_id))


def wants_factor(holder: accounts.Holder, settings: SignInSettings) -> bool:
    """Whether an account needs a second factor."""
    admin = any(given.role is Role.ADMIN for given in holder.roles)
    return settings.second_factor == "all" or (settings.second_factor == "admin" and admin)


async def credential_of(session: AsyncSession, account_id: int) -> AccountCredential:
    """What an account of our own proves itself by; empty where nothing was set."""
    return await session.get(AccountCredential, account_id) or AccountCredential(
        account_id=account_id, former=[], recovery=[], totp_step=0
    )


async def list_security_keys(session: AsyncSession, account_id: int) -> list[AccountSecurityKey]:
    """The security keys of an account, the oldest first."""
    asked = sa.select(AccountSecurityKey).where(AccountSecurityKey.account_id == account_id)
    return [*await session.scalars(asked.order_by(AccountSecurityKey.id))]


async def prove_by_code(
    sessions: Sessions,
    live: LiveSession,
    code: str,
    origin: SignInOrigin,
    settings: SignInSettings,
) -> str:
    """Show the second factor, or one of its recovery codes, in a session that needs it; its token.

    Raises:
        Conflict: the session needs no code.
        Unauthenticated: it is wrong, or was used before.
        RateLimited: too many were wrong.
    """
    if live.need != "code":
        raise _no_code_needed()
    attempt = await _attempt_code(sessions, live, origin, settings)
    async with sessions.begin() as session:
        kept = await session.get(AccountCredential, live.account_id, with_for_update=True)
        how = None if kept is None else _use_code(kept, code, settings)
        if kept is not None and how is not None:
            await _succeeded(session, attempt)
            proofs = live.proofs | {CODE}
            holder = await accounts.read_holder(session, live.account_id)
            _note(session, live.account_id, how, origin, session=live.id, left=len(kept.recovery))
            need = await _need(session, holder, kept, proofs, settings)
            return await _go_on(session, live, need=need, proofs=proofs)
    await _factor_failed(sessions, live, attempt, origin, settings)
    raise _wrong_code()


async def _factor_failed(
    sessions: Sessions,
    live: LiveSession,
    attempt: SignInAttempt,
    origin: SignInOrigin,
    settings: SignInSettings,
) -> None:
    """Note that a second factor was not shown; the failure that locks ends the session."""
    locked = await _failed(sessions, attempt, live.account_id, origin, settings, "factor-failed")
    if locked:
        async with sessions.begin() as session:
            await end_sessions(session, live.account_id, origin, only=live.id)


async def _attempt_code(
    sessions: Sessions, live: LiveSession, origin: SignInOrigin, settings: SignInSettings
) -> SignInAttempt:
    """Count a code: from wherever it comes, for it takes the password to get here."""
    name = f"factor:{live.account_id}"
    everywhere = SignInOrigin(origin.address, name, origin.agent, origin.request_id)
    return await _attempt(sessions, name, everywhere, settings, "factor")


def _no_code_needed() -> Conflict:
    return Conflict("the session needs no code", message_zh="该会话不需要验证码")


def _wrong_code() -> Unauthenticated:
    return Unauthenticated("the code is wrong, or was used before", message_zh="验证码错误或已使用")


def _use_code(kept: AccountCredential, code: str, settings: SignInSettings) -> str | None:
    """Use up a code; what it was, None if it is none."""
    plain = code.replace(" ", "").replace("-", "").lower()
    digest = passwords.digest_of_secret(plain)
    if digest in kept.recovery:
        kept.recovery = [one for one in kept.recovery if one != digest]
        return "recovery-code"
    if kept.totp is None or kept.totp_at is None:
        return None
    secret = factor_box(settings).open(kept.totp, f"account:{kept.account_id}")
    step = passwords.step_of_code(secret, plain, time.time())
    if step is None or step <= kept.totp_step:
        return None
    kept.totp_step = step
    return "second-factor"


def _demand_no_other(live: LiveSession, need: str) -> None:
    if live.need not in {None, need}:
        raise Conflict(
            "the sign-in is not finished: see /session", message_zh="登录尚未完成，请见 /session"
        )


def factor_box(settings: SignInSettings) -> SecretBox:
    """What seals second factors."""
    return SecretBox(settings.secret.get_secret_value(), PURPOSE)


async def set_factor(
    sessions: Sessions,
    live: LiveSession,
    secret: bytes,
    code: str,
    origin: SignInOrigin,
    settings: SignInSettings,
) -> tuple[str, list[str]]:
    """Take a second factor that has shown a code; the session's new token and recovery codes.

    Raises:
        Unauthenticated: the code is not of this secret.
        RateLimited: too many were wrong.
        Conflict: something else is to be done first.
    """
    _demand_no_other(live, "factor")
    attempt = await _attempt_code(sessions, live, origin, settings)
    step = passwords.step_of_code(secret, code.replace(" ", ""), time.time())
    if step is None:
        await _failed(sessions, attempt, live.account_id, origin, settings, "factor-failed")
        raise _wrong_code()
    codes = passwords.make_recovery_codes()
    async with sessions.begin() as session:
        await _succeeded(session, attempt)
        kept = await credential_of(session, live.account_id)
        kept.totp = factor_box(settings).close(secret, f"account:{live.account_id}")
        kept.totp_at, kept.totp_step = datetime.now(UTC), step
        kept.recovery = [passwords.digest_of_secret(one) for one in codes]
        session.add(kept)
        _note(session, live.account_id, "set-factor", origin, session=live.id)
        await end_sessions(session, live.account_id, origin, but=live.id)
        token = await _go_on(session, live, need=None, proofs=live.proofs | {CODE})
    return token, codes


@dataclass(frozen=True, slots=True)
class VerifiedKey:
    """What a new security key has told of itself, verified."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


async def set_challenge(session: AsyncSession, live: LiveSession, *, adding: bool) -> bytes:
    """What a security key is to sign next in a session: good once, and for a while.

    Args:
        adding: For a new security key, and not to go on with a sign-in.

    Raises:
        Conflict: the session needs no code; or something else is to be done first.
    """
    if adding:
        _demand_no_other(live, "factor")
    elif live.need != "code":
        raise _no_code_needed()
    challenge = os.urandom(CHALLENGE_BYTES)
    until = sa.func.now() + timedelta(seconds=CHALLENGE_S)
    changed = await session.scalar(
        _of_live(live).values(challenge=challenge, challenge_expires_at=until)
    )
    if changed is None:
        raise ended_session()
    return challenge


async def _take_challenge(sessions: Sessions, live: LiveSession) -> bytes:
    """The challenge of a session, which is gone then, whatever comes of it.

    Raises:
        Unauthenticated: there is none, or no more.
    """
    asked = sa.select(BrowserSession.challenge).where(
        BrowserSession.id == live.id, BrowserSession.challenge_expires_at > sa.func.now()
    )
    async with sessions.begin() as session:
        challenge = await session.scalar(asked.with_for_update())
        await session.execute(_of_live(live).values(challenge=None, challenge_expires_at=None))
    if not challenge:
        # An empty one would be matched by an empty one.
        raise unproven()
    return challenge


async def add_security_key(
    sessions: Sessions,
    live: LiveSession,
    name: str,
    verify: Callable[[bytes], VerifiedKey],
    origin: SignInOrigin,
    settings: SignInSettings,
) -> tuple[str, list[str]]:
    """Take a security key that was shown; the session's new token, and recovery codes.

    There are recovery codes only where the account had no second factor.

    Args:
        verify: What a new security key has told of itself, by the challenge it was to sign.

    Raises:
        Unauthenticated: it was not shown as was asked.
        RateLimited: too many failed.
        Conflict: something else is to be done first, it is known already, or there are too many.
    """
    _demand_no_other(live, "factor")
    attempt = await _attempt_code(sessions, live, origin, settings)
    try:
        new = verify(await _take_challenge(sessions, live))
    except Unauthenticated:
        await _factor_failed(sessions, live, attempt, origin, settings)
        raise
    async with sessions.begin() as session:
        await _succeeded(session, attempt)
    async with sessions.begin() as session:
        kept = await _lock_credential(session, live.account_id)
        had = await _has_factor(session, kept)
        added = await _keep_security_key(session, live.account_id, name, new)
        codes = [] if had else passwords.make_recovery_codes()
        if codes:
            kept.recovery = [passwords.digest_of_secret(one) for one in codes]
        told = {"session": live.id, "security_key": added.id, "name": name}
        _note(session, live.account_id, "set-factor", origin, **told)
        await end_sessions(session, live.account_id, origin, but=live.id)
        token = await _go_on(session, live, need=None, proofs=live.proofs | {SECURITY_KEY})
    return token, codes


async def _lock_credential(session: AsyncSession, account_id: int) -> AccountCredential:
    """The credential of an account that has one, so that its factors change one after another."""
    found = await session.get(AccountCredential, account_id, with_for_update=True)
    if found is None:
        raise ended_session()
    return found


async def _keep_security_key(
    session: AsyncSession, account_id: int, name: str, new: VerifiedKey
) -> AccountSecurityKey:
    """Keep it.

    Raises:
        Conflict: it is known already, or there are too many.
    """
    if len(await list_security_keys(session, account_id)) >= MOST_SECURITY_KEYS:
        raise Conflict(
            f"an account has at most {MOST_SECURITY_KEYS} security keys; remove one first",
            message_zh=f"一个账户至多 {MOST_SECURITY_KEYS} 个安全密钥，请先移除一个",
        )
    added: AccountSecurityKey | None = await session.scalar(
        insert(AccountSecurityKey)
        .values(
            account_id=account_id,
            credential_id=new.credential_id,
            public_key=new.public_key,
            sign_count=new.sign_count,
            name=name,
        )
        .on_conflict_do_nothing()
        .returning(AccountSecurityKey)
    )
    if added is None:
        raise Conflict("the security key is known already", message_zh="该安全密钥已添加过")
    return added


async def prove_by_security_key(
    sessions: Sessions,
    live: LiveSession,
    credential_id: bytes,
    verify: Callable[[bytes, bytes], int],
    origin: SignInOrigin,
    settings: SignInSettings,
) -> str:
    """Show a security key in a session that needs a second factor; its new token.

    Args:
        verify: What a security key has counted, by the challenge it was to sign and its public key.

    Raises:
        Conflict: the session needs no code.
        Unauthenticated: it is none of the account's, was not shown as was asked, or has counted
            back.
        RateLimited: too many failed.
    """
    if live.need != "code":
        raise _no_code_needed()
    attempt = await _attempt_code(sessions, live, origin, settings)
    try:
        challenge = await _take_challenge(sessions, live)
        async with sessions.begin() as session:
            kept = await _lock_credential(session, live.account_id)
            shown = await _find_security_key(session, live.account_id, credential_id)
            count = verify(challenge, shown.public_key)
            back = (count, shown.sign_count) != (0, 0) and count <= shown.sign_count
            if not back:
                shown.sign_count, shown.used_at = count, datetime.now(UTC)
                await _succeeded(session, attempt)
                told = {"session": live.id, "security_key": shown.id}
                _note(session, live.account_id, "security-key", origin, **told)
                proofs = live.proofs | {SECURITY_KEY}
                holder = await accounts.read_holder(session, live.account_id)
                need = await _need(session, holder, kept, proofs, settings)
                return await _go_on(session, live, need=need, proofs=proofs)
            # Two that count apart have the same secret: it was copied.
            told = {"security_key": shown.id, "kept": shown.sign_count, "shown": count}
            _note(session, live.account_id, "count-back", origin, _nobody_at(origin), **told)
        raise unproven()
    except Unauthenticated:
        await _factor_failed(sessions, live, attempt, origin, settings)
        raise


async def _find_security_key(
    session: AsyncSession, account_id: int, credential_id: bytes
) -> AccountSecurityKey:
    found = await session.scalar(
        sa.select(AccountSecurityKey).where(
            AccountSecurityKey.account_id == account_id,
            AccountSecurityKey.credential_id == credential_id,
        )
    )
    if found is None:
        raise unproven()
    return found


def unproven() -> Unauthenticated:
    """The one answer to whatever is wrong about a security key that is shown."""
    return Unauthenticated(
        "the security key was not shown as was asked, or too late; try again",
        message_zh="安全密钥验证未通过或已超时，请重试",
    )


async def remove_security_key(
    session: AsyncSession,
    live: LiveSession,
    number: int,
    origin: SignInOrigin,
    settings: SignInSettings,
) -> None:
    """Take one of one's own security keys away, and end the other sessions.

    Raises:
        NotFound: there is no such security key.
        Conflict: it is the last factor of an account that needs one.
    """
    kept = await _lock_credential(session, live.account_id)
    holder = await accounts.read_holder(session, live.account_id)
    name = await session.scalar(
        sa.delete(AccountSecurityKey)
        .where(AccountSecurityKey.account_id == live.account_id, AccountSecurityKey.id == number)
        .returning(AccountSecurityKey.name)
        .execution_options(synchronize_session=False)
    )
    if name is None:
        raise NotFound(f"there is no security key {number}", message_zh=f"没有安全密钥 {number}")
    if not await _has_factor(session, kept):
        if wants_factor(holder, settings):
            raise Conflict(
                "the account needs a second factor: set up another before the last one goes",
                message_zh="该账户须有第二重验证，请先启用另一种再移除最后一个",
            )
        kept.recovery = []
    told = {"session": live.id, "security_key": number, "name": name}
    _note(session, live.account_id, "remove-factor", origin, **told)
    await end_sessions(session, live.account_id, origin, but=live.id)


async def check_own_password(
    sessions: Sessions,
    live: LiveSession,
    password: str,
    origin: SignInOrigin,
    settings: SignInSettings,
) -> None:
    """Make sure that who changes how an account is proven is who has it.

    Raises:
        Unauthenticated: the password is wrong.
        RateLimited: too many were wrong.
        Conflict: it is no account of our own.
    """
    async with sessions() as session:
        holder = await accounts.read_holder(session, live.account_id)
        kept = await credential_of(session, live.account_id)
    _demand_own(holder)
    attempt = await _attempt(sessions, holder.account.subject, origin, settings)
    if not await passwords.is_password(password, kept.password):
        await _failed(sessions, attempt, live.account_id, origin, settings)
        raise Unauthenticated("the password is wrong", message_zh="口令错误")
    async with sessions.begin() as session:
        await _succeeded(session, attempt)


def _demand_own(holder: accounts.Holder) -> None:
    if holder.account.issuer != accounts.OWN:
        raise Conflict(
            "the account signs in with its identity provider, which keeps its password",
            message_zh="该账户由统一身份认证登录，口令在认证方管理",
        )


async def change_password(
    sessions: Sessions, live: LiveSession, new: str, origin: SignInOrigin, settings: SignInSettings
) -> str:
    """Take a new password, end the other sessions, and go on under a new token.

    Raises:
        InvalidInput: the password breaks rules.
        Conflict: the second factor was not shown yet.
    """
    _demand_no_other(live, "password")
    async with sessions.begin() as session:
        holder = await accounts.read_holder(session, live.account_id)
        kept = await _set_password(session, holder, new, settings)
        _note(session, live.account_id, "change-password", origin, session=live.id)
        await end_sessions(session, live.account_id, origin, but=live.id)
        need = await _need(session, holder, kept, live.proofs, settings)
        return await _go_on(session, live, need=need, proofs=live.proofs)


async def _set_password(
    session: AsyncSession, holder: accounts.Holder, new: str, settings: SignInSettings
) -> AccountCredential:
    kept = await credential_of(session, holder.account.id)
    faults = [*passwords.faults_of_password(new, holder.account.subject, settings)]
    used = [one for one in (kept.password, *kept.former) if one is not None]
    for one in used[: settings.password_history]:
        if not faults and await passwords.is_password(new, one):
            faults.append(
                Fault(
                    "/new",
                    f"the last {settings.password_history} passwords cannot be taken again",
                    f"不得重复使用最近 {settings.password_history} 个口令",
                )
            )
    if faults:
        raise InvalidInput.of(faults)
    kept.former = used[: max(settings.password_history - 1, 0)]
    kept.password, kept.password_at = await passwords.hash_password(new), datetime.now(UTC)
    session.add(kept)
    return kept


async def make_link(
    session: AsyncSession, account_id: int, settings: SignInSettings, *, act: Act
) -> tuple[str, datetime]:
    """A one-time token by which an account sets its password and signs in, and when it ends.

    Raises:
        NotFound: there is no such account.
        Conflict: it is none of our own.
    """
    holder = await accounts.read_holder(session, account_id)
    _demand_own(holder)
    kept = await credential_of(session, account_id)
    token = passwords.make_token()
    kept.link_sha256 = passwords.digest_of_secret(token)
    kept.link_expires_at = datetime.now(UTC) + timedelta(hours=settings.link_hours)
    session.add(kept)
    after = {"until": kept.link_expires_at.isoformat()}
    record(session, act, "make-link", table="account", object_id=str(account_id), after=after)
    return token, kept.link_expires_at


async def end_sign_ins(session: AsyncSession, account_id: int, *, act: Act) -> None:
    """End the sessions and the one-time link of an account for good, as it is disabled."""
    kept = await credential_of(session, account_id)
    kept.link_sha256 = kept.link_expires_at = None
    await end_sessions(session, account_id, SignInOrigin(None, ""), act=act)


async def find_link(session: AsyncSession, token: str, *, locked: bool = False) -> accounts.Holder:
    """Whose a one-time link is.

    Args:
        locked: So that nobody else uses it before the transaction ends.

    Raises:
        NotFound: it was used, has ended, or is none.
    """
    asked = sa.select(AccountCredential.account_id).where(
        AccountCredential.link_sha256 == passwords.digest_of_secret(token),
        AccountCredential.link_expires_at > sa.func.now(),
    )
    found = await session.scalar(asked.with_for_update() if locked else asked)
    holder = None if found is None else await accounts.read_holder(session, found)
    if holder is None or holder.account.disabled_at is not None:
        raise NotFound(
            "the link was used before, or has ended; ask for another",
            message_zh="链接已使用或已失效，请重新索取",
        )
    return holder


async def sign_in_by_link(
    sessions: Sessions, token: str, new: str, origin: SignInOrigin, settings: SignInSettings
) -> str:
    """Set a password by a one-time link, which ends with it, and begin a session; its token.

    Raises:
        NotFound: the link was used, has ended, or is none.
        InvalidInput: the password breaks rules.
    """
    async with sessions.begin() as session:
        holder = await find_link(session, token, locked=True)
        kept = await _set_password(session, holder, new, settings)
        kept.link_sha256 = kept.link_expires_at = None
        _note(session, holder.account.id, "use-link", origin)
        await end_sessions(session, holder.account.id, origin)
        await session.flush()
        return await _begin_own(session, holder.account.id, origin, settings)


async def reseal_factors(session: AsyncSession, settings: SignInSettings, *, act: Act) -> int:
    """Close second factors anew that are kept under another suite than the chosen one; how many.

    Raises:
        Unavailable: one was kept with another secret of the server.
    """
    box, changed = factor_box(settings), 0
    query = sa.select(AccountCredential).where(AccountCredential.totp.is_not(None))
    for kept in (await session.scalars(query.with_for_update())).all():
        renewed = kept.totp and box.renew(kept.totp, f"account:{kept.account_id}")
        if renewed:
            kept.totp = renewed
            about = {"suite": box.suite}
            name = str(kept.account_id)
            record(session, act, "reseal", table="account", object_id=name, after=about)
            changed += 1
    return changed


async def remove_factor(session: AsyncSession, account_id: int, *, act: Act) -> None:
    """Take the second factor away from an account that has lost it, and end its sessions.

    Security keys go as well: nobody knows which of them is lost.

    Raises:
        NotFound: there is no such account, or it has none.
    """
    await accounts.read_holder(session, account_id)
    kept = await credential_of(session, account_id)
    if not await _has_factor(session, kept):
        raise NotFound(
            f"account {account_id} has no second factor",
            message_zh=f"账户 {account_id} 没有第二重验证",
        )
    kept.totp = kept.totp_at = None
    kept.totp_step, kept.recovery = 0, []
    await session.execute(
        sa.delete(AccountSecurityKey).where(AccountSecurityKey.account_id == account_id)
    )
    record(session, act, "remove-factor", table="account", object_id=str(account_id))
    await end_sessions(session, account_id, SignInOrigin(None, ""), act=act)
