"""What the services' user may do in Redis: what they do, and nothing else."""

import asyncio
import os
import re
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import yaml
from redis.asyncio import Redis
from redis.exceptions import (
    AuthenticationError,
    ConnectionError,
    NoPermissionError,
    ResponseError,
    TimeoutError,
)

from shanhai.certificates import CertifiedServer, make_certificates
from shanhai.local.servers import ACCESS, ADMINISTRATOR, REDIS_USER, PrivateRedis
from tests.support.serving import PATIENCE_S
from tests.support.workers import free_port

ROOT = Path(__file__).parents[3]
START = str(ROOT / "deploy/redis/start.sh")
PASSWORD = "Y7mbqaGh2n"


@pytest.fixture
async def ours(redis_url: str) -> AsyncIterator[Redis]:
    """A client as the services have it."""
    client: Redis = Redis.from_url(redis_url)
    yield client
    await client.aclose()


async def test_the_services_are_a_user_with_a_name(ours: Redis) -> None:
    assert await ours.ping()
    assert await ours.acl_whoami() == REDIS_USER


@pytest.mark.parametrize(
    "command",
    [
        "FLUSHALL",
        "FLUSHDB",
        "CONFIG GET requirepass",
        "CONFIG SET maxmemory 1",
        "KEYS *",
        "SCAN 0",
        "ACL LIST",
        "ACL SETUSER default on",
        "CLIENT LIST",
        "SLOWLOG GET",
        "MONITOR",
        "SAVE",
        "SHUTDOWN NOSAVE",
        "REPLICAOF 127.0.0.1 1",
        "MODULE LIST",
        "FUNCTION FLUSH",
        "SCRIPT FLUSH",
        "PUBLISH shanhai:x y",
        "GET foreign",
        "SET foreign 1",
    ],
)
async def test_they_may_do_nothing_but_their_work(ours: Redis, command: str) -> None:
    with pytest.raises(NoPermissionError):
        await ours.execute_command(*command.split(" "))  # type: ignore[no-untyped-call]  # redis-py has no types here


async def test_a_script_may_no_more_than_they(ours: Redis) -> None:
    asked = ours.eval("return redis.call('SET', 'foreign', 1)", 0)
    assert not isinstance(asked, str)
    with pytest.raises(ResponseError, match="can't access"):
        await asked


@pytest.mark.parametrize(
    "login", ["", ":{password}@", "default:{password}@", f"{REDIS_USER}:guess@"]
)
async def test_nobody_else_gets_in(private_redis: PrivateRedis, login: str) -> None:
    """Neither without a name, nor under the one Redis gives, even with our password."""
    login = login.format(password=private_redis.password)
    client: Redis = Redis.from_url(f"redis://{login}127.0.0.1:{private_redis.port}/0")
    try:
        with pytest.raises(AuthenticationError):
            await client.ping()
    finally:
        await client.aclose()


async def test_the_administrator_has_another_password(private_redis: PrivateRedis) -> None:
    assert private_redis.password not in private_redis.administrator_url()
    client: Redis = Redis.from_url(private_redis.administrator_url())
    try:
        assert await client.acl_whoami() == ADMINISTRATOR
        assert {entry.split()[1] for entry in await client.acl_list() if " on " in entry} == {
            REDIS_USER,
            ADMINISTRATOR,
        }
    finally:
        await client.aclose()


def test_the_compose_file_and_the_documentation_give_the_same_access() -> None:
    given = (ROOT / "deploy/redis/start.sh").read_text("utf-8").splitlines()
    assert "user default off" in given
    [line] = [line for line in given if line.startswith(f"user {REDIS_USER} ")]
    assert line.endswith(f" {ACCESS}")
    written = " ".join((ROOT / "docs/operations.md").read_text("utf-8").split())
    assert ACCESS in written


@pytest.fixture
def composed(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Start Redis as the compose file does; the URL of a user who has this password."""
    port = free_port()
    process = subprocess.Popen(
        [START, "--bind", "127.0.0.1", "--port", str(port)],
        env={"PATH": os.environ["PATH"], "SHANHAI_REDIS_PASSWORD": PASSWORD},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    )
    yield lambda user: f"redis://{user}:{PASSWORD}@127.0.0.1:{port}/0"
    process.terminate()
    process.wait(10)


@pytest.fixture
def composed_with_tls(tmp_path: Path) -> Iterator[str]:
    """Start Redis with what the compose file says of TLS; its URL as the services have it."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    make_certificates(tmp_path, [CertifiedServer("redis", os.geteuid(), ("localhost",))])
    port, told = free_port(), compose["services"]["redis"]["command"][2:]
    here = {"6379": str(port), "/etc/shanhai/tls": str(tmp_path / "redis")}
    process = subprocess.Popen(
        [START, "--bind", "127.0.0.1", *(replace_all(word, here) for word in told)],
        env={"PATH": os.environ["PATH"], "SHANHAI_REDIS_PASSWORD": PASSWORD},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    )
    url = compose["services"]["api"]["environment"]["SHANHAI_REDIS_URL"]
    yield replace_all(
        re.sub(r"\$\{SHANHAI_REDIS_PASSWORD[^}]*\}", PASSWORD, url),
        {"@redis:6379": f"@localhost:{port}", "/var/lib/shanhai/ca": str(tmp_path / "ca")},
    )
    process.terminate()
    process.wait(10)


def replace_all(text: str, replaced: dict[str, str]) -> str:
    for before, after in replaced.items():
        text = text.replace(before, after)
    return text


async def test_redis_of_the_compose_file_speaks_tls_alone(
    composed_with_tls: str, tmp_path: Path
) -> None:
    make_certificates(tmp_path / "another", [])
    async with Redis.from_url(composed_with_tls) as client:
        await reachable(client)
    plain = composed_with_tls.replace("rediss:", "redis:").partition("?")[0]
    async with Redis.from_url(plain, socket_timeout=1) as client:
        with pytest.raises((ConnectionError, TimeoutError)):
            await client.ping()
    for wrong in (
        {str(tmp_path / "ca"): str(tmp_path / "another" / "ca")},
        {"@localhost": "@127.0.0.1"},  # not a name of the certificate
    ):
        async with Redis.from_url(replace_all(composed_with_tls, wrong)) as client:
            with pytest.raises(ConnectionError, match="certificate verify failed"):
                await client.ping()


async def reachable(client: Redis) -> None:
    """Wait until the server that was just started answers."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            await client.ping()
            return
        except ConnectionError:
            assert time.monotonic() < end, "Redis does not answer"
            await asyncio.sleep(0.05)


async def test_redis_of_the_compose_file_lets_nobody_but_the_services_in(
    composed: Callable[[str], str],
) -> None:
    async with Redis.from_url(composed(REDIS_USER)) as client:
        await reachable(client)
        assert await client.acl_whoami() == REDIS_USER
        with pytest.raises(NoPermissionError):
            await client.flushall()
    for stranger in ("", "default"):
        async with Redis.from_url(composed(stranger)) as client:
            with pytest.raises(AuthenticationError):
                await client.ping()


def test_redis_of_the_compose_file_needs_a_password(tmp_path: Path) -> None:
    done = subprocess.run(
        [START, "--port", "0"],
        env={"PATH": os.environ["PATH"]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode != 0
    assert "SHANHAI_REDIS_PASSWORD: set a password" in done.stderr
