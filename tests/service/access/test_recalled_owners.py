"""Identities recalled by name, long after they showed themselves: as they are now."""

import time
from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from shanhai.db.authentication import Authenticator
from shanhai.db.engine import FastReader, Sessions, open_quick_reader
from shanhai.db.identity import Identity, RoleGiven
from shanhai.db.queries.keys import create_key, prefix_of
from shanhai.errors import Unauthenticated
from shanhai.settings import DatabaseSettings, OidcSettings
from shanhai.vocabulary import Role, Scope
from tests.support.issuer import AUDIENCE, LocalIssuer, local_issuer

GROUPS = {
    "roles_claim": "groups",
    "roles": ("desk=planner", "chiefs=admin"),
    "admin_proof": ("otp",),
}


@pytest.fixture
def issuer() -> Iterator[LocalIssuer]:
    with local_issuer() as issuer:
        yield issuer


@pytest.fixture
async def quick(database_url: str) -> AsyncIterator[FastReader]:
    settings = DatabaseSettings(url=SecretStr(database_url))
    async with open_quick_reader(settings, application="test") as quick:
        yield quick


@pytest.fixture
def authenticator(issuer: LocalIssuer, sessions: Sessions, quick: FastReader) -> Authenticator:
    return trusting(sessions, quick, issuer.url)


def trusting(sessions: Sessions, quick: FastReader, *urls: str) -> Authenticator:
    given = {"issuer": urls, "audience": AUDIENCE, "allow_loopback_http": True, **GROUPS}
    return Authenticator(sessions, sessions.begin, quick, OidcSettings.model_validate(given))


async def test_account_has_the_roles_its_groups_stand_for(
    issuer: LocalIssuer, authenticator: Authenticator
) -> None:
    header = f"Bearer {issuer.token(groups=['desk', 'others'])}"
    identity = await authenticator.identify(header, None)
    owner, groups, proofs = identity.owner, identity.groups, identity.proofs
    assert groups == {"desk"}
    assert proofs == frozenset()
    recalled = await authenticator.recall(owner, None, groups=groups, proofs=proofs)
    assert {grant.role for grant in recalled.grants or ()} == {Role.PLANNER}
    assert recalled.viewer.sees_all
    alone = await authenticator.recall(owner, None)
    assert alone.grants == ()
    assert not alone.viewer.sees_all


@pytest.mark.parametrize("later", [0, 60])
async def test_groups_that_the_issuer_took_away_stand_for_nothing(
    issuer: LocalIssuer, authenticator: Authenticator, later: int
) -> None:
    began = int(time.time()) - 600

    async def use(groups: list[str], after: int) -> Identity:
        token = issuer.token(sub=f"moved-{later}", groups=groups, auth_time=began + after)
        return await authenticator.identify(f"Bearer {token}", None)

    async def recalled() -> set[Role]:
        found = await authenticator.recall(shown.owner, None, groups=shown.groups)
        return {grant.role for grant in found.grants or ()}

    shown = await use(["desk"], 0)
    assert await recalled() == {Role.PLANNER}
    # A token that was renewed tells of the same signing in as the former.
    await use(["others"], later)
    assert await recalled() == set()
    if later:
        await use(["desk"], 0)
        assert await recalled() == set()
    await use(["desk", "chiefs"], later)
    assert await recalled() == {Role.PLANNER}


async def test_administrators_need_their_proof_again(
    issuer: LocalIssuer, authenticator: Authenticator
) -> None:
    for amr, admin in ((["otp", "pwd"], True), (["pwd"], False)):
        header = f"Bearer {issuer.token(groups=['chiefs'], amr=amr)}"
        shown = await authenticator.identify(header, None)
        recalled = await authenticator.recall(
            shown.owner, None, groups=shown.groups, proofs=shown.proofs
        )
        assert recalled.may(Scope.ADMIN) == admin


async def test_disabled_account_is_recalled_no_more(
    issuer: LocalIssuer, authenticator: Authenticator, sessions: Sessions
) -> None:
    owner = (await authenticator.identify(f"Bearer {issuer.token(sub='leaver')}", None)).owner
    await authenticator.recall(owner, None)
    async with sessions.begin() as session:
        await session.execute(text("UPDATE account SET disabled_at = now()"))
    with pytest.raises(Unauthenticated, match="disabled"):
        await authenticator.recall(owner, None)


async def test_account_of_an_issuer_no_longer_trusted_is_nobody(
    issuer: LocalIssuer, authenticator: Authenticator, sessions: Sessions, quick: FastReader
) -> None:
    owner = (await authenticator.identify(f"Bearer {issuer.token(sub='stays')}", None)).owner
    with pytest.raises(Unauthenticated, match="has ended"):
        await trusting(sessions, quick, "https://other.example").recall(owner, None)
    assert (await authenticator.recall(owner, None)).owner == owner


async def test_key_is_recalled_with_its_roles_until_it_expires(
    authenticator: Authenticator, sessions: Sessions
) -> None:
    async with sessions.begin() as session:
        roles = [RoleGiven(Role.AUDITOR)]
        key = await create_key(session, name="one", scopes=[Scope.READ], roles=roles)
    owner = f"key:{prefix_of(key)}"
    recalled = await authenticator.recall(owner, None)
    assert recalled.groups == recalled.proofs == frozenset()
    assert recalled == await authenticator.identify(f"Bearer {key}", None)
    async with sessions.begin() as session:
        await session.execute(text("UPDATE api_key SET expires_at = now()"))
    with pytest.raises(Unauthenticated, match="has ended"):
        await authenticator.recall(owner, None)


@pytest.mark.parametrize(
    "owner", ["", "operator", "anonymous", "key:", "key:nothere1", "account:", "account:-1", "x:1"]
)
async def test_whoever_never_was_is_not_recalled(authenticator: Authenticator, owner: str) -> None:
    with pytest.raises(Unauthenticated, match="has ended"):
        await authenticator.recall(owner, None)
