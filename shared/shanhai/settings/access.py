"""Who may come in, how much they may ask, and whom the services reach by themselves."""

import re
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shanhai.validation import Network, OptionalPath
from shanhai.vocabulary import Role

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
SHORTEST_SECRET = 32
Port = Annotated[int, Field(ge=1, le=65535)]


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return list(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))


Item = TypeVar("Item")
CommaSeparated = Annotated[tuple[Item, ...], NoDecode, BeforeValidator(_split)]
"""Several values, comma separated, each once."""


def _check_length(secret: SecretStr) -> SecretStr:
    if 0 < len(secret.get_secret_value()) < SHORTEST_SECRET:
        raise ValueError(f"the secret must have at least {SHORTEST_SECRET} characters")
    return secret


LongSecret = Annotated[SecretStr, AfterValidator(_check_length)]
"""What nobody can guess, or nothing."""


ASYMMETRIC = frozenset(
    {
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512", "EdDSA"),
    }
)
"""Signature algorithms whose verifiers cannot sign."""


Suite = Literal["international", "commercial"]
"""Choices of cryptography; see `shanhai.crypto`."""


class SecretSettings(BaseSettings):
    """Settings with secrets: what is wrong with one is told without its value."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)


class CryptoSettings(BaseSettings):
    """What is made new is hashed, sealed and signed with; what there is is read under either."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_CRYPTO_", frozen=True)

    suite: Suite = Field(
        "international",
        description="SHA-256, AES-256-GCM and Ed25519, or 商用密码: SM3, SM4-GCM and SM2; the same"
        " for API, worker, tiles and `shanhai db upgrade`",
    )


class AuditSettings(BaseSettings):
    """How workers look after the audit log."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_AUDIT_", frozen=True)

    every_s: float = Field(
        3600.0, ge=1, le=86400, description="seconds between looks whether the chain is whole"
    )
    heads: OptionalPath = Field(
        None,
        description="file to which the signed head of the chain is added each time; keep it, or"
        " copies of it, where who can change the database cannot; none: heads are not written",
    )
    key_file: OptionalPath = Field(
        None,
        description="file with the private key (PEM) heads are signed with, Ed25519 or SM2; where"
        " there is none, a worker makes it, and the public key beside the heads",
    )
    public_key_file: OptionalPath = Field(
        None,
        description="file with the public key, for `shanhai doctor` where the private one is not;"
        " none: that which lies beside the heads",
    )

    syslog: str = Field(
        "",
        description="collector that workers send the audit log to by syslog (RFC 5424, 5425), as"
        " `tls://logs.example.org:6514`, or `tcp://127.0.0.1:601` on this machine; none: not sent",
    )
    syslog_ca: OptionalPath = Field(
        None,
        description="certificate of the authority the collector is trusted by; none: the system's",
    )
    syslog_cert: OptionalPath = Field(
        None,
        description="file with a certificate and its key (PEM) to show the collector; none: none",
    )

    syslog_answers: bool = Field(
        True,
        description="the collector answers the alert that closes a connection, as RFC 5425 demands;"
        " false for one that only closes it: then it is believed to have read what was sent",
    )

    @field_validator("syslog")
    @classmethod
    def check_collector(cls, url: str) -> str:
        """Who did what is not sent in the clear, but to this machine."""
        parts = urlsplit(url)
        known = {"tls", "tcp"} if parts.hostname in LOOPBACK else {"tls"}
        bare = not (parts.path or parts.query or parts.fragment or parts.username)
        if url and (parts.scheme not in known or not parts.hostname or not bare or parts.port == 0):
            raise ValueError(f"{url!r} must read tls://host:port, or tcp:// on this machine")
        return url

    @model_validator(mode="after")
    def check_key(self) -> Self:
        """Heads are signed or not written, and nobody believes unsigned ones."""
        if self.heads is not None and self.key_file is None and self.public_key_file is None:
            raise ValueError("SHANHAI_AUDIT_HEADS needs SHANHAI_AUDIT_KEY_FILE")
        return self

    @property
    def public_key(self) -> Path | None:
        """The file with the public key; None without heads."""
        if self.public_key_file is not None or self.heads is None:
            return self.public_key_file
        return self.heads.with_name("heads.pub")


class KeySettings(BaseSettings):
    """For how long API keys are valid."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_KEYS_", frozen=True)

    days: int = Field(
        365, ge=1, le=36_500, description="days a key is valid of which nothing else is said"
    )
    admin_days: int = Field(
        90, ge=1, le=36_500, description="the same of keys with the scope admin"
    )
    longest_days: int = Field(
        1_096,
        ge=1,
        le=36_500,
        description="days after which every key must have ended; whoever asks for more is refused",
    )

    def usual_end(self, *, admin: bool) -> datetime:
        """When a key that is made now ends, where nobody says."""
        days = min(self.admin_days if admin else self.days, self.longest_days)
        return datetime.now(UTC) + timedelta(days=days)


class OidcSettings(SecretSettings):
    """Whose tokens are accepted beside API keys (OpenID Connect)."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_OIDC_")

    issuer: CommaSeparated[str] = Field(
        (), description="issuers, comma separated; none: only API keys are accepted"
    )
    audience: str = Field("", description="audience that tokens must name; needed with an issuer")
    allowed_algorithms: CommaSeparated[str] = Field(
        ("RS256", "PS256", "ES256", "EdDSA"),
        description="signature algorithms, asymmetric ones only, comma separated",
    )
    roles_claim: str = Field(
        "", description="claim that names groups, as `groups` or `realm_access.roles`"
    )
    roles: CommaSeparated[str] = Field(
        (),
        description="roles by group, comma separated: `group=role` or `group=role@region`",
    )
    admin_proof: CommaSeparated[str] = Field(
        (),
        description="values of `amr` or `acr`, comma separated, one of which the role admin needs",
    )
    client_id: str = Field(
        "",
        description="client that people sign in by with a browser (code flow with PKCE); none:"
        " issuers only give tokens to programs",
    )
    client_secret: SecretStr = Field(
        SecretStr(""), description="secret of that client; none: it is a public one"
    )
    token_types: CommaSeparated[str] = Field(
        ("at+jwt",),
        description="values of the header `typ` by which access tokens are known (RFC 9068), comma"
        " separated; `at+jwt,JWT` for issuers that do not tell them from others by it",
    )
    clients: CommaSeparated[str] = Field(
        (),
        description="clients whose tokens are accepted, by `azp` or `client_id`, comma separated;"
        " none: those of every client",
    )
    leeway_s: int = Field(60, ge=0, le=300, description="seconds clocks may differ")
    allow_loopback_http: bool = Field(
        False, description="accept issuers on this machine without TLS; for development"
    )

    @field_validator("token_types")
    @classmethod
    def check_types(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        """Some token must be accepted; types of media are the same in any case (RFC 7515)."""
        if not names:
            raise ValueError("must name a type, as at+jwt")
        return tuple(name.lower().removeprefix("application/") for name in names)

    @field_validator("allowed_algorithms")
    @classmethod
    def check_asymmetric(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        """A secret shared with an issuer would let us make its tokens; `none` lets anyone."""
        for name in names:
            if name not in ASYMMETRIC:
                raise ValueError(f"{name} is not one of {', '.join(sorted(ASYMMETRIC))}")
        return names

    @field_validator("roles")
    @classmethod
    def check_roles(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        """Every entry names a group and a role there is; admin has no region."""
        for entry in entries:
            group, _, given = entry.rpartition("=")
            role, at, region = given.partition("@")
            if not group or role not in set(Role) or bool(at) != bool(region):
                raise ValueError(f"{entry!r} must read group=role or group=role@region")
            if role == Role.ADMIN and region:
                raise ValueError(f"{entry!r}: admin cannot be limited to a region")
        return entries

    @model_validator(mode="after")
    def check_issuers(self) -> Self:
        """Issuers are reached safely, and tokens must be meant for us."""
        for url in self.issuer:
            parts = urlsplit(url)
            plain = self.allow_loopback_http and parts.hostname in LOOPBACK
            schemes = {"https", "http"} if plain else {"https"}
            # Signs that no address has: several that have no commas between them would be one.
            if not parts.hostname or parts.scheme not in schemes or re.search(r"[;\s]", url):
                raise ValueError(f"SHANHAI_OIDC_ISSUER: {url!r}: no https URL; commas part several")
        if self.issuer and not self.audience:
            raise ValueError("SHANHAI_OIDC_ISSUER needs an audience, SHANHAI_OIDC_AUDIENCE")
        if self.roles and not self.roles_claim:
            raise ValueError("roles by group need SHANHAI_OIDC_ROLES_CLAIM, which names the groups")
        return self


class RateSettings(BaseSettings):
    """How much one caller may ask in a while; most requests cost 1, large ones more."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_RATE_", frozen=True)

    identity: int = Field(
        20_000, ge=0, le=10**9, description="cost an identity may cause per window; 0: no limit"
    )
    anonymous: int = Field(
        10_000,
        ge=0,
        le=10**9,
        description="cost an address without identity may cause; 0: no limit",
    )
    total: int = Field(
        0, ge=0, le=10**9, description="cost all callers together may cause; 0: no limit"
    )
    window_s: float = Field(
        10.0, ge=1, le=3600, description="seconds in which a spent allowance is whole again"
    )
    sync_s: float = Field(
        1.0, ge=0.05, le=60, description="seconds between comparisons of processes through Redis"
    )


class ParticipationSettings(SecretSettings):
    """How the public takes part: what keeps floods away, and how long contacts are kept."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_PARTICIPATION_")

    secret: LongSecret = Field(
        SecretStr(""),
        description="what challenges are signed with, at least 32 characters, the same for all"
        " processes of the API; none: only accounts can comment",
    )
    work_bits: int = Field(
        20,
        ge=1,
        le=40,
        description="zero bits a proof of work needs; each more doubles the work, 20 take a"
        " second or so",
    )
    challenge_s: int = Field(
        600, ge=10, le=86_400, description="seconds in which a challenge must be solved and used"
    )
    per_address: int = Field(
        20,
        ge=0,
        le=10**6,
        description="comments, complaints and photos of an address per window; 0: no limit",
    )
    per_notice: int = Field(
        2_000, ge=0, le=10**6, description="comments on a notice per window; 0: no limit"
    )
    window_s: float = Field(3600.0, ge=1, le=86_400, description="seconds of that window")
    retention_days: int = Field(
        365,
        ge=1,
        le=3650,
        description="days for which contacts are kept after a notice or from a complaint on; the"
        " shortest that is needed (Personal Information Protection Law, art. 19)",
    )


LOOPBACK_NETWORKS = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
HOST = re.compile(
    r"((\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*"
    r"|\[[0-9a-f:.]+\])(:[0-9]{1,5})?",
    re.ASCII | re.IGNORECASE,
)
"""A name, or an IPv6 address in brackets, and a port."""
MAIL_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*",
    re.ASCII,
)
"""An address without a name or comment, that cannot be more than one."""


class OutgoingSettings(BaseSettings):
    """Whom the services may ask or tell something by themselves."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_OUTGOING_", frozen=True)

    hosts: CommaSeparated[str] = Field(
        (),
        description="hosts that may be reached by https, comma separated: `hooks.example.org`,"
        " `*.example.org`, with `:port` where it is not the usual one; none: only token issuers,"
        " and for tiles the provider of background maps",
    )
    http_hosts: CommaSeparated[str] = Field(
        (),
        description="hosts, written alike, that may also be reached without TLS; for closed"
        " networks and development",
    )
    networks: CommaSeparated[Network] = Field(
        (),
        description="networks inside that may be reached, comma separated; none: only addresses"
        " of the public internet",
    )
    tls_ca: OptionalPath = Field(
        None,
        description="file with certificates of authorities that are trusted beside the usual ones",
    )
    timeout_s: float = Field(
        5.0, ge=0.1, le=60, description="seconds until a request must have been answered"
    )

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

    def reaching(self, url: str) -> Self:
        """These settings, with the host of an address that the operator has named, by https."""
        return self.model_copy(update={"hosts": (*self.hosts, urlsplit(url).netloc)})


class SignInSettings(SecretSettings):
    """How people sign in with a browser: sessions, passwords and second factors."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_SIGN_IN_")

    secret: LongSecret = Field(
        SecretStr(""),
        description="what second factors are encrypted with, at least 32 characters, the same for"
        " all processes of the API; none: nobody signs in with a browser",
    )
    plain_cookie: bool = Field(
        False,
        description="keep sessions in a cookie `shanhai` without `Secure` where SHANHAI_API_URL is"
        " http on this machine; for development: browsers keep `__Host-` cookies for https alone",
    )
    idle_s: int = Field(
        1800, ge=60, le=86_400, description="seconds without a request after which a session ends"
    )
    longest_s: int = Field(
        43_200, ge=300, le=30 * 86_400, description="seconds after which any session ends"
    )
    second_factor: Literal["none", "admin", "all"] = Field(
        "admin", description="whose accounts of our own need a second factor"
    )
    lock_after: int = Field(
        5,
        ge=2,
        le=100,
        description="failures of a name from one address, or of one second factor, after which"
        " more are refused for a while",
    )
    lock_address_after: int = Field(
        30, ge=2, le=10_000, description="failures from one address, of whatever names"
    )
    lock_account_after: int = Field(
        100,
        ge=2,
        le=100_000,
        description="failures of a name from all addresses; those it had sessions from stay open",
    )
    lock_s: int = Field(
        900, ge=10, le=86_400, description="seconds for which failures count, and a lock lasts"
    )
    password_length: int = Field(
        12, ge=8, le=64, description="least number of characters of a password"
    )
    password_classes: int = Field(
        3,
        ge=1,
        le=4,
        description="of small letters, capitals, digits and other characters, how many kinds a"
        " password has at least",
    )
    password_history: int = Field(
        5, ge=0, le=24, description="former passwords that cannot be taken again"
    )
    password_days: int = Field(
        90, ge=0, le=3650, description="days after which a password must be changed; 0: never"
    )
    link_hours: int = Field(
        24, ge=1, le=24 * 14, description="hours for which a one-time link is good"
    )

    @property
    def cookie(self) -> str:
        """The name of the cookie."""
        return "shanhai" if self.plain_cookie else "__Host-shanhai"


class WebhookSettings(SecretSettings):
    """How webhooks are kept."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_WEBHOOKS_")

    secret: LongSecret = Field(
        SecretStr(""),
        description="what the secrets of webhooks are encrypted with, at least 32 characters, the"
        " same for API and worker; none: there are no webhooks",
    )


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
    tls_ca: OptionalPath = Field(
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
