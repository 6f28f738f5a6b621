"""Whom the services may reach by themselves."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shanhai.errors import InvalidInput
from shanhai.http_egress import is_reachable, parse_target
from shanhai.settings import OidcSettings, OutgoingSettings

SETTINGS = OutgoingSettings(
    hosts=("hooks.example.org", "*.city.example", "ports.example:8443", "[2001:db8::1]:444"),
    http_hosts=("plain.example:8080",),
)
NOBODY = OutgoingSettings()


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org/in?token=x",
        "https://HOOKS.example.org:443/",
        "https://hooks.example.org./",
        "https://a.city.example",
        "https://a.b.city.example/x",
        "https://ports.example:8443/",
        "https://[2001:db8::1]:444/",
        "http://plain.example:8080/",
        "https://plain.example:8080/",
    ],
)
def test_listed(url: str) -> None:
    assert parse_target(url, SETTINGS).scheme in {"http", "https"}


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/",
        "https://hooks.example.org:8443/",
        "https://city.example/",
        "https://evilcity.example/",
        "https://hooks.example.org.evil.example/",
        "https://ports.example/",
        "https://hooks.example.org@evil.example/",
        "https://user:secret@hooks.example.org/",
        "https://hooks.example.org/#part",
        "https://hooks.example.org/\r\nX: y",
        "https://hooks.example.org/" + "x" * 2000,
        "https://hooks.example.org\\@evil.example/",
        "https:///x",
        "ftp://hooks.example.org/",
        "file:///etc/passwd",
        "//hooks.example.org/",
        "hooks.example.org",
        "https://hooks.example.org:99999/",
        "",
    ],
)
def test_not_listed(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_target(url, SETTINGS, pointer="/url")
    assert [fault.pointer for fault in caught.value.faults] == ["/url"]
    assert caught.value.message_zh != caught.value.message


def test_nothing_is_listed_by_itself() -> None:
    with pytest.raises(InvalidInput, match="SHANHAI_OUTGOING_HOSTS"):
        parse_target("https://hooks.example.org/", NOBODY)


def test_issuers_are_trusted() -> None:
    oidc = OidcSettings(issuer=("https://login.example/realm",), audience="x")
    found = parse_target("https://login.example/keys", NOBODY.trusting(oidc))
    assert found.host == "login.example"
    near = OidcSettings(
        issuer=("http://127.0.0.1:99/realm",), audience="x", allow_loopback_http=True
    )
    trusting = NOBODY.trusting(near)
    assert parse_target("http://127.0.0.1:99/keys", trusting).port == 99
    assert is_reachable(ip_address("127.0.0.1"), trusting)
    assert not is_reachable(ip_address("127.0.0.1"), NOBODY.trusting(oidc))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8"])
def test_public_addresses(address: str) -> None:
    assert is_reachable(ip_address(address), NOBODY)


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "127.9.9.9"),
        *("0.0.0.0", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1"),  # noqa: S104 - addresses
        *("::", "::1", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "ff0e::1", "2001:db8::1"),
        *("::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "::ffff:169.254.169.254"),
    ],
)
def test_addresses_inside(address: str) -> None:
    assert not is_reachable(ip_address(address), NOBODY)
    everything = OutgoingSettings.model_validate({"networks": "0.0.0.0/0,::/0"})
    assert is_reachable(ip_address(address), everything)


@given(st.ip_addresses(v=4))
def test_disguised_addresses_are_judged_alike(address: IPv4Address) -> None:
    reachable = is_reachable(address, NOBODY)
    number = int(address)
    for disguise in (0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80):
        assert is_reachable(IPv6Address(disguise), NOBODY) == reachable


@pytest.mark.parametrize(
    "entry", ["*", "*.", "https://x", "x/y", "a b", "a@b", "x:0", "x:70000", "x:", "a*.b", "[::1"]
)
def test_entries_that_mean_nothing(entry: str) -> None:
    with pytest.raises(ValidationError):
        OutgoingSettings.model_validate({"hosts": (entry,)})
