"""Whom the services reach by themselves, and how."""

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shanhai.settings.access import OidcSettings
from shanhai.settings.values import LOOPBACK, SHORTEST_SECRET, Port

LOOPBACK_NETWORKS = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
HOST = re.compile(
    r"((\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*"
    r"|\[[0-9a-f:.]+\])(:[0-9]{1,5})?",
    re.ASCII | re.IGNORECASE,
)
"""A name, or an IPv6 address in brackets, and a port."""
MAIL_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII
)
"""An address without a name or comment, that cannot be more than one."""


class OutgoingSettings(BaseSettings):
    """Whom the services may ask or tell something by themselves."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_OUTGOING_", frozen=True)

    hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="hosts that may be reached by https, comma separated: `hooks.example.org`,"
        " `*.example.org`, with `:port` where it is not the usual one; none: only token issuers",
    )
    http_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="hosts, written alike, that may also be reached without TLS; for closed"
        " networks and development",
    )
    networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="networks inside that may be reached, comma separated; none: only addresses"
        " of the public internet",
    )
    tls_ca: Path | None = Field(
        None,
        description="file with certificates of authorities that are trusted beside the usual ones",
    )
    timeout_s: float = Field(
        5.0, ge=0.1, le=60, description="seconds until a request must have been answered"
    )

    @field_validator("hosts", "http_hosts", "networks", mode="before")
    @classmethod
    def split_members(cls, value: object) -> object:
        """Accept `one,two`."""
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]

    @field_validator("hosts", "http_hosts")
    @classmethod
    def check_hosts(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        """Names or addresses, not URLs; a star stands for whole levels, and not for everything."""
        for entry in entries:
            if not HOST.fullmatch(entry) or urlsplit(f"//{entry}").port == 0:
                raise ValueError(f"{entry!r} must read host, *.suffix, host:port or [address]:port")
        return entries

    def trusting(self, oidc: OidcSettings) -> Self:
        """These settings, with the issuers of tokens that the operator has named."""
        issuers = [urlsplit(url) for url in oidc.issuer]
        near = [parts.netloc for parts in issuers if parts.scheme == "http"]
        return self.model_copy(
            update={
                "hosts": (*self.hosts, *(parts.netloc for parts in issuers)),
                "http_hosts": (*self.http_hosts, *near),
                "networks": (*self.networks, *(LOOPBACK_NETWORKS if near else ())),
            }
        )


class WebhookSettings(BaseSettings):
    """How webhooks are kept."""

    model_config = SettingsConfigDict(
        env_prefix="SHANHAI_WEBHOOKS_", frozen=True, hide_input_in_errors=True
    )

    secret: SecretStr = Field(
        SecretStr(""),
        description="what the secrets of webhooks are encrypted with, at least 32 characters, the"
        " same for API and worker; none: there are no webhooks",
    )

    @field_validator("secret")
    @classmethod
    def check_length(cls, secret: SecretStr) -> SecretStr:
        """A secret that can be guessed would open every other."""
        if 0 < len(secret.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(f"the secret must have at least {SHORTEST_SECRET} characters")
        return secret


class SmtpSettings(BaseSettings):
    """Through which server mail is sent to people."""

    # What is wrong together is told without what was given: there are secrets in it.
    model_config = SettingsConfigDict(
        env_prefix="SHANHAI_SMTP_", frozen=True, hide_input_in_errors=True
    )

    host: str = Field("", description="mail server; none: no mail is sent")
    port: Port = Field(587, description="port of the mail server; 465 is usual with tls")
    tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="how the way to the server is secured: from the greeting on, or all"
    )
    tls_ca: Path | None = Field(
        None,
        description="certificate of the authority the server is trusted by; none: the system's",
    )
    user: str = Field("", description="name shown to the server; none: it asks for none")
    password: SecretStr = Field(SecretStr(""), description="password of that name")
    sender: str = Field("", description="address that mail comes from; needed with a host")
    timeout_s: float = Field(
        20.0, ge=1, le=40, description="seconds until a mail must have been handed over"
    )
    link_secret: SecretStr = Field(
        SecretStr(""),
        description="what links to unsubscribe are signed with, at least 32 characters, the same"
        " for API and worker; needed with a host",
    )

    @model_validator(mode="after")
    def check_together(self) -> Self:
        """A host has all it needs, and no password travels in the clear."""
        if bool(self.user) != bool(self.password.get_secret_value()):
            raise ValueError("user and password are given together or not at all")
        if not self.host:
            return self
        if not MAIL_ADDRESS.fullmatch(self.sender):
            raise ValueError("a mail server needs SHANHAI_SMTP_SENDER, an address as a@b.cn")
        if len(self.link_secret.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(
                f"SHANHAI_SMTP_LINK_SECRET must have at least {SHORTEST_SECRET} characters"
            )
        if self.tls == "none" and self.user and self.host not in LOOPBACK:
            raise ValueError("a password needs starttls or tls: it would travel in the clear")
        return self
