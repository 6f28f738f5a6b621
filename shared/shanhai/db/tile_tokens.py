"""Tokens that open some layers for a while, in the name of whoever asked for them.

For map clients that can send no header. A token says nothing of what may be seen: that is what its
owner may see when it is used, so it ends with the owner's key or account, too.
"""

import base64
import binascii
import hashlib
import hmac
import time
from dataclasses import dataclass

import orjson

from shanhai.errors import Unauthenticated

MARK = "sht_"
PURPOSE = b"shanhai tile token 1\x00"
"""Signed along, so that nothing else that is signed with the secret is a token."""
LONGEST = 16_384


@dataclass(frozen=True, slots=True)
class TileToken:
    """What a token says.

    Attributes:
        owner: The identity that asked for it, as `Identity.owner`.
        layers: The layers it opens.
        expires_at: When it ends, in seconds of the epoch.
        groups: Groups of an issuer the owner showed, which stand for roles.
        proofs: How the owner proved who they are.
    """

    owner: str
    layers: frozenset[str]
    expires_at: int
    groups: frozenset[str] = frozenset()
    proofs: frozenset[str] = frozenset()


def seal(token: TileToken, secret: str) -> str:
    """The token as text, signed."""
    parts = (token.layers, token.groups, token.proofs)
    content = orjson.dumps([token.owner, token.expires_at, *map(sorted, parts)])
    return f"{MARK}{_text(content)}.{_text(_signature(content, secret))}"


def unseal(text: str, secret: str) -> TileToken:
    """The token a text stands for.

    Raises:
        Unauthenticated: it was not signed with the secret, or has ended.
    """
    content = _signed_content(text, secret)
    if content is None:
        raise Unauthenticated("the tile token is not valid", message_zh="瓦片令牌无效")
    owner, expires_at, layers, groups, proofs = orjson.loads(content)
    if time.time() >= expires_at:
        raise Unauthenticated("the tile token has expired", message_zh="瓦片令牌已过期")
    return TileToken(owner, frozenset(layers), expires_at, frozenset(groups), frozenset(proofs))


def _signed_content(text: str, secret: str) -> bytes | None:
    if not secret or len(text) > LONGEST or not text.startswith(MARK):
        return None
    content_text, _, signature_text = text.removeprefix(MARK).partition(".")
    try:
        content, signature = _bytes(content_text), _bytes(signature_text)
    except (binascii.Error, ValueError):
        return None
    # Several texts stand for the same bytes; only the one that was given out is a token.
    if (content_text, signature_text) != (_text(content), _text(signature)):
        return None
    return content if hmac.compare_digest(signature, _signature(content, secret)) else None


def _signature(content: bytes, secret: str) -> bytes:
    return hmac.digest(secret.encode(), PURPOSE + content, hashlib.sha256)


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
