"""`shanhai keys`, `shanhai accounts`, `shanhai audit`."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.cli.kit import AsJson, clock, committed, existing_file, tell_rows
from shanhai.db.identity import RoleGiven, check_roles, scopes_of
from shanhai.db.queries import accounts, audit_chain, sign_ins
from shanhai.db.queries.keys import (
    OPERATOR,
    create_key,
    find_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from shanhai.db.tables.access import ApiKey
from shanhai.errors import InvalidInput, NotFound
from shanhai.settings import PublicSettings, SignInSettings
from shanhai.vocabulary import Role, Scope

app = typer.Typer(no_args_is_help=True)
audit = typer.Typer(no_args_is_help=True)
accounts_app = typer.Typer(no_args_is_help=True)
NAMED = "The eight characters that name the key."
Login = Annotated[str, typer.Argument(metavar="NAME", help="What it signs in by.")]


@app.callback()
def keys() -> None:
    """API keys."""


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Who or what uses the key.")],
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="What it may do; repeat for several. Default: what its roles may."),
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(
            help="Role, or role@region with the region's code; repeat for several."
            " Default: every role its scopes allow."
        ),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=36_500,
            help="Days it is valid. Default: a year, with the scope admin 90 days, as set.",
        ),
    ] = None,
) -> None:
    """Make a key and print it; it can never be read again."""
    roles = None if not role else [role_of(text) for text in role]
    scopes = scope or sorted(scopes_of(roles or ()))
    if not scopes:
        raise InvalidInput("--scope or --role is needed", message_zh="须给出 --scope 或 --role")
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)

    async def work(session: AsyncSession) -> str:
        await check_roles(session, roles or ())
        return await create_key(
            session, name=name, scopes=scopes, roles=roles, expires_at=expires_at
        )

    typer.echo(committed(work))


@app.command("list")
def show_list(
    every: Annotated[
        bool, typer.Option("--all", help="Also those that have expired or were revoked.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print each key's id, name, roles or scopes, last use, networks and end; the newest first."""
    found = committed(lambda session: list_keys(session, alive=not every))
    rows = [
        {
            "key": row.prefix,
            "name": row.name,
            "may": _may(row),
            "used": row.last_used_at,
            "networks": _networks(row),
            "expires": row.expires_at,
            **({"revoked": row.revoked_at} if every else {}),
        }
        for row in found
    ]
    tell_rows(rows, as_json=as_json)


@app.command()
def show(key: Annotated[str, typer.Argument(help=NAMED)]) -> None:
    """Print what is known of a key; its secret is known to nobody but who has it."""
    row = committed(lambda session: find_key(session, key))
    told = clock()
    for name, value in (
        ("key", row.prefix),
        ("name", row.name),
        ("scopes", ", ".join(row.scopes)),
        ("roles", "every role of its scopes" if row.roles is None else _may(row)),
        ("networks", _networks(row) or "any"),
        ("created", told(row.created_at)),
        ("last used", "never" if row.last_used_at is None else told(row.last_used_at)),
        ("expires", "never" if row.expires_at is None else told(row.expires_at)),
        ("revoked", None if row.revoked_at is None else told(row.revoked_at)),
        ("successor", row.successor),
    ):
        if value is not None:
            typer.echo(f"{name:<10} {value}")


@app.command()
def revoke(key: Annotated[str, typer.Argument(help=NAMED)]) -> None:
    """End a key at once, for good; requests with it are refused from then on."""
    committed(lambda session: revoke_key(session, key, act=OPERATOR))
    typer.echo(f"{key} revoked")


def _may(row: ApiKey) -> str:
    if row.roles is None:
        return ", ".join(row.scopes)
    given = (RoleGiven.parse(role) for role in row.roles)
    return ", ".join(f"{one.role}@{one.region}" if one.region else one.role for one in given)


def _networks(row: ApiKey) -> str:
    return ", ".join(map(str, row.networks or ()))


@app.command()
def rotate(
    key: Annotated[str, typer.Argument(help=NAMED)],
    hours: Annotated[
        float,
        typer.Option(min=0, max=24 * 90, help="Hours for which the former key is still valid."),
    ] = 24,
) -> None:
    """Make a key that may do the same as another, and print it; the other one ends."""
    overlap = timedelta(hours=hours)
    typer.echo(committed(lambda session: rotate_key(session, key, overlap=overlap)))


@accounts_app.callback()
def own_accounts() -> None:
    """Accounts of our own, whose people sign in with a browser."""


@accounts_app.command("create")
def create_account(
    login: Login,
    name: Annotated[str | None, typer.Option(help="How it is shown; default its name.")] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(help="Role, or role@region with the region's code; repeat for several."),
    ] = None,
) -> None:
    """Make an account and print a one-time link, by which it sets its password."""
    change = accounts.AccountChange(
        name=name or login, roles=[role_of(text) for text in role or ()]
    )

    async def work(session: AsyncSession) -> str:
        holder = await accounts.invite(
            session, issuer=accounts.OWN, subject=login, change=change, act=OPERATOR
        )
        return await _link_of(session, holder)

    typer.echo(committed(work))


@accounts_app.command("link")
def link_account(login: Login) -> None:
    """Print a one-time link, by which an account sets a new password; the one before ends."""

    async def work(session: AsyncSession) -> str:
        return await _link_of(session, await _own_account(session, login))

    typer.echo(committed(work))


@accounts_app.command("end-sessions")
def end_account_sessions(login: Login) -> None:
    """End all sessions of an account at once."""

    async def work(session: AsyncSession) -> int:
        holder = await _own_account(session, login)
        origin = sign_ins.SignInOrigin(None, "")
        return await sign_ins.end_sessions(session, holder.account.id, origin, act=OPERATOR)

    typer.echo(f"{committed(work)} sessions ended")


async def _own_account(session: AsyncSession, login: str) -> accounts.Holder:
    holder = await accounts.find_holder(session, accounts.OWN, login)
    if holder is None:
        raise NotFound(
            f"there is no account {login!r} of our own", message_zh=f"没有本平台账户 {login!r}"
        )
    return holder


async def _link_of(session: AsyncSession, holder: accounts.Holder) -> str:
    settings = SignInSettings()
    token, _ = await sign_ins.make_link(session, holder.account.id, settings, act=OPERATOR)
    return f"{PublicSettings().api_url}/session/start?link={token}"


@audit.callback()
def audit_log() -> None:
    """The audit log."""


@audit.command()
def verify(
    head: Annotated[
        str | None, typer.Option(help="A head noted earlier; it must still be in the chain.")
    ] = None,
    heads: Annotated[Path | None, existing_file("File of signed heads, as workers write.")] = None,
    public_key: Annotated[Path | None, existing_file("The key they were signed with, PEM.")] = None,
) -> None:
    """Follow the chain of the audit log, name the first wrong row, or print the chain's head."""
    if (heads is None) != (public_key is None):
        raise InvalidInput(
            "--heads and --public-key are given together",
            message_zh="--heads 与 --public-key 须同时给出",
        )
    if head is not None and re.fullmatch("[0-9a-f]{64}", head) is None:
        # A slip of the pen must not read like a log that was tampered with.
        raise InvalidInput(
            f"--head {head[:80]!r} is no head: 64 digits of 0-9 and a-f are",
            message_zh=f"--head {head[:80]!r} 不是链首：须为 64 位 0-9、a-f 字符",
        )
    signed = []
    if heads is not None and public_key is not None:
        signed = audit_chain.read_heads(heads, audit_chain.read_public_key(public_key))
    seen = [one.head for one in signed]
    found = committed(lambda session: audit_chain.verify_chain(session, head=head, seen=seen))
    typer.echo(f"{found.rows} rows in {found.seq} links as they were written")
    if heads is not None:
        typer.echo(f"{len(signed)} signed heads are in the chain")
    typer.echo(f"head {found.hash}")


@audit.command()
def key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the private key.")],
) -> None:
    """Make a pair of keys to sign heads with: the private one into a new file, the public one
    printed."""
    try:
        public = audit_chain.make_signing_key(file)
    except FileExistsError as error:
        raise InvalidInput(
            f"{file} exists and is not overwritten",
            message_zh=f"{file} 已存在，不会覆盖",
            pointer="FILE",
        ) from error
    typer.echo(public, nl=False)


def role_of(text: str) -> RoleGiven:
    """The role named by `role` or `role@region`.

    Raises:
        InvalidInput: there is no such role.
    """
    name, _, region = text.partition("@")
    if name not in set(Role):
        known = ", ".join(Role)
        raise InvalidInput(
            f"there is no role {name!r}; roles: {known}",
            message_zh=f"没有角色 {name!r}；现有：{known}",
            pointer="--role",
        )
    return RoleGiven(Role(name), region or None)
