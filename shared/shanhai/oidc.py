"""Access tokens of OpenID Connect issuers: checked by the keys each issuer publishes.

Keys are found by discovery and remembered. A token that names an unknown key makes us look again,
but seldom: who sends made-up names must not make us ask the issuer each time.
"""

import asyncio
import base64
import hashlib
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import quote, urlencode

import jwt
import structlog

from shanhai.errors import Unauthenticated, Unavailable
from shanhai.http_egress import EgressClient
from shanhai.settings import MAIL_ADDRESS, OidcSettings, OutgoingSettings

TOKEN_LIMIT = 16 * 1024
KEYS_LIMIT = 100
RSA_BITS = 2048
FRESH_S = 3600.0
"""Seconds after which keys are looked up anew."""
STALE_S = 24 * 3600.0
"""Seconds for which known keys are used while the issuer does not answer."""
REFRESH_S = 30.0
"""Seconds between two looks for the keys of one issuer, whatever tokens name."""
OF_ID_TOKENS = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
"""Claims that tell a client who signed in (OpenID Connect Core, 2 and 3.3.2.11)."""
NO_ACCESS = frozenset({"ID", "Refresh", "Offline", "Logout"})
"""What Keycloak calls its other tokens, in a claim: all have the same header."""
UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")
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
    nonce: str | None = None


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
    """An issuer, what it said of itself, and the keys it was seen to publish."""

    url: str
    outgoing: EgressClient
    document: Mapping[str, Any] = field(default_factory=dict)
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
        await self._renew(missing=self._find(header) is None)
        found = self._find(header)
        if found is None:
            raise _refused("it is signed by a key its issuer does not publish", "签名密钥未知")
        return found

    async def newer_key(self, header: Mapping[str, Any], tried: SigningKey) -> SigningKey | None:
        """Another key than the one tried, where tokens do not name theirs."""
        if header.get("kid") is not None:
            return None
        await self._renew(missing=True)
        found = self._find(header)
        return None if found == tried else found

    def _find(self, header: Mapping[str, Any]) -> SigningKey | None:
        fitting = [key for key in self.keys if key.fits(header)]
        # Without a name only one key can be meant.
        return fitting[0] if len(fitting) == 1 else None

    async def _renew(self, *, missing: bool = False) -> None:
        """Look anew where something is missing or old, and seldom, whoever makes us."""
        if missing or self._age(self.read_at) > FRESH_S:
            async with self.lock:
                if self._age(self.tried_at) > REFRESH_S:
                    await self._refresh()
        if self._age(self.read_at) > STALE_S:
            raise Unavailable(
                "the issuer does not answer; try again", message_zh="签发方没有响应，请稍后重试"
            )

    async def _refresh(self) -> None:
        self.tried_at = time.monotonic()
        try:
            await self.read()
        except Unavailable as error:
            log.warning("keys of the issuer cannot be read", issuer=self.url, error=error.message)

    async def read(self) -> None:
        """Learn anew what the issuer says of itself, and its keys.

        Raises:
            Unavailable: it does not answer, says that it is another, or has no key left to use.
        """
        address = f"{self.url.rstrip('/')}/.well-known/openid-configuration"
        document = await self.outgoing.fetch_json(address)
        if document.get("issuer") != self.url:
            raise Unavailable(f"it calls itself {str(document.get('issuer'))[:200]!r}")
        keys = await self.outgoing.fetch_json(str(document.get("jwks_uri", "")))
        self.document = document
        self.keys = tuple(usable_keys(keys))
        self.read_at = time.monotonic()
        if not self.keys:
            raise Unavailable("it publishes no key that tokens can be checked by")

    async def describe(self) -> Mapping[str, Any]:
        """What the issuer says of itself.

        Raises:
            Unavailable: it does not answer, or says that it is another.
        """
        await self._renew()
        return self.document

    @staticmethod
    def _age(moment: float | None) -> float:
        return float("inf") if moment is None else time.monotonic() - moment


class TokenVerifier:
    """Checks tokens of the configured issuers."""

    def __init__(self, settings: OidcSettings, outgoing: OutgoingSettings) -> None:
        self.settings = settings
        client = EgressClient(outgoing.trusting(settings))
        self.issuers = {url: Issuer(url, client) for url in settings.issuer}

    async def verify(self, token: str, *, audience: str | None = None) -> Claims:
        """What the token says.

        Args:
            audience: Whom it must be meant for; by default the audience of access tokens.

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
        claims = await self._proven(token, header, issuer, audience or self.settings.audience)
        if audience is None:
            self._demand_access(header, claims)
        else:
            self._demand_client(claims, audience)
        return self._claims(claims)

    async def _proven(
        self, token: str, header: Mapping[str, Any], issuer: Issuer, audience: str
    ) -> Mapping[str, Any]:
        """The claims, by the issuer's key; by its next one where keys have no names."""
        key: SigningKey | None = await issuer.key(header)
        while key is not None:
            try:
                return self._decode(token, header, key, issuer, audience)
            except jwt.InvalidSignatureError:
                key = await issuer.newer_key(header, key)
        raise _refused("its signature is not valid", "签名无效")

    def _decode(
        self,
        token: str,
        header: Mapping[str, Any],
        key: SigningKey,
        issuer: Issuer,
        audience: str,
    ) -> Mapping[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[header["alg"]],
                audience=audience,
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

    def _demand_access(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
        """A token that tells a client who signed in gives that client no access here."""
        kind = str(header.get("typ", "")).lower().removeprefix("application/")
        of_another_kind = claims.get("typ") in NO_ACCESS or not OF_ID_TOKENS.isdisjoint(claims)
        if kind not in self.settings.token_types or of_another_kind:
            raise _refused("it is no access token", "不是访问令牌")
        client = claims.get("azp", claims.get("client_id"))
        if self.settings.clients and client not in self.settings.clients:
            raise _refused("its client is not accepted here", "客户端不被接受")

    def _demand_client(self, claims: Mapping[str, Any], client: str) -> None:
        """An ID token is for one client, and for nobody it does not trust (Core, 3.1.3.7)."""
        foreign = {*texts_of(claims["aud"])} - {client, self.settings.audience}
        if foreign or claims.get("azp", client) != client:
            raise _refused("it is meant for somebody else", "受众不符")

    def _claims(self, claims: Mapping[str, Any]) -> Claims:
        subject: str = claims["sub"]
        if not 1 <= len(subject) <= 255 or UNSTORABLE.search(subject):
            raise _refused("its subject cannot be used", "主体无效")
        names = [*texts_of(claims.get("name")), *texts_of(claims.get("preferred_username"))]
        emails = [*filter(MAIL_ADDRESS.fullmatch, texts_of(claims.get("email")))]
        return Claims(
            issuer=claims["iss"],
            subject=subject,
            name=(names[0] if names else subject)[:200],
            email=emails[0] if emails else None,
            groups=frozenset(texts_of(member_at(claims, self.settings.roles_claim))),
            proofs=frozenset((*texts_of(claims.get("amr")), *texts_of(claims.get("acr")))),
            signed_in_at=_moment(claims),
            nonce=next(texts_of(claims.get("nonce")), None),
        )


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """What a browser was sent to an issuer with, and what it must come back with."""

    issuer: str
    state: str
    nonce: str
    verifier: str
    back: str
    """The address the issuer sends the browser back to."""

    @classmethod
    def to(cls, issuer: str, back: str) -> Self:
        """A new one, of which nothing can be guessed."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(issuer, state, nonce, verifier, back)


@dataclass(frozen=True, slots=True)
class CodeFlow:
    """Signing in through an issuer: authorization code with PKCE (RFC 6749, 7636, 9207)."""

    tokens: TokenVerifier

    async def address(self, asked: CodeRequest) -> str:
        """Where the browser goes.

        Raises:
            Unavailable: the issuer does not answer, or leads to a host that is not listed.
        """
        url = await self._endpoint(asked.issuer, "authorization_endpoint")
        challenge = hashlib.sha256(asked.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.tokens.settings.client_id,
            "redirect_uri": asked.back,
            "scope": "openid profile email",
            "state": asked.state,
            "nonce": asked.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"

    async def redeem(self, asked: CodeRequest, code: str) -> Claims:
        """Who has signed in, by the code the browser came back with.

        Raises:
            Unauthenticated: the issuer refuses the code, or its token is not for this request.
            Unavailable: it does not answer.
        """
        settings, issuer = self.tokens.settings, self.tokens.issuers[asked.issuer]
        url = await self._endpoint(asked.issuer, "token_endpoint")
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": asked.back,
            "code_verifier": asked.verifier,
            "client_id": settings.client_id,
        }
        headers = {}
        if secret := settings.client_secret.get_secret_value():
            pair = f"{quote(settings.client_id, '')}:{quote(secret, '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        status, document = await issuer.outgoing.post_form(url, fields, headers)
        token = document.get("id_token")
        if status != 200 or not isinstance(token, str):
            raise _refused("the issuer does not take the code", "签发方不接受该授权码")
        claims = await self.tokens.verify(token, audience=settings.client_id)
        if claims.issuer != asked.issuer or claims.nonce != asked.nonce:
            raise _refused("it is not of this sign-in", "不属于本次登录")
        return claims

    async def _endpoint(self, issuer: str, name: str) -> str:
        """An address the issuer names, of a host that may be reached."""
        found = self.tokens.issuers[issuer]
        url = str((await found.describe()).get(name, ""))
        found.outgoing.demand(url)
        return url


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
        if isinstance(item, str) and item.strip() and not UNSTORABLE.search(item):
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
