"""An OpenID Connect issuer on this machine: discovery, keys that change, and any token wanted."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from tests.support.serving import join

AUDIENCE = "shanhai"


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

    def rotate(self, name: str) -> None:
        """Publish one new key, and no other."""
        self.keys = {name: generate_private_key(public_exponent=65537, key_size=2048)}

    def token(self, *, kid: str | None = None, alg: str = "RS256", **claims: Any) -> str:
        """A token signed by the key of that name, or by the only one; None leaves a claim out."""
        name = kid or next(iter(self.keys))
        now = int(time.time())
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": "user-1", "iat": now, "exp": now + 300}
        given = {key: value for key, value in {**usual, **claims}.items() if value is not None}
        return jwt.encode(given, self.keys[name], algorithm=alg, headers={"kid": name})

    def document(self, path: str) -> Any:
        """What is published at a path."""
        if path in self.answers:
            return self.answers[path]
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
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
    issuer = LocalIssuer()
    issuer.rotate("first")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            document = issuer.document(self.path)
            body = document if isinstance(document, bytes) else orjson.dumps(document)
            self.send_response(404 if document is None else issuer.status)
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
