"""Access tokens of OpenID Connect issuers: checked by the keys each issuer publishes.

Keys are found by discovery and remembered. A token that names an unknown key makes us look again,
but seldom: who sends made-up names must not make us ask the issuer each time.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt
import structlog

from shanhai.errors import Unauthenticated, Unavailable
from shanhai.http_egress import EgressClient
from shanhai.settings import OidcSettings, OutgoingSettings

TOKEN_LIMIT = 16 * 1024
KEYS_LIMIT = 100
RSA_BITS = 2048
FRESH_S = 3600.0
"""Seconds after which keys are looked up anew."""
STALE_S = 24 * 3600.0
"""Seconds for which known keys are used while the issuer does not answer."""
REFRESH_S = 30.0
"""Seconds between two looks for the keys of one issuer, whatever tokens name."""
KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says.

    Attributes:
        groups: The members of the claim that stands for roles.
        proofs: How the person proved who they are: `amr` and `acr`.
        signed_in_at: When they did so, or when the token was made.
    """

    issuer: str
    subject: str
    name: str
    email: str | None
    groups: frozenset[str]
    proofs: frozenset[str]
    signed_in_at: datetime


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key an issuer publishes; `algorithm` is the only one it is for, if it says so."""

    name: str | None
    kind: str
    algorithm: str | None
    key: Any

    def fits(self, header: Mapping[str, Any]) -> bool:
        """Whether a token with this header can have been signed by it."""
        name, algorithm = header.get("kid"), header["alg"]
        return (
            self.kind == KEY_TYPES[algorithm[:2]]
            and self.algorithm in {None, algorithm}
            and (name is None or self.name == name)
        )


@dataclass(slots=True)
class Issuer:
    """An issuer and the keys it was seen to publish."""

    url: str
    outgoing: EgressClient
    keys: tuple[SigningKey, ...] = ()
    read_at: float | None = None
    tried_at: float | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def key(self, header: Mapping[str, Any]) -> SigningKey:
        """The key a token's header names.

        Raises:
            Unauthenticated: the issuer has no such key.
            Unavailable: the issuer does not answer, and no key of it is known.
        """
        found = self._find(header)
        if found is None or self._age(self.read_at) > FRESH_S:
            async with self.lock:
                if self._age(self.tried_at) > REFRESH_S:
                    await self._refresh()
            found = self._find(header)
        if self._age(self.read_at) > STALE_S:
            raise Unavailable(
                "the issuer of the token does not answer; try again",
                message_zh="令牌签发方没有响应，请稍后重试",
            )
        if found is None:
            raise _refused("it is signed by a key its issuer does not publish", "签名密钥未知")
        return found

    async def newer_key(self, header: Mapping[str, Any], tried: SigningKey) -> SigningKey | None:
        """Another key than the one tried, where tokens do not name theirs."""
        if header.get("kid") is not None:
            return None
        async with self.lock:
            if self._age(self.tried_at) > REFRESH_S:
                await self._refresh()
        found = self._find(header)
        return None if found == tried else found

    def _find(self, header: Mapping[str, Any]) -> SigningKey | None:
        fitting = [key for key in self.keys if key.fits(header)]
        # Without a name only one key can be meant.
        return fitting[0] if len(fitting) == 1 else None

    async def _refresh(self) -> None:
        self.tried_at = time.monotonic()
        try:
            self.keys = tuple(usable_keys(await self._read()))
            self.read_at = time.monotonic()
        except Unavailable as error:
            log.warning("keys of the issuer cannot be read", issuer=self.url, error=error.message)

    async def _read(self) -> Mapping[str, Any]:
        document = await self.outgoing.fetch_json(
            f"{self.url.rstrip('/')}/.well-known/openid-configuration"
        )
        if document.get("issuer") != self.url:
            raise Unavailable(f"{self.url} calls itself {str(document.get('issuer'))[:200]!r}")
        return await self.outgoing.fetch_json(str(document.get("jwks_uri", "")))

    @staticmethod
    def _age(moment: float | None) -> float:
        return float("inf") if moment is None else time.monotonic() - moment


class TokenVerifier:
    """Checks tokens of the configured issuers."""

    def __init__(self, settings: OidcSettings, outgoing: OutgoingSettings) -> None:
        self.settings = settings
        client = EgressClient(outgoing.trusting(settings))
        self.issuers = {url: Issuer(url, client) for url in settings.issuer}

    async def verify(self, token: str) -> Claims:
        """What the token says.

        Raises:
            Unauthenticated: it is not valid.
            Unavailable: its issuer does not answer.
        """
        if len(token) > TOKEN_LIMIT:
            raise _refused("it is too long", "过长")
        try:
            header = jwt.get_unverified_header(token)
            # Read before it is proven, only to choose whose keys to prove it with.
            claimed = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            raise _refused("it cannot be read", "无法解析") from None
        if header.get("alg") not in self.settings.allowed_algorithms:
            raise _refused("its algorithm is not allowed", "签名算法不被允许")
        issuer = self.issuers.get(claimed) if isinstance(claimed, str) else None
        if issuer is None:
            raise _refused("its issuer is not accepted here", "签发方不被接受")
        return self._claims(await self._proven(token, header, issuer))

    async def _proven(
        self, token: str, header: Mapping[str, Any], issuer: Issuer
    ) -> Mapping[str, Any]:
        """The claims, by the issuer's key; by its next one where keys have no names."""
        key: SigningKey | None = await issuer.key(header)
        while key is not None:
            try:
                return self._decode(token, header, key, issuer)
            except jwt.InvalidSignatureError:
                key = await issuer.newer_key(header, key)
        raise _refused("its signature is not valid", "签名无效")

    def _decode(
        self, token: str, header: Mapping[str, Any], key: SigningKey, issuer: Issuer
    ) -> Mapping[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[header["alg"]],
                audience=self.settings.audience,
                issuer=issuer.url,
                leeway=self.settings.leeway_s,
                options={"require": ["exp", "iat", "iss", "sub", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            raise _refused("it has expired", "已过期") from None
        except jwt.ImmatureSignatureError:
            raise _refused("it is not valid yet", "尚未生效") from None
        except jwt.InvalidAudienceError:
            raise _refused("it is meant for somebody else", "受众不符") from None
        except jwt.InvalidSignatureError:
            raise
        except (jwt.PyJWTError, ValueError, TypeError):
            raise _refused("its signature or claims are not valid", "签名或声明无效") from None
        return claims

    def _claims(self, claims: Mapping[str, Any]) -> Claims:
        subject: str = claims["sub"]
        if not 1 <= len(subject) <= 255 or "\x00" in subject:
            raise _refused("its subject cannot be used", "主体无效")
        names = [*texts_of(claims.get("name")), *texts_of(claims.get("preferred_username"))]
        emails = list(texts_of(claims.get("email")))
        return Claims(
            issuer=claims["iss"],
            subject=subject,
            name=(names[0] if names else subject)[:200],
            email=emails[0][:320] if emails else None,
            groups=frozenset(texts_of(member_at(claims, self.settings.roles_claim))),
            proofs=frozenset((*texts_of(claims.get("amr")), *texts_of(claims.get("acr")))),
            signed_in_at=_moment(claims),
        )


def usable_keys(document: Mapping[str, Any]) -> Iterator[SigningKey]:
    """The public signing keys of a key set that are strong enough; others are passed over."""
    members = document.get("keys")
    for member in (members if isinstance(members, list) else [])[:KEYS_LIMIT]:
        if not isinstance(member, dict) or member.get("use", "sig") != "sig":
            continue
        if member.get("kty") not in KEY_TYPES.values() or "d" in member:
            continue
        try:
            key = jwt.PyJWK(member)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
        if member["kty"] != "RSA" or key.key.key_size >= RSA_BITS:
            yield SigningKey(member.get("kid"), member["kty"], member.get("alg"), key.key)


def member_at(claims: Mapping[str, Any], path: str) -> Any:
    """The claim at a path of names joined by dots; a claim of that whole name goes before."""
    if not path:
        return None
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def texts_of(value: Any) -> Iterator[str]:
    """The texts of a claim that is one, or a list of them; what cannot be stored is left out."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str) and item.strip() and "\x00" not in item:
            yield item


def _moment(claims: Mapping[str, Any]) -> datetime:
    given = claims.get("auth_time")
    seconds = given if isinstance(given, int) and not isinstance(given, bool) else claims["iat"]
    try:
        return datetime.fromtimestamp(float(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        raise _refused("its times cannot be read", "时间无效") from None


def _refused(why: str, why_zh: str) -> Unauthenticated:
    return Unauthenticated(f"the token is refused: {why}", message_zh=f"令牌被拒绝：{why_zh}")
