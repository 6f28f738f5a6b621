"""The two suites of cryptography: hashes, MACs, seals of secrets, and keys that sign.

`international` is SHA-256, AES-256-GCM and Ed25519; `commercial` (商用密码) is SM3 (GB/T 32905),
SM4-GCM (GB/T 32907, RFC 8998) and SM2 (GB/T 32918). What is kept tells which of them it was made
with, so that both are read whichever is chosen for what is made new. SM3 and SM4 are those of
OpenSSL, by `cryptography`; SM2, which that has not, is GmSSL's.
"""

import base64
import os
import re
from collections.abc import Mapping
from pathlib import Path

import gmssl_pyx
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shanhai.errors import Unavailable
from shanhai.settings import CryptoSettings, Suite

NoKey = gmssl_pyx.InvalidValueError
"""Raised by `Sm2PublicKey` for what is no point of the curve."""
HASHES: Mapping[str, type[hashes.SHA256] | type[hashes.SM3]] = {
    "sha256": hashes.SHA256,
    "sm3": hashes.SM3,
}
"""By the names the database keeps them under."""
SIGNATURE_OF: Mapping[Suite, str] = {"international": "Ed25519", "commercial": "SM2"}
TOLD: Mapping[Suite, str] = {
    "international": "international (SHA-256, AES-256-GCM, Ed25519)",
    "commercial": "commercial (SM3, SM4-GCM, SM2)",
}
NONCE_BYTES = 12
TAG_BYTES = 16
SM4_MARK = b"sm4-gcm\x00"
"""What is sealed with SM4 begins with it; what began with a nonce does so once in 2**64."""


def chosen_suite() -> Suite:
    """The suite that new values are made with."""
    return CryptoSettings().suite


def new_hash(algorithm: str) -> hashes.Hash:
    """A hash to be fed; KeyError for an algorithm that is none of ours."""
    return hashes.Hash(HASHES[algorithm]())


def digest(algorithm: str, content: bytes) -> bytes:
    """32 bytes that stand for the content; KeyError for an algorithm that is none of ours."""
    made = new_hash(algorithm)
    made.update(content)
    return made.finalize()


def mac(algorithm: str, key: bytes, content: bytes) -> bytes:
    """HMAC, 32 bytes (RFC 2104, GB/T 15852.2); KeyError for an algorithm that is none of ours."""
    made = hmac.HMAC(key, HASHES[algorithm]())
    made.update(content)
    return made.finalize()


def sm4_close(key: bytes, nonce: bytes, content: bytes, associated: bytes) -> bytes:
    """SM4-GCM: as long as the content, and a tag of 16 bytes behind it (RFC 8998).

    Args:
        key: 16 bytes.
        nonce: 12 bytes, never twice with the same key.
        content: What is encrypted.
        associated: What must be told again to open it.
    """
    cipher = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    cipher.authenticate_additional_data(associated)
    return cipher.update(content) + cipher.finalize() + cipher.tag


def sm4_open(key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
    """What `sm4_close` was given.

    Raises:
        InvalidTag: something of it is another, or it is too short.
    """
    content, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
    if len(nonce) != NONCE_BYTES or len(tag) != TAG_BYTES:
        raise InvalidTag
    cipher = Cipher(algorithms.SM4(key), modes.GCM(nonce, tag)).decryptor()
    cipher.authenticate_additional_data(associated)
    return cipher.update(content) + cipher.finalize()


class SecretBox:
    """Closes and opens secrets by a secret of the server.

    Args:
        secret: The secret of the server.
        purpose: What it is used for: keys for different purposes open nothing of one another.
        suite: What new secrets are closed with; None: the one chosen. Those of either open.
    """

    def __init__(self, secret: str, purpose: str, suite: Suite | None = None) -> None:
        self.suite = suite or chosen_suite()
        about, told = f"shanhai {purpose}".encode(), secret.encode()
        aes = HKDF(hashes.SHA256(), length=32, salt=None, info=about).derive(told)
        self._aes = AESGCM(aes)
        self._sm4 = HKDF(hashes.SM3(), length=16, salt=None, info=about).derive(told)

    def close(self, content: bytes, owner: str) -> bytes:
        """The content, encrypted, for its owner."""
        nonce = os.urandom(NONCE_BYTES)
        if self.suite == "commercial":
            return SM4_MARK + nonce + sm4_close(self._sm4, nonce, content, owner.encode())
        return nonce + self._aes.encrypt(nonce, content, owner.encode())

    def open(self, sealed: bytes, owner: str) -> bytes:
        """The content that was closed for this owner.

        Raises:
            Unavailable: it was not, or with another secret of the server.
        """
        bare = sealed.removeprefix(SM4_MARK)
        nonce, content = bare[:NONCE_BYTES], bare[NONCE_BYTES:]
        try:
            if suite_of(sealed) == "commercial":
                return sm4_open(self._sm4, nonce, content, owner.encode())
            return self._aes.decrypt(nonce, content, owner.encode())
        except (InvalidTag, ValueError):
            raise Unavailable(
                f"the secret of {owner} was sealed with a former secret of the server: rotate a"
                " webhook's; for an authenticator's sign in by a recovery code or a security key",
                message_zh=f"{owner} 的密钥以服务器原密钥加密，无法读取：回调订阅请轮换密钥；"
                "动态口令请改用恢复码或安全密钥登录后重新设置",
            ) from None

    def renew(self, sealed: bytes, owner: str) -> bytes | None:
        """The same secret, closed with the suite of this box; None where it is already.

        Raises:
            Unavailable: as `open`.
        """
        if suite_of(sealed) == self.suite:
            return None
        return self.close(self.open(sealed, owner), owner)


def suite_of(sealed: bytes) -> Suite:
    """What a secret was closed with."""
    return "commercial" if sealed.startswith(SM4_MARK) else "international"


# As `openssl genpkey -algorithm SM2` writes them: PKCS #8, SubjectPublicKeyInfo, of fixed length.
_SM2_PRIVATE = bytes.fromhex(
    "308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420"
)
_SM2_MIDDLE = bytes.fromhex("a14403420004")
_SM2_PUBLIC = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")
_PEM = re.compile(
    rb"\s*-----BEGIN (PRIVATE|PUBLIC) KEY-----([A-Za-z0-9+/=\s]+)-----END \1 KEY-----\s*"
)
SM2_COORDINATES = 64


class Sm2PublicKey:
    """Verifies signatures by SM2 with SM3 and the usual identifier of the signer.

    Args:
        point: The point of the curve, both coordinates, 64 bytes.
    """

    def __init__(self, point: bytes) -> None:
        self.point = gmssl_pyx.normalize_sm2_public_key(point)

    def verify(self, signature: bytes, content: bytes) -> None:
        """Raise InvalidSignature unless the signature (DER) is of the content."""
        try:
            good = gmssl_pyx.sm2_verify(self.point, content, signature)
        except gmssl_pyx.GmsslInnerError:
            good = False
        if not good:
            raise InvalidSignature

    def encrypt(self, content: bytes) -> bytes:
        """Up to 255 bytes for the holder of the private key (DER, GM/T 0009)."""
        sealed: bytes = gmssl_pyx.sm2_encrypt(self.point, content)
        return sealed

    def pem(self) -> bytes:
        """As programs exchange it."""
        return _as_pem("PUBLIC", _SM2_PUBLIC + self.point)


class Sm2PrivateKey:
    """Signs by SM2 with SM3.

    Args:
        number: The secret number, 32 bytes.
        point: The public key of it.
    """

    def __init__(self, number: bytes, point: bytes) -> None:
        self._number = number
        self._public = Sm2PublicKey(point)

    @classmethod
    def generate(cls) -> "Sm2PrivateKey":
        """A new one."""
        point, number = gmssl_pyx.sm2_key_generate()
        return cls(number, point)

    def public_key(self) -> Sm2PublicKey:
        """The one that verifies."""
        return self._public

    def sign(self, content: bytes) -> bytes:
        """The signature (DER) of the content."""
        signed: bytes = gmssl_pyx.sm2_sign(self._number, self._public.point, content)
        return signed

    def decrypt(self, sealed: bytes) -> bytes:
        """What was encrypted for this key.

        Raises:
            InvalidTag: it was not, or was changed.
        """
        try:
            content: bytes = gmssl_pyx.sm2_decrypt(self._number, sealed)
        except gmssl_pyx.GmsslInnerError:
            raise InvalidTag from None
        return content

    def pem(self) -> bytes:
        """As programs exchange it, not encrypted."""
        return _as_pem("PRIVATE", _SM2_PRIVATE + self._number + _SM2_MIDDLE + self._public.point)


PrivateKey = ed25519.Ed25519PrivateKey | Sm2PrivateKey
PublicKey = ed25519.Ed25519PublicKey | Sm2PublicKey


def make_private_key(suite: Suite) -> PrivateKey:
    """A new key that signs."""
    if suite == "commercial":
        return Sm2PrivateKey.generate()
    return ed25519.Ed25519PrivateKey.generate()


def algorithm_of(key: PrivateKey | PublicKey) -> str:
    """The name of what a key signs with."""
    return "SM2" if isinstance(key, Sm2PrivateKey | Sm2PublicKey) else "Ed25519"


def private_pem(key: PrivateKey) -> bytes:
    """A private key as files hold it."""
    if isinstance(key, Sm2PrivateKey):
        return key.pem()
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def write_new(path: Path, content: bytes) -> None:
    """Write a new file for its owner alone; where that fails nothing is left of it.

    Raises:
        FileExistsError: there is such a file.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        path.unlink()
        error.filename = str(path)  # a full disk names none
        raise


def public_pem(key: PublicKey) -> str:
    """A public key as files hold it."""
    if isinstance(key, Sm2PublicKey):
        return key.pem().decode()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()


def load_private_key(path: Path) -> PrivateKey | None:
    """The private key in a file; None where it holds none of either suite."""
    return parse_private_key(path.read_bytes())


def parse_private_key(content: bytes) -> PrivateKey | None:
    """The private key of a PEM text; None where it is none of either suite."""
    der = _from_pem("PRIVATE", content)
    at = len(_SM2_PRIVATE)
    if der.startswith(_SM2_PRIVATE) and der[at + 32 : -SM2_COORDINATES] == _SM2_MIDDLE:
        return _checked(der[at : at + 32], der[-SM2_COORDINATES:])
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError):
        return None
    return key if isinstance(key, ed25519.Ed25519PrivateKey) else None


def load_public_key(path: Path) -> PublicKey | None:
    """The public key in a file; None where it holds none of either suite."""
    content = path.read_bytes()
    der = _from_pem("PUBLIC", content)
    if der.startswith(_SM2_PUBLIC):
        try:
            return Sm2PublicKey(der[len(_SM2_PUBLIC) :])
        except gmssl_pyx.GmsslInnerError:
            return None
    try:
        key = serialization.load_pem_public_key(content)
    except ValueError:
        return None
    return key if isinstance(key, ed25519.Ed25519PublicKey) else None


def _checked(number: bytes, point: bytes) -> Sm2PrivateKey | None:
    """The key, where its halves belong together."""
    try:
        key = Sm2PrivateKey(number, point)
        key.public_key().verify(key.sign(b""), b"")
    except (gmssl_pyx.GmsslInnerError, InvalidSignature):
        return None
    return key


def _as_pem(kind: str, der: bytes) -> bytes:
    text = base64.b64encode(der).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    head, tail = f"-----BEGIN {kind} KEY-----", f"-----END {kind} KEY-----"
    return "\n".join([head, *lines, tail, ""]).encode()


def _from_pem(kind: str, content: bytes) -> bytes:
    """What a file holds; nothing where it is not of that kind."""
    found = _PEM.fullmatch(content)
    if found is None or found[1].decode() != kind:
        return b""
    try:
        return base64.b64decode(b"".join(found[2].split()), validate=True)
    except ValueError:
        return b""
