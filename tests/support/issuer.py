"""An OpenID Connect issuer on this machine: discovery, keys that change, and any token wanted."""

import base64
import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from tests.support.serving import join

AUDIENCE = "shanhai"


def new_key() -> RSAPrivateKey:
    """A key to sign tokens by."""
    return generate_private_key(public_exponent=65537, key_size=2048)


first_key = cache(new_key)
"""What issuers begin with: to make one takes longer than most tests do."""


@dataclass(slots=True)
class LocalIssuer:
    """What the issuer publishes; tests change it as they like.

    Attributes:
        asked: The paths asked for, in order.
        answers: Documents by path that replace the usual ones; bytes are sent as they are.
    """

    url: str = ""
    keys: dict[str, RSAPrivateKey] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    grants: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """By code: the challenge of the browser that asked for it, and claims of its token."""
    sent: list[dict[str, str]] = field(default_factory=list)

    def redeem(self, fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """What the token endpoint answers: a code is good once, for who has the verifier."""
        self.sent.append(fields)
        challenge, claims = self.grants.pop(fields.get("code", ""), ("", {}))
        digest = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != challenge:
            return 400, {"error": "invalid_grant"}
        return 200, {"id_token": self.token(**claims), "token_type": "Bearer"}

    def rotate(self, name: str) -> None:
        """Publish one new key, and no other."""
        self.keys = {name: new_key()}

    def token(
        self, *, kid: str | None = None, alg: str = "RS256", typ: str = "at+jwt", **claims: Any
    ) -> str:
        """A token signed by the key of that name, or by the only one; None leaves a claim out."""
        name = kid or next(iter(self.keys))
        now = int(time.time())
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": "user-1", "iat": now, "exp": now + 300}
        given = {key: value for key, value in {**usual, **claims}.items() if value is not None}
        return jwt.encode(given, self.keys[name], algorithm=alg, headers={"kid": name, "typ": typ})

    def document(self, path: str) -> Any:
        """What is published at a path."""
        if path in self.answers:
            return self.answers[path]
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
            }
        if path == "/keys":
            return {"keys": [public_jwk(name, key) for name, key in self.keys.items()]}
        return None


def public_jwk(name: str, key: RSAPrivateKey) -> dict[str, Any]:
    """The public half of a key as issuers publish it."""
    member = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**member, "kid": name, "use": "sig", "alg": "RS256"}


@contextmanager
def local_issuer() -> Iterator[LocalIssuer]:
    """An issuer with one key, listening on a free port until the end."""
    issuer = LocalIssuer(keys={"first": first_key()})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            document = issuer.document(self.path)
            body = document if isinstance(document, bytes) else orjson.dumps(document)
            self.send_response(404 if document is None else issuer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, document = issuer.redeem(dict(parse_qsl(content)))
            body = orjson.dumps(document)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the terminal quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        join(thread)
