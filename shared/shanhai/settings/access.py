"""Who may come in, how much they may ask, and how it is recorded."""

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shanhai.settings.values import LOOPBACK
from shanhai.vocabulary import Role

ASYMMETRIC = frozenset(
    {
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512", "EdDSA"),
    }
)
"""Signature algorithms whose verifiers cannot sign."""


class AuditSettings(BaseSettings):
    """How workers look after the audit log."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_AUDIT_", frozen=True)

    every_s: float = Field(
        3600.0, ge=1, le=86400, description="seconds between looks whether the chain is whole"
    )
    heads: Path | None = Field(
        None,
        description="file to which the signed head of the chain is added each time; keep it, or"
        " copies of it, where who can change the database cannot; none: heads are not written",
    )
    key_file: Path | None = Field(
        None, description="file with the private key (Ed25519, PEM) heads are signed with"
    )

    @model_validator(mode="after")
    def check_key(self) -> Self:
        """Heads are signed or not written."""
        if self.heads is not None and self.key_file is None:
            raise ValueError("SHANHAI_AUDIT_HEADS needs SHANHAI_AUDIT_KEY_FILE")
        return self


class OidcSettings(BaseSettings):
    """Whose tokens are accepted beside API keys (OpenID Connect)."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_OIDC_", frozen=True)

    issuer: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="issuers, comma separated; none: only API keys are accepted"
    )
    audience: str = Field("", description="audience that tokens must name; needed with an issuer")
    allowed_algorithms: Annotated[tuple[str, ...], NoDecode] = Field(
        ("RS256", "PS256", "ES256", "EdDSA"),
        description="signature algorithms, asymmetric ones only, comma separated",
    )
    roles_claim: str = Field(
        "", description="claim that names groups, as `groups` or `realm_access.roles`"
    )
    roles: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="roles by group, comma separated: `group=role` or `group=role@region`",
    )
    admin_proof: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="values of `amr` or `acr`, comma separated, one of which the role admin needs",
    )
    leeway_s: int = Field(60, ge=0, le=300, description="seconds clocks may differ")
    allow_loopback_http: bool = Field(
        False, description="accept issuers on this machine without TLS; for development"
    )

    @field_validator("issuer", "allowed_algorithms", "roles", "admin_proof", mode="before")
    @classmethod
    def split_members(cls, value: object) -> object:
        """Accept `one,two`."""
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]

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
            if not parts.hostname or parts.scheme not in (
                {"https", "http"} if plain else {"https"}
            ):
                raise ValueError(f"issuer {url!r} must be an https URL")
        if self.issuer and not self.audience:
            raise ValueError("an audience is needed with an issuer")
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
