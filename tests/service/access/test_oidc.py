"""Tokens of issuers: what is accepted, what is refused, and how keys are found."""

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from shanhai import http_egress, oidc
from shanhai.errors import Unauthenticated, Unavailable
from shanhai.oidc import Claims, TokenVerifier
from shanhai.settings import OidcSettings, OutgoingSettings
from tests.support.issuer import AUDIENCE, LocalIssuer, local_issuer, public_jwk

KEYS = "/keys"
DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
def issuer() -> Iterator[LocalIssuer]:
    with local_issuer() as issuer:
        yield issuer


@pytest.fixture
def verifier(issuer: LocalIssuer) -> TokenVerifier:
    return verifier_of(issuer)


def verifier_of(*issuers: LocalIssuer, **settings: Any) -> TokenVerifier:
    urls = tuple(issuer.url for issuer in issuers)
    given = {"issuer": urls, "audience": AUDIENCE, "allow_loopback_http": True, **settings}
    return TokenVerifier(OidcSettings(**given), OutgoingSettings())


def part(value: Any) -> str:
    content = value if isinstance(value, bytes) else orjson.dumps(value)
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def unsigned(issuer: LocalIssuer, header: dict[str, Any], signature: bytes = b"") -> str:
    now = int(time.time())
    claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": "x", "iat": now, "exp": now + 60}
    return f"{part(header)}.{part(claims)}.{part(signature)}"


class TestAccepted:
    async def test_claims_of_a_valid_token(
        self, issuer: LocalIssuer, verifier: TokenVerifier
    ) -> None:
        names = ["林\x00工", "林\ud800工", "林工"]
        emails = ["a@b.cn, c@b.cn", "a@b.cn\nBcc: c@b.cn", "lin@example.org"]
        token = issuer.token(name=names, email=emails, auth_time=1_700_000_000)
        claims = await verifier.verify(token)
        assert (claims.issuer, claims.subject) == (issuer.url, "user-1")
        assert (claims.name, claims.email) == ("林工", "lin@example.org")
        assert claims.signed_in_at.timestamp() == 1_700_000_000

    async def test_keys_are_asked_for_once(
        self, issuer: LocalIssuer, verifier: TokenVerifier
    ) -> None:
        for _ in range(3):
            await verifier.verify(issuer.token())
        assert issuer.asked == [DISCOVERY, KEYS]

    @pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
    async def test_the_type_of_access_tokens(
        self, issuer: LocalIssuer, verifier: TokenVerifier, typ: str
    ) -> None:
        assert (await verifier.verify(issuer.token(typ=typ))).subject == "user-1"

    @pytest.mark.parametrize("typ", ["JWT", "", "id+jwt", "logout+jwt"])
    async def test_other_types(
        self, issuer: LocalIssuer, verifier: TokenVerifier, typ: str
    ) -> None:
        with pytest.raises(Unauthenticated, match="no access token"):
            await verifier.verify(issuer.token(typ=typ))

    @pytest.mark.parametrize(
        "claims",
        [
            {"nonce": "n"},
            {"at_hash": "h"},
            {"c_hash": "h", "nonce": "n"},
            {"typ": "ID"},
            {"typ": "Refresh"},
        ],
    )
    async def test_id_tokens_are_no_access_tokens_though_their_type_is_accepted(
        self, issuer: LocalIssuer, claims: dict[str, str]
    ) -> None:
        """As of issuers that give all tokens the type `JWT`."""
        lenient = verifier_of(issuer, token_types=("at+jwt", "JWT"))
        access = jwt.decode(issuer.token(), options={"verify_signature": False})
        usual, token = [
            jwt.encode(
                {**access, **more},
                issuer.keys["first"],
                algorithm="RS256",
                headers={"kid": "first"},
            )
            for more in ({"typ": "Bearer"}, claims)
        ]
        assert (await lenient.verify(usual)).subject == "user-1"
        with pytest.raises(Unauthenticated, match="no access token"):
            await lenient.verify(token)

    async def test_clients_that_are_named(self, issuer: LocalIssuer) -> None:
        strict = verifier_of(issuer, clients=("map",))
        named: list[dict[str, Any]] = [{"azp": "map"}, {"client_id": "map"}]
        others: list[dict[str, Any]] = [{}, {"azp": "x", "client_id": "map"}, {"client_id": "x"}]
        for claims in named:
            assert (await strict.verify(issuer.token(**claims))).subject == "user-1"
        for claims in [*others, {"azp": ["map"]}]:
            with pytest.raises(Unauthenticated, match="client is not accepted"):
                await strict.verify(issuer.token(**claims))

    async def test_clocks_may_differ_by_a_minute(
        self, issuer: LocalIssuer, verifier: TokenVerifier
    ) -> None:
        now = int(time.time())
        await verifier.verify(issuer.token(exp=now - 50))
        await verifier.verify(issuer.token(nbf=now + 50, iat=now + 50))

    async def test_audience_in_a_list(self, issuer: LocalIssuer, verifier: TokenVerifier) -> None:
        assert isinstance(await verifier.verify(issuer.token(aud=["other", AUDIENCE])), Claims)

    async def test_groups_and_proofs(self, issuer: LocalIssuer) -> None:
        verifier = verifier_of(issuer, roles_claim="realm_access.roles")
        token = issuer.token(realm_access={"roles": ["a", 7, "b"]}, amr=["pwd", "otp"], acr="gold")
        claims = await verifier.verify(token)
        assert claims.groups == {"a", "b"}
        assert claims.proofs == {"pwd", "otp", "gold"}

    async def test_several_issuers(self, issuer: LocalIssuer) -> None:
        with local_issuer() as other:
            other.rotate("first")
            verifier = verifier_of(issuer, other)
            for each in (issuer, other):
                assert (await verifier.verify(each.token())).issuer == each.url
            # The key of one issuer does not speak for the other.
            with pytest.raises(Unauthenticated):
                await verifier.verify(other.token(iss=issuer.url))


class TestRefused:
    @pytest.mark.parametrize(
        ("claims", "said"),
        [
            ({"exp": 1_000_000_000, "iat": 999_999_000}, "expired"),
            ({"exp": int(time.time()) - 70}, "expired"),
            ({"nbf": int(time.time()) + 3_000}, "not valid yet"),
            ({"iat": int(time.time()) + 3_000}, "not valid yet"),
            ({"aud": "somebody"}, "somebody else"),
            ({"aud": None}, "not valid"),
            ({"exp": None}, "not valid"),
            ({"iat": None}, "not valid"),
            ({"sub": None}, "not valid"),
            ({"sub": ""}, "subject"),
            ({"sub": "x" * 256}, "subject"),
            ({"sub": "a\x00b"}, "subject"),
            ({"sub": "a\ud800b"}, "subject"),
            ({"iss": None}, "issuer"),
            ({"iss": "https://evil.example"}, "issuer"),
            ({"iss": ["x"]}, "issuer|cannot be read"),
            ({"auth_time": 10**20}, "times"),
            ({"name": "x" * 20_000}, "too long"),
        ],
        ids=lambda value: "+".join(value) if isinstance(value, dict) else value,
    )
    async def test_claims(
        self, issuer: LocalIssuer, verifier: TokenVerifier, claims: dict[str, Any], said: str
    ) -> None:
        try:
            token = issuer.token(**claims)
        except TypeError:  # the library that makes tokens refuses to make this one
            token = unsigned_with(issuer, claims)
        with pytest.raises(Unauthenticated, match=said):
            await verifier.verify(token)

    async def test_no_signature(self, issuer: LocalIssuer, verifier: TokenVerifier) -> None:
        for name in ("none", "None", "NONE", ""):
            with pytest.raises(Unauthenticated, match="algorithm"):
                await verifier.verify(unsigned(issuer, {"alg": name, "kid": "first"}))

    async def test_public_key_as_secret(self, issuer: LocalIssuer, verifier: TokenVerifier) -> None:
        """Whoever takes the algorithm from the token can be given the public key as a secret."""
        public = issuer.keys["first"].public_key()
        pem = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        bare = unsigned(issuer, {"alg": "HS256", "kid": "first"}).rpartition(".")[0]
        signature = hmac.new(pem, bare.encode(), hashlib.sha256).digest()
        with pytest.raises(Unauthenticated, match="algorithm"):
            await verifier.verify(f"{bare}.{part(signature)}")

    async def test_algorithm_its_key_is_not_for(self, issuer: LocalIssuer) -> None:
        verifier = verifier_of(issuer, allowed_algorithms=("RS256", "PS256", "ES256"))
        for alg in ("PS256",):
            with pytest.raises(Unauthenticated, match="key"):
                await verifier.verify(issuer.token(alg=alg))
        with pytest.raises(Unauthenticated, match="key"):
            await verifier.verify(unsigned(issuer, {"alg": "ES256", "kid": "first"}, b"x" * 64))

    async def test_changed_and_foreign_signatures(
        self, issuer: LocalIssuer, verifier: TokenVerifier
    ) -> None:
        head, body, signature = issuer.token().split(".")
        forged = part({**orjson.loads(base64.urlsafe_b64decode(body + "==")), "sub": "admin"})
        with pytest.raises(Unauthenticated, match="signature"):
            await verifier.verify(f"{head}.{forged}.{signature}")
        stranger = LocalIssuer(issuer.url)
        stranger.rotate("first")
        with pytest.raises(Unauthenticated, match="signature"):
            await verifier.verify(stranger.token())

    @pytest.mark.parametrize(
        "token",
        [
            *("", "a", "a.b", "a.b.c", "...", "e30.e30.e30", "\x00.\x00.\x00", "林.林.林"),
            f"{part(b'[]')}.{part(b'[]')}.",
            f"{part({'alg': 'RS256'})}.{part(b'[' * 5_000)}.x",
            f"{part({'alg': 7})}.{part({})}.x",
            f"{part({'alg': 'RS256', 'kid': 7})}.{part({})}.x",
            f"{part({'alg': 'RS256', 'kid': {}})}.{part({'iss': {}})}.x",
            f"{part({'alg': 'RS256', 'crit': ['x'], 'x': 1})}.{part({'iss': 'x'})}.x",
        ],
        ids=repr,
    )
    async def test_what_is_no_token(self, verifier: TokenVerifier, token: str) -> None:
        with pytest.raises(Unauthenticated):
            await verifier.verify(token)

    async def test_weak_and_private_keys_are_passed_over(self, issuer: LocalIssuer) -> None:
        weak = generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  (as meant)
        issuer.answers[KEYS] = {
            "keys": [
                public_jwk("first", weak),
                {"kty": "oct", "k": "c2VjcmV0", "kid": "first"},
                {"kty": "RSA"},
                "nonsense",
            ]
        }
        with pytest.raises(Unauthenticated, match="key"):
            await verifier_of(issuer).verify(issuer.token())


class TestKeys:
    async def test_new_key_is_found_and_the_former_forgotten(
        self, issuer: LocalIssuer, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        former = issuer.token()
        await verifier.verify(former)
        issuer.rotate("second")
        monkeypatch.setattr(oidc, "REFRESH_S", 0.0)
        await verifier.verify(issuer.token())
        with pytest.raises(Unauthenticated, match="key"):
            await verifier.verify(former)

    async def test_keys_without_names_may_change_too(
        self, issuer: LocalIssuer, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def nameless() -> str:
            key = next(iter(issuer.keys.values()))
            now = int(time.time())
            claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": "x", "iat": now, "exp": now + 60}
            return jwt.encode(claims, key, algorithm="RS256", headers={"typ": "at+jwt"})

        former = nameless()
        await verifier.verify(former)
        issuer.rotate("second")
        with pytest.raises(Unauthenticated, match="signature"):
            await verifier.verify(nameless())
        monkeypatch.setattr(oidc, "REFRESH_S", 0.0)
        await verifier.verify(nameless())
        with pytest.raises(Unauthenticated, match="signature"):
            await verifier.verify(former)

    async def test_made_up_names_do_not_make_us_ask(
        self, issuer: LocalIssuer, verifier: TokenVerifier
    ) -> None:
        await verifier.verify(issuer.token())
        asked = len(issuer.asked)
        stranger = LocalIssuer(issuer.url)
        for number in range(20):
            stranger.rotate(f"made-up-{number}")
            with pytest.raises(Unauthenticated):
                await verifier.verify(stranger.token())
        assert len(issuer.asked) == asked

    async def test_known_keys_serve_while_the_issuer_is_away(
        self, issuer: LocalIssuer, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await verifier.verify(issuer.token())
        monkeypatch.setattr(oidc, "FRESH_S", 0.0)
        monkeypatch.setattr(oidc, "REFRESH_S", 0.0)
        issuer.status = 500
        await verifier.verify(issuer.token())
        monkeypatch.setattr(oidc, "STALE_S", 0.0)
        with pytest.raises(Unavailable):
            await verifier.verify(issuer.token())

    @pytest.mark.parametrize(
        ("path", "document"),
        [
            (DISCOVERY, {"issuer": "https://other.example", "jwks_uri": "https://other.example/k"}),
            (DISCOVERY, {}),
            (DISCOVERY, b"no json"),
            (DISCOVERY, []),
            (KEYS, b"[1, 2]"),
            (KEYS, b" " * (http_egress.LIMIT_BYTES + 1)),
        ],
    )
    async def test_what_an_issuer_must_not_publish(
        self, issuer: LocalIssuer, verifier: TokenVerifier, path: str, document: Any
    ) -> None:
        issuer.answers[path] = document
        with pytest.raises(Unavailable):
            await verifier.verify(issuer.token())

    async def test_keys_elsewhere_without_tls_are_not_read(
        self, issuer: LocalIssuer, verifier: TokenVerifier
    ) -> None:
        for address in ("http://keys.example/k", "file:///etc/passwd", "ftp://127.0.0.1/", ""):
            issuer.answers[DISCOVERY] = {"issuer": issuer.url, "jwks_uri": address}
            with pytest.raises(Unavailable):
                await verifier_of(issuer).verify(issuer.token())
        assert KEYS not in issuer.asked

    async def test_redirects_are_not_followed(self, issuer: LocalIssuer) -> None:
        issuer.status = 302
        with pytest.raises(Unavailable):
            await verifier_of(issuer).verify(issuer.token())

    async def test_an_issuer_that_is_away_is_asked_seldom(self) -> None:
        with local_issuer() as issuer:
            token, verifier = issuer.token(), verifier_of(issuer)
        tried = set()
        for _ in range(50):
            with pytest.raises(Unavailable):
                await verifier.verify(token)
            tried.add(verifier.issuers[issuer.url].tried_at)
        assert len(tried) == 1


def unsigned_with(issuer: LocalIssuer, claims: dict[str, Any]) -> str:
    now = int(time.time())
    usual = {"iss": issuer.url, "aud": AUDIENCE, "sub": "x", "iat": now, "exp": now + 60}
    return f"{part({'alg': 'RS256', 'kid': 'first'})}.{part({**usual, **claims})}.{part(b'x')}"
