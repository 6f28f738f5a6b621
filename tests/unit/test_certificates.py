"""An authority of our own: what it makes, when it makes it again, and who believes it."""

import os
import ssl
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from typer.testing import CliRunner

from shanhai import certificates
from shanhai.certificates import CertifiedServer, make_certificates
from shanhai.cli.app import app
from shanhai.errors import InvalidInput
from tests.support.room import room_for

HERE = os.geteuid()
SERVER = CertifiedServer("server", HERE, ("plans.example", "127.0.0.1"))


def test_what_is_made_is_kept_until_the_names_change(tmp_path: Path) -> None:
    other = CertifiedServer("other", HERE, ("other",))
    assert make_certificates(tmp_path, [SERVER, other]) == ["ca", "server", "other"]
    before = (tmp_path / "other" / "cert.pem").read_bytes()
    assert make_certificates(tmp_path, [SERVER, other]) == []
    renamed = CertifiedServer("server", HERE, ("plans.example",))
    assert make_certificates(tmp_path, [renamed, other]) == ["server"]
    assert (tmp_path / "other" / "cert.pem").read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "server").iterdir()) == ["cert.pem", "key.pem"]


def test_a_name_in_chinese_is_written_as_clients_ask_for_it(tmp_path: Path) -> None:
    server = CertifiedServer.parse(f"proxy:{HERE}:中文.cn,*.plans.example,::1")
    assert make_certificates(tmp_path, [server]) == ["ca", "proxy"]
    held = x509.load_pem_x509_certificate((tmp_path / "proxy" / "cert.pem").read_bytes())
    names = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["xn--fiq228c.cn", "*.plans.example"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["::1"]
    assert make_certificates(tmp_path, [server]) == []


@pytest.mark.parametrize("host", ["a b", "plans..example", "plans.example:8443", "a" * 64, "a/b"])
def test_what_is_no_host_is_refused(host: str, tmp_path: Path) -> None:
    told = CliRunner().invoke(
        app, ["certificates", str(tmp_path), "--server", f"proxy:{HERE}:other,{host}"]
    )
    assert isinstance(told.exception, InvalidInput)
    assert [fault.pointer for fault in told.exception.faults] == ["--server"]
    assert list(tmp_path.iterdir()) == []


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    make_certificates(tmp_path, [SERVER])
    for path in (tmp_path / "server" / "key.pem", tmp_path / "authority" / "key.pem"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "ca" / "ca.pem").stat().st_mode & 0o777 == 0o644


def test_what_finds_no_room_is_told_by_its_name_and_made_later(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="File too large") as full, room_for(10):
        make_certificates(tmp_path, [SERVER])
    assert full.value.filename == str(tmp_path / "authority" / "key.pem")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert make_certificates(tmp_path, [SERVER]) == ["ca", "server"]


@pytest.mark.skipif(HERE != 0, reason="root alone gives files away")
def test_a_key_is_given_to_the_account_that_runs_the_server(tmp_path: Path) -> None:
    make_certificates(tmp_path, [CertifiedServer("redis", 999, ("redis",))])
    assert (tmp_path / "redis" / "key.pem").stat().st_uid == 999


def test_what_ends_soon_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as brief:
        brief.setattr(certificates, "LASTS", timedelta(days=89))
        make_certificates(tmp_path, [SERVER])
    assert make_certificates(tmp_path, [SERVER]) == ["server"]
    assert make_certificates(tmp_path, [SERVER]) == []


def test_a_new_authority_makes_all_again(tmp_path: Path) -> None:
    make_certificates(tmp_path, [SERVER])
    (tmp_path / "authority" / "key.pem").unlink()
    assert make_certificates(tmp_path, [SERVER]) == ["ca", "server"]


def test_what_broke_off_between_key_and_certificate_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_certificates(tmp_path, [SERVER])
    (tmp_path / "server" / "key.pem").touch()
    write = certificates._write

    def write_keys_alone(path: Path, content: bytes, mode: int, owner: int | None = None) -> None:
        if path.name != "key.pem":
            raise OSError("no room left")
        write(path, content, mode, owner)

    moved = CertifiedServer("server", HERE, ("elsewhere",))
    with monkeypatch.context() as broken:
        broken.setattr(certificates, "_write", write_keys_alone)
        with pytest.raises(OSError, match="no room"):
            make_certificates(tmp_path, [moved])
    assert make_certificates(tmp_path, [SERVER]) == ["server"]
    assert shake_hands(tmp_path, "plans.example") == "TLSv1.3"


def shake_hands(folder: Path, host: str, *, ca: Path | None = None) -> str | None:
    """Show the server's certificate to a client who believes the authority; the version spoken."""
    showing = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    showing.load_cert_chain(folder / "server" / "cert.pem", folder / "server" / "key.pem")
    believing = ssl.create_default_context(cafile=ca or folder / "ca" / "ca.pem")
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = showing.wrap_bio(there, back, server_side=True)
    client = believing.wrap_bio(back, there, server_hostname=host)
    for side in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return client.version()


@pytest.mark.parametrize("host", ["plans.example", "127.0.0.1"])
def test_clients_who_know_the_authority_believe_the_server(tmp_path: Path, host: str) -> None:
    make_certificates(tmp_path, [SERVER])
    assert shake_hands(tmp_path, host) == "TLSv1.3"


def test_nobody_believes_another_name_or_authority(tmp_path: Path) -> None:
    make_certificates(tmp_path, [SERVER])
    make_certificates(tmp_path / "another", [SERVER])
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(tmp_path, "localhost")
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        shake_hands(tmp_path, "plans.example", ca=tmp_path / "another" / "ca" / "ca.pem")


@pytest.mark.parametrize(
    "told", ["", "redis", "redis:999", "redis:999:", "../x:999:redis", "a:b:c"]
)
def test_a_server_is_told_by_name_owner_and_hosts(told: str) -> None:
    with pytest.raises(InvalidInput, match="name:owner:host"):
        CertifiedServer.parse(told)
    assert CertifiedServer.parse("proxy:101:localhost,::1").hosts == ("localhost", "::1")


def test_the_command_makes_them(tmp_path: Path) -> None:
    command = ["certificates", str(tmp_path), "--server", f"redis:{HERE}:redis"]
    first, again = (CliRunner().invoke(app, command) for _ in range(2))
    assert first.stdout.startswith("made: ca, redis\n")
    assert again.stdout.startswith("made: nothing, all hold\n")
    assert str(tmp_path / "ca" / "ca.pem") in again.stdout


@pytest.mark.parametrize("name", ["ca/ca.pem", "authority/key.pem", "server/cert.pem"])
def test_what_is_damaged_is_named_and_made_anew_once_it_is_gone(tmp_path: Path, name: str) -> None:
    make_certificates(tmp_path, [SERVER])
    (tmp_path / name).write_text("half of it")
    with pytest.raises(InvalidInput, match=f"{name} is nothing this command has made"):
        make_certificates(tmp_path, [SERVER])
    (tmp_path / name).unlink()
    assert "server" in make_certificates(tmp_path, [SERVER])
