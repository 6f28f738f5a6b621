"""`shanhai keys`, `shanhai audit`."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.cli.kit import in_transaction
from shanhai.db.identity import RoleGiven, check_roles, scopes_of
from shanhai.db.queries import audit_chain
from shanhai.db.queries.keys import create_key, rotate_key
from shanhai.errors import InvalidInput
from shanhai.vocabulary import Role, Scope

app = typer.Typer(no_args_is_help=True)
audit = typer.Typer(no_args_is_help=True)


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
        int | None, typer.Option(min=1, help="Days it is valid; default for ever.")
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

    typer.echo(asyncio.run(in_transaction(work)))


@app.command()
def rotate(
    key: Annotated[str, typer.Argument(help="The eight characters that name the key.")],
    hours: Annotated[
        float, typer.Option(min=0, help="Hours for which the former key is still valid.")
    ] = 24,
) -> None:
    """Make a key that may do the same as another, and print it; the other one ends."""
    overlap = timedelta(hours=hours)
    typer.echo(
        asyncio.run(in_transaction(lambda session: rotate_key(session, key, overlap=overlap)))
    )


@audit.callback()
def audit_log() -> None:
    """The audit log."""


@audit.command()
def verify(
    head: Annotated[
        str | None, typer.Option(help="A head noted earlier; it must still be in the chain.")
    ] = None,
    heads: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="File of signed heads, as workers write."),
    ] = None,
    public_key: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The key they were signed with, PEM."),
    ] = None,
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
    signed = [] if heads is None or public_key is None else _signed(heads, public_key)
    found = asyncio.run(
        in_transaction(
            lambda session: audit_chain.verify_chain(
                session, head=head, seen=[one.head for one in signed]
            )
        )
    )
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


def _signed(heads: Path, public_key: Path) -> list[audit_chain.SignedHead]:
    return audit_chain.read_heads(heads, audit_chain.read_public_key(public_key))


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
