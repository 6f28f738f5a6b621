"""Settings that could not work are refused by the name of their variable."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from shanhai.cli.kit import faults_of
from shanhai.db.features.crs import known_systems
from shanhai.settings import (
    ArtifactSettings,
    AuditSettings,
    DatabaseSettings,
    Hj212Settings,
    OutgoingSettings,
    PublicSettings,
    RedisSettings,
    WorkerSettings,
)

DATABASE = {"SHANHAI_DATABASE_URL": "postgresql://u:p@localhost/d"}


@pytest.mark.parametrize(
    ("settings", "variables", "name"),
    [
        *(
            (DatabaseSettings, {**DATABASE, "SHANHAI_DATABASE_TIMEZONE": zone}, "TIMEZONE")
            for zone in ("Asia/Nowhere", "Asia", "../etc/passwd")
        ),
        (ArtifactSettings, {"SHANHAI_ARTIFACTS_ROOT": ""}, "ROOT"),
        *(
            (PublicSettings, {f"SHANHAI_{name}": url}, name)
            for name in ("API_URL", "TILES_URL", "TILES_INTERNAL_URL")
            for url in ("nonsense", "ftp://host", "https://", "https:///path", "https://h?a=b")
        ),
        (PublicSettings, {"SHANHAI_API_URL": ""}, "API_URL"),
        (PublicSettings, {"SHANHAI_CRS": "4490,999999"}, "SHANHAI_CRS"),
        (RedisSettings, {"SHANHAI_REDIS_URL": "http://redis"}, "URL"),
        (
            WorkerSettings,
            {"SHANHAI_WORKER_RENEW_S": "300", "SHANHAI_WORKER_LEASE_S": "1"},
            "SHANHAI_WORKER_RENEW_S",
        ),
        (WorkerSettings, {"SHANHAI_WORKER_LEASE_S": "5"}, "SHANHAI_WORKER_RENEW_S"),
    ],
)
def test_what_cannot_work_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
    settings: type[BaseSettings],
    variables: dict[str, str],
    name: str,
) -> None:
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as refused:
        settings()
    told = faults_of(refused.value)
    assert any(name in line for line in told), told


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (PublicSettings, "SHANHAI_TRUSTED_PROXIES"),
        (OutgoingSettings, "SHANHAI_OUTGOING_NETWORKS"),
        (Hj212Settings, "SHANHAI_HJ212_NETWORKS"),
    ],
)
def test_what_is_no_network_is_told_once(
    monkeypatch: pytest.MonkeyPatch, settings: type[BaseSettings], name: str
) -> None:
    for value, said in (("10.0.0.1/8", "has host bits set"), ("ten", "does not appear to be")):
        monkeypatch.setenv(name, f"192.168.0.0/16,{value}")
        with pytest.raises(ValidationError) as refused:
            settings()
        [told] = faults_of(refused.value)
        assert told.startswith(f"{name}.1: "), told
        assert value in told
        assert said in told


def test_an_empty_path_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HEADS", "KEY_FILE", "PUBLIC_KEY_FILE", "SYSLOG_CA"):
        monkeypatch.setenv(f"SHANHAI_AUDIT_{variable}", "")
    audit = AuditSettings()
    assert (audit.heads, audit.key_file, audit.public_key, audit.syslog_ca) == (None,) * 4
    monkeypatch.setenv("SHANHAI_AUDIT_PUBLIC_KEY_FILE", "/keys/heads.pub")
    assert AuditSettings().public_key == Path("/keys/heads.pub")


def test_addresses_that_work_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("http://localhost:8000", "https://[::1]:8443/api/"):
        monkeypatch.setenv("SHANHAI_API_URL", url)
        assert PublicSettings().api_url == url.rstrip("/")
    monkeypatch.setenv("SHANHAI_TILES_INTERNAL_URL", "")
    assert PublicSettings().tiles_internal_url == ""
    for url in ("", "redis://u:p@host:6379/0", "rediss://host", "unix:///run/redis.sock"):
        monkeypatch.setenv("SHANHAI_REDIS_URL", url)
        assert RedisSettings().address == (url or None)


def test_all_systems_of_features_may_be_published() -> None:
    numbers = {system.srid for system in known_systems().values()}
    assert PublicSettings.model_validate({"crs": tuple(numbers)}).crs == tuple(numbers)
