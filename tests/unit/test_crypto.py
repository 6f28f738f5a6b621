"""The commercial suite: the vectors its standards print, OpenSSL's own program, GmSSL."""

import base64
import subprocess
from pathlib import Path

import gmssl_pyx
import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shanhai import crypto
from shanhai.crypto import SecretBox
from shanhai.errors import Unavailable
from shanhai.settings import CryptoSettings, Suite

KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")
# GB/T 32918.5-2017, annex A: the pair of keys of all its examples.
NUMBER = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
POINT = bytes.fromhex(
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
SIGNED = (
    0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3,
    0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA,
)
IDENTIFIER = "distid:1234567812345678"


def openssl(*arguments: str | Path, given: bytes = b"") -> bytes:
    """What OpenSSL's program prints; Debian has it."""
    command = ["openssl", *arguments]
    made = subprocess.run(command, input=given, capture_output=True, check=False)
    assert made.returncode == 0, made.stderr.decode()
    return made.stdout


@pytest.mark.parametrize(
    ("content", "known"),
    [
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_of_the_examples_of_gb_t_32905(content: bytes, known: str) -> None:
    assert crypto.digest("sm3", content).hex() == known


def test_sm4_of_the_examples_of_gb_t_32907() -> None:
    cipher = Cipher(algorithms.SM4(KEY), modes.ECB()).encryptor()  # noqa: S305 - the standard's example
    block = cipher.update(KEY)
    assert block.hex() == "681edf34d206965e86b3e94f536e4246"
    for _ in range(999_999):
        block = cipher.update(block)
    assert block.hex() == "595298c7c6fd271f0402f804c33d3f66"


def test_sm4_gcm_of_the_example_of_rfc_8998() -> None:
    nonce = bytes.fromhex("00001234567800000000abcd")
    about = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    letters = ("aa", "bb", "cc", "dd", "ee", "ff", "ee", "aa")
    content = bytes.fromhex("".join(two * 8 for two in letters))
    sealed = crypto.sm4_close(KEY, nonce, content, about)
    assert sealed.hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )
    assert crypto.sm4_open(KEY, nonce, sealed, about) == content
    for wrong in (sealed[:-1] + b"x", sealed[1:], sealed[:15], b""):
        with pytest.raises(InvalidTag):
            crypto.sm4_open(KEY, nonce, wrong, about)
    with pytest.raises(InvalidTag):
        crypto.sm4_open(KEY, nonce, sealed, b"")


def test_sm2_of_the_example_of_gb_t_32918() -> None:
    key, signature = crypto.Sm2PublicKey(POINT), encode_dss_signature(*SIGNED)
    key.verify(signature, b"message digest")
    for wrong, content in (
        (signature, b"message digesT"),
        (encode_dss_signature(SIGNED[0], SIGNED[1] + 1), b"message digest"),
        (encode_dss_signature(*reversed(SIGNED)), b"message digest"),
        (b"", b"message digest"),
        (b"no signature", b"message digest"),
    ):
        with pytest.raises(InvalidSignature):
            key.verify(wrong, content)


@given(st.binary(max_size=400), st.binary(max_size=40), st.binary(min_size=12, max_size=12))
def test_openssl_and_gmssl_agree(content: bytes, about: bytes, nonce: bytes) -> None:
    sealed = crypto.sm4_close(KEY, nonce, content, about)
    # GmSSL encrypts no empty text.
    if content:
        assert sealed == b"".join(gmssl_pyx.sm4_gcm_encrypt(KEY, nonce, about, content))
    assert crypto.digest("sm3", content) == gmssl_pyx.sm3_hash(content)
    key = (about or b"k") * 16
    assert crypto.mac("sm3", key, content) == gmssl_pyx.sm3_hmac(key, content)


def test_openssl_s_program_hashes_alike() -> None:
    content = "山海 mountains and seas".encode() * 99
    told = openssl("dgst", "-sm3", "-binary", given=content)
    assert crypto.digest("sm3", content) == told
    key = f"hexkey:{KEY.hex() * 2}"
    told = openssl(*("mac", "-digest", "SM3", "-macopt", key, "-binary", "HMAC"), given=content)
    assert crypto.mac("sm3", KEY * 2, content) == told
    told = openssl("enc", "-sm4-ctr", "-K", KEY.hex(), "-iv", "00" * 12 + "00000002", given=content)
    # GCM begins to count at 2, behind the nonce.
    assert crypto.sm4_close(KEY, bytes(12), content, b"")[:-16] == told


def test_openssl_s_program_verifies_what_is_signed_here(tmp_path: Path) -> None:
    key = crypto.make_private_key("commercial")
    (tmp_path / "key.pem").write_bytes(crypto.private_pem(key))
    (tmp_path / "public.pem").write_text(crypto.public_pem(key.public_key()))
    derived = openssl("pkey", "-in", tmp_path / "key.pem", "-pubout").decode()
    assert derived == crypto.public_pem(key.public_key())
    (tmp_path / "signature").write_bytes(key.sign(b"a head"))
    told = openssl(
        *("dgst", "-sm3", "-verify", tmp_path / "public.pem", "-sigopt", IDENTIFIER),
        *("-signature", tmp_path / "signature"),
        given=b"a head",
    )
    assert told == b"Verified OK\n"


def test_what_openssl_s_program_signs_is_verified_here(tmp_path: Path) -> None:
    file, public = tmp_path / "key.pem", tmp_path / "public.pem"
    openssl("genpkey", "-algorithm", "SM2", "-out", file)
    openssl("pkey", "-in", file, "-pubout", "-out", public)
    made = openssl("dgst", "-sm3", "-sign", file, "-sigopt", IDENTIFIER, given=b"a head")
    key, private = crypto.load_public_key(public), crypto.load_private_key(file)
    assert isinstance(key, crypto.Sm2PublicKey)
    assert isinstance(private, crypto.Sm2PrivateKey)
    key.verify(made, b"a head")
    key.verify(private.sign(b"another"), b"another")
    with pytest.raises(InvalidSignature):
        key.verify(made, b"another")
    assert private.pem() == file.read_bytes()
    assert crypto.load_public_key(file) is None
    assert crypto.load_private_key(public) is None


@pytest.mark.parametrize("suite", ["international", "commercial"])
def test_keys_are_read_as_they_were_written(suite: Suite, tmp_path: Path) -> None:
    key = crypto.make_private_key(suite)
    assert crypto.algorithm_of(key) == crypto.SIGNATURE_OF[suite]
    (tmp_path / "key").write_bytes(crypto.private_pem(key))
    (tmp_path / "public").write_text(crypto.public_pem(key.public_key()))
    private = crypto.load_private_key(tmp_path / "key")
    public = crypto.load_public_key(tmp_path / "public")
    assert private is not None
    assert public is not None
    public.verify(private.sign(b"abc"), b"abc")


def test_what_is_no_key_is_none(tmp_path: Path) -> None:
    file = tmp_path / "file"
    whole = crypto.Sm2PrivateKey(NUMBER, POINT).pem()
    der = base64.b64decode(b"".join(whole.splitlines()[1:-1]))
    halves = der[:40] + bytes([der[40] ^ 1]) + der[41:]
    off = der[:-1] + bytes([der[-1] ^ 1])
    for content in (b"", b"no key", whole[:90], *(_pem(one) for one in (halves, off, der[:99]))):
        file.write_bytes(content)
        assert crypto.load_private_key(file) is None
        assert crypto.load_public_key(file) is None
    file.write_bytes(_pem(bytes.fromhex(_SPKI) + POINT[:-1] + b"\x00", "PUBLIC"))
    assert crypto.load_public_key(file) is None
    file.write_bytes(_pem(bytes.fromhex(_SPKI) + POINT, "PUBLIC"))
    assert crypto.load_public_key(file) is not None


_SPKI = "3059301306072a8648ce3d020106082a811ccf5501822d03420004"


def _pem(der: bytes, kind: str = "PRIVATE") -> bytes:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {kind} KEY-----\n{text}-----END {kind} KEY-----\n".encode()


@given(st.binary(max_size=64), st.text(max_size=20))
def test_secrets_open_under_either_suite_and_are_closed_anew(content: bytes, owner: str) -> None:
    one = SecretBox("s" * 32, "webhooks", "international")
    other = SecretBox("s" * 32, "webhooks", "commercial")
    for box, second in ((one, other), (other, one)):
        sealed = box.close(content, owner)
        assert crypto.suite_of(sealed) == box.suite
        assert second.open(sealed, owner) == content
        assert box.renew(sealed, owner) is None
        renewed = second.renew(sealed, owner)
        assert renewed is not None
        assert crypto.suite_of(renewed) == second.suite
        assert box.open(renewed, owner) == content


@pytest.mark.parametrize("suite", ["international", "commercial"])
def test_no_stranger_opens_a_secret(suite: Suite) -> None:
    box = SecretBox("s" * 32, "webhooks", suite)
    sealed = box.close(b"a secret", "wh-1")
    for stranger, kept, owner in (
        (box, sealed, "wh-2"),
        (box, sealed[:-1] + bytes([sealed[-1] ^ 1]), "wh-1"),
        (box, sealed[:20], "wh-1"),
        (box, sealed.removeprefix(crypto.SM4_MARK)[1:], "wh-1"),
        (box, crypto.SM4_MARK + sealed, "wh-1"),
        (SecretBox("t" * 32, "webhooks", suite), sealed, "wh-1"),
        (SecretBox("s" * 32, "another", suite), sealed, "wh-1"),
    ):
        with pytest.raises(
            Unavailable, match="rotate a webhook's; for an authenticator's sign in by a recovery"
        ):
            stranger.open(kept, owner)


def test_keys_of_secrets_are_derived_as_openssl_s_program_derives_them() -> None:
    box = SecretBox("s" * 32, "webhooks", "commercial")
    told = openssl(
        *("kdf", "-keylen", "16", "-kdfopt", "digest:SM3", "-kdfopt", f"key:{'s' * 32}"),
        *("-kdfopt", "info:shanhai webhooks", "-binary", "HKDF"),
    )
    sealed = box.close(b"a secret", "wh-1").removeprefix(crypto.SM4_MARK)
    assert crypto.sm4_open(told, sealed[:12], sealed[12:], b"wh-1") == b"a secret"


def test_the_suite_is_chosen_by_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHANHAI_CRYPTO_SUITE", raising=False)
    assert crypto.chosen_suite() == "international"
    monkeypatch.setenv("SHANHAI_CRYPTO_SUITE", "commercial")
    assert crypto.chosen_suite() == "commercial"
    monkeypatch.setenv("SHANHAI_CRYPTO_SUITE", "sm")
    with pytest.raises(ValidationError, match="commercial"):
        CryptoSettings()


def test_a_hash_that_is_none_of_ours_is_refused() -> None:
    with pytest.raises(KeyError):
        crypto.digest("md5", b"")
