"""`/keys` and `/tile-tokens`."""

import time
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import (
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)

from shanhai.db.authentication import TileToken, seal
from shanhai.db.identity import RoleGiven, check_roles, scopes_of
from shanhai.db.queries import keys
from shanhai.errors import InvalidInput, NotFound
from shanhai.validation import Rfc3339Time, broken_at
from shanhai.vocabulary import Scope
from shanhai_api.accounts import RoleAsked, RoleHeld, given_by
from shanhai_api.kit.answers import Answer, Document, Link, Maybe, Moment
from shanhai_api.kit.body import Body, JsonBody
from shanhai_api.kit.dependencies import (
    Administrator,
    IfMatch,
    KnownReader,
    Read,
    Write,
    WriteContext,
)
from shanhai_api.kit.routing import Route


def _network(value: object, read: ValidatorFunctionWrapHandler) -> object:
    """A network, of whose text one rule is told and not that of each kind."""
    try:
        return read(value)
    except ValidationError:
        raise ValueError(
            "must be a network, such as 10.0.0.0/8 / 须为网段，如 10.0.0.0/8"
        ) from None


Network = Annotated[IPv4Network | IPv6Network, WrapValidator(_network)]
LATEST = datetime(9999, 1, 1, tzinfo=UTC)


class NewKey(Body):
    """A key to be made."""

    name: str = Field(min_length=1, max_length=200, description="Who or what uses it")
    scopes: list[Scope] | None = Field(
        None, min_length=1, max_length=len(Scope), description="What it may do; default by roles"
    )
    roles: list[RoleAsked] | None = Field(
        None, min_length=1, max_length=100, description="Default every role the scopes allow"
    )
    networks: list[Network] | None = Field(
        None, min_length=1, max_length=100, description="Addresses it may be used from; default any"
    )
    expires_at: Rfc3339Time | None = Field(
        None,
        description="When it ends; default after a year, after 90 days with the scope admin,"
        " as the operator has set it",
    )

    @field_validator("expires_at")
    @classmethod
    def check_future(cls, moment: datetime | None) -> datetime | None:
        """A key must not be born dead, nor outlive the calendar."""
        if moment is None:
            return None
        if moment <= datetime.now(UTC):
            raise ValueError("must lie in the future / 必须晚于现在")
        if moment > LATEST:
            raise ValueError("must lie before the year 9999 / 必须早于 9999 年")
        return moment

    @model_validator(mode="after")
    def check_scopes(self) -> Self:
        """Either scopes or roles say what it may do."""
        if self.scopes is None and self.roles is None:
            raise broken_at("scopes", rule="scopes or roles are needed / 须给出权限范围或角色")
        return self

    @property
    def given(self) -> list[RoleGiven] | None:
        """The roles it is to have."""
        return None if self.roles is None else given_by(self.roles)

    @property
    def allowed(self) -> list[Scope]:
        """The scopes it is to have."""
        return self.scopes or [scope for scope in Scope if scope in scopes_of(self.given or ())]


class KeyRotation(Body):
    """How a key is replaced."""

    overlap_hours: float = Field(
        24, ge=0, le=24 * 90, description="Hours for which the former key is still valid"
    )


class Key(Document):
    """A key, without its secret."""

    stored = False
    secrets = frozenset({"key"})

    id: str = Field(validation_alias="prefix")
    name: str
    scopes: list[Scope]
    roles: list[RoleHeld] | None
    networks: list[IPv4Network | IPv6Network] | None
    created: Moment = Field(validation_alias="created_at")
    expires: Moment | None = Field(validation_alias="expires_at")
    revoked: Moment | None = Field(validation_alias="revoked_at")
    last_used: Moment | None = Field(validation_alias="last_used_at")
    successor: str | None
    key: Maybe[str] = Field(None, description="Of a new key only: it is not shown again")


class Keys(Document):
    """All keys."""

    stored = False

    keys: list[Key]
    links: list[Link]


router = APIRouter(tags=["access"], route_class=Route)


@router.get("/keys", summary="API keys, without their secrets")
async def show_keys(read: Read[Administrator]) -> Keys:
    """List the keys."""
    found = [Key.from_row(row) for row in await keys.list_keys(read.session)]
    return Keys(keys=found, links=read.self_links("/keys"))


@router.post("/keys", summary="Make an API key", status_code=201)
async def create_key(write: Write[Administrator], new: JsonBody[NewKey]) -> Answer[Key]:
    """Make a key and show it, once."""
    await check_roles(write.session, new.given or ())
    secret = await keys.create_key(
        write.session,
        name=new.name,
        scopes=new.allowed,
        roles=new.given,
        networks=new.networks,
        expires_at=new.expires_at,
        act=write.act,
        terms=write.state.configuration.keys,
    )
    return await _shown_once(write, secret)


@router.get("/keys/{key}", summary="One API key, without its secret")
async def show_key(read: Read[Administrator], key: str) -> Answer[Key]:
    """Show a key."""
    row = await keys.find_key(read.session, key)
    return Answer(Key.from_row(row), state=keys.state_of_key(row))


@router.delete("/keys/{key}", summary="End an API key", status_code=204)
async def end_key(write: Write[Administrator], key: str, expected: IfMatch) -> None:
    """Revoke a key at once."""
    await keys.revoke_key(write.session, key, act=write.act, expected=expected)


@router.post(
    "/keys/{key}/rotate",
    summary="Replace an API key by one that may do the same",
    status_code=201,
)
async def rotate_key(
    write: Write[Administrator], key: str, rotation: JsonBody[KeyRotation]
) -> Answer[Key]:
    """Make the key's successor and show it, once; the key itself ends after the overlap."""
    overlap = timedelta(hours=rotation.overlap_hours)
    terms = write.state.configuration.keys
    secret = await keys.rotate_key(write.session, key, overlap=overlap, act=write.act, terms=terms)
    return await _shown_once(write, secret)


async def _shown_once(write: WriteContext, secret: str) -> Answer[Key]:
    row = await keys.find_key(write.session, keys.prefix_of(secret) or "")
    return Answer(Key.from_row(row, key=secret), location=f"/keys/{row.prefix}")


MOST_LAYERS = 20
USUAL_S = 900

LayerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]


class NewTileToken(Body):
    """A token to be made."""

    layers: list[LayerName] = Field(
        min_length=1, max_length=MOST_LAYERS, description="Layers of the tile service it opens"
    )
    seconds: int = Field(USUAL_S, ge=10, description="For how long it is valid")


class OpenedLayers(Document):
    """A token and what it opens."""

    stored = False
    secrets = frozenset({"token"})

    token: Maybe[str] = Field(description="Not shown again")
    layers: list[str]
    expires: Moment


async def make_token(write: WriteContext, new: NewTileToken) -> OpenedLayers:
    """Sign a token for the caller; its text is in this answer only, never in a replay.

    Raises:
        NotFound: no secret to sign with was set.
        InvalidInput: it would be valid for longer than tokens may be.
    """
    settings = write.state.configuration.tile_tokens
    secret = settings.secret.get_secret_value()
    if not secret:
        raise NotFound(
            "tile tokens are not offered here: the operator has set no secret to sign them with",
            message_zh="本服务未提供瓦片令牌：运维人员没有设置签名密钥",
        )
    if new.seconds > settings.longest_s:
        raise InvalidInput(
            f"seconds is {new.seconds}; a token may be valid for {settings.longest_s} s at most",
            message_zh=f"seconds 为 {new.seconds}；令牌最长有效 {settings.longest_s} 秒",
            pointer="/seconds",
        )
    caller, layers = write.caller, frozenset(new.layers)
    end = int(time.time()) + new.seconds
    token = TileToken(caller.owner, layers, end, caller.groups, caller.proofs)
    expires = datetime.fromtimestamp(end, UTC)
    return OpenedLayers(token=seal(token, secret), layers=sorted(layers), expires=expires)


tile_tokens = APIRouter(tags=["access"], route_class=Route)


@tile_tokens.post(
    "/tile-tokens", summary="Make a token that opens tile layers for a while", status_code=201
)
async def create_tile_token(write: Write[KnownReader], new: JsonBody[NewTileToken]) -> OpenedLayers:
    """Make a token for map clients that can send no headers: `token=` on the tile service.

    It opens the layers named, shows what its owner may see at that moment, and ends with the
    owner's key or account, or earlier.
    """
    return await make_token(write, new)
