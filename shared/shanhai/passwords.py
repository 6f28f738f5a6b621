"""What people of accounts of our own prove themselves by: passwords, codes of 30 s, recovery codes.

Passwords are kept as Argon2id (RFC 9106, its second choice: 64 MiB, 3 passes, 4 lanes) in its PHC
form. One is computed at a time in a process: each takes its 64 MiB. Codes are TOTP (RFC 6238:
SHA-1, 6 digits, 30 s), as authenticators on phones make them.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator
from urllib.parse import quote, urlencode

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from shanhai.errors import Fault
from shanhai.settings import SignInSettings

PASSES, LANES, MEMORY_KIB = 3, 4, 65_536
SALT_BYTES, HASH_BYTES = 16, 32
LONGEST = 128
"""Characters of a password at most."""
NO_PASSWORD = (
    f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}"
    f"${'A' * 22}${base64.b64encode(bytes(HASH_BYTES)).decode().rstrip('=')}"
)
"""What is compared with where there is no password: it takes as long, and nothing matches."""
STEP_S, DIGITS = 30, 6
SECRET_BYTES = 20
RECOVERY_CODES, RECOVERY_BYTES = 10, 10
_ALONE = asyncio.Semaphore(1)


async def hash_password(password: str) -> str:
    """The form a password is kept in."""
    async with _ALONE:
        return await asyncio.to_thread(_hash, password)


async def is_password(password: str, kept: str | None) -> bool:
    """Whether the password is the one kept; it takes as long where none is."""
    async with _ALONE:
        return await asyncio.to_thread(_matches, password[:LONGEST], kept or NO_PASSWORD)


def _hash(password: str) -> str:
    method = Argon2id(
        salt=os.urandom(SALT_BYTES),
        length=HASH_BYTES,
        iterations=PASSES,
        lanes=LANES,
        memory_cost=MEMORY_KIB,
    )
    return method.derive_phc_encoded(password.encode())


def _matches(password: str, kept: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password.encode(), kept)
    except InvalidKey:
        return False
    return True


CLASSES = (str.islower, str.isupper, str.isdigit, lambda one: not one.isalnum())
"""Kinds of characters; those of scripts without capitals count as letters alone."""


def faults_of_password(password: str, name: str, rules: SignInSettings) -> Iterator[Fault]:
    """The rules a new password breaks.

    Args:
        name: The name its account is signed in by, which must not stand in it.
    """
    if not rules.password_length <= len(password) <= LONGEST:
        yield Fault(
            "/new",
            f"a password has {rules.password_length} to {LONGEST} characters",
            f"口令须为 {rules.password_length} 至 {LONGEST} 个字符",
        )
    kinds = sum(any(map(is_of, password)) for is_of in CLASSES)
    if kinds < rules.password_classes:
        yield Fault(
            "/new",
            f"of small letters, capitals, digits and other characters, a password has"
            f" {rules.password_classes} kinds at least",
            f"口令须含小写字母、大写字母、数字、其他字符中的至少 {rules.password_classes} 类",
        )
    if name.casefold() in password.casefold():
        yield Fault("/new", "a password does not hold the name", "口令不得包含登录名")


def make_factor() -> bytes:
    """The secret of a new second factor."""
    return os.urandom(SECRET_BYTES)


def shown_factor(secret: bytes) -> str:
    """The secret as people type it into an authenticator: base32 in groups of four."""
    text = base64.b32encode(secret).decode()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def factor_address(secret: bytes, name: str) -> str:
    """The address (`otpauth:`) that an authenticator takes the secret from."""
    asked = {"secret": base64.b32encode(secret).decode(), "issuer": "Shanhai"}
    return f"otpauth://totp/Shanhai:{quote(name)}?{urlencode(asked)}"


def step_of_code(secret: bytes, code: str, now_s: float) -> int | None:
    """The stretch of 30 s that a code belongs to: this one, or one before or after; None else."""
    method = TOTP(secret, DIGITS, SHA1(), STEP_S)  # noqa: S303 - what authenticators do
    current = int(now_s // STEP_S)
    found = None
    for step in (current - 1, current, current + 1):
        if hmac.compare_digest(method.generate(step * STEP_S), code.encode()):
            found = step
    return found


def make_recovery_codes() -> list[str]:
    """Codes of 80 bits, each of which stands for one code of the second factor."""
    return [
        base64.b32encode(os.urandom(RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)
    ]


def digest_of_secret(text: str) -> str:
    """The form in which what nobody can guess is kept: SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()


def make_token() -> str:
    """A token of 256 bits."""
    return secrets.token_urlsafe(32)


def csrf_of(token: str) -> str:
    """What a form of a session sends along: it ends with the session's token."""
    return hmac.digest(token.encode(), b"shanhai csrf", "sha256").hex()
