"""The whole stack of a checkout: servers, schema, services, environment, up, down, status."""

import asyncio
import fcntl
import secrets
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from shanhai.db import grants
from shanhai.db.engine import async_url
from shanhai.db.identity import RoleGiven
from shanhai.db.migrate import upgrade
from shanhai.db.queries import accounts, sign_ins
from shanhai.db.queries.keys import OPERATOR, create_key, verify_key
from shanhai.local.background import RunningProcess
from shanhai.local.places import CHECKOUT, Home, PortBook, SecretBook, write_whole
from shanhai.local.servers import PrivateBroker, PrivatePostgres, PrivateRedis, Surroundings
from shanhai.local.services import HOST, SERVICES, ArchiveProcess, ServiceProcess
from shanhai.settings import SignInSettings
from shanhai.vocabulary import Role, Scope

Part = ArchiveProcess | PrivateBroker | PrivatePostgres | PrivateRedis | ServiceProcess
OWN_ALLOWANCE = "10000000"
TOKEN_SECRET = "tile_token_secret"  # noqa: S105 - the name it is kept under
SIGN_IN_SECRET = "sign_in_secret"  # noqa: S105 - likewise
WEBHOOK_SECRET = "webhook_secret"  # noqa: S105 - likewise
BACKUP_URL = "SHANHAI_BACKUP_DATABASE_URL"
PARTICIPATION_SECRET = "participation_secret"  # noqa: S105 - likewise
BASEMAPS_TOKEN = "SHANHAI_BASEMAPS_TOKEN"  # noqa: S105 - likewise
OF_OTHERS: Mapping[str, tuple[str, ...]] = {
    "api": (BASEMAPS_TOKEN, BACKUP_URL),
    "worker": (
        *("SHANHAI_PARTICIPATION_SECRET", "SHANHAI_SIGN_IN_SECRET", BASEMAPS_TOKEN),
        BACKUP_URL,
    ),
    "tiles": (
        BACKUP_URL,
        *("SHANHAI_PARTICIPATION_SECRET", "SHANHAI_WEBHOOKS_SECRET", "SHANHAI_MQTT_URL"),
        "SHANHAI_SIGN_IN_SECRET",
    ),
    "backup": (
        *("SHANHAI_PARTICIPATION_SECRET", "SHANHAI_WEBHOOKS_SECRET", "SHANHAI_MQTT_URL"),
        *("SHANHAI_TILE_TOKENS_SECRET", "SHANHAI_REDIS_URL", "SHANHAI_SIGN_IN_SECRET"),
        BASEMAPS_TOKEN,
    ),
}
"""Secrets a process is not told."""
GATEWAY = "hj212"
RECEIVER = "receiver"


@dataclass(frozen=True, slots=True)
class PartStatus:
    """How one part of the stack fares."""

    name: str
    pid: int | None
    port: int | None
    healthy: bool
    uptime_s: float | None


class Stack:
    """PostgreSQL, Redis, a broker, API, tiles and worker of one home.

    A `bound` stack ends with the program that started it, and leaves the usual ports alone.
    """

    def __init__(self, home: Home, *, bound: bool = False) -> None:
        self.home = home
        self._bound = bound
        self.secrets = SecretBook(home.secrets)
        surroundings = Surroundings.of_home(home, bound=bound)
        self.postgres = PrivatePostgres(surroundings)
        self.redis = PrivateRedis(surroundings)
        self.broker = PrivateBroker(surroundings)
        self._ports = PortBook(home.ports)
        self.services = {spec.name: ServiceProcess(spec, home, bound=bound) for spec in SERVICES}
        self.archive = ArchiveProcess(home, bound=bound)

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return self._url("api")

    @property
    def tiles_url(self) -> str:
        """Where the tile service answers."""
        return self._url("tiles")

    @property
    def database_url(self) -> str:
        """Where the truth is, as the superuser, which no service is."""
        return self.postgres.url()

    @property
    def gateway_port(self) -> int:
        """Where devices push telegrams of HJ 212."""
        return self._reserved(GATEWAY, 8212)

    @property
    def receiver_port(self) -> int:
        """The one place webhooks of this stack may be sent to without TLS: a program beside it."""
        # Kept although it is taken: by the receiver itself, which others may have been told of.
        return self._ports.remembered(RECEIVER) or self._reserved(RECEIVER, 8099)

    def renew_receiver_port(self) -> None:
        """Choose another place where a program has it; before the stack's own receiver listens."""
        self._ports.choose(RECEIVER, None if self._bound else 8099)

    def up(self) -> None:
        """Start what is not running and wait until all of it is ready."""
        with self._alone():
            self._start_servers()
            for service in self.services.values():
                service.start(self.environment_of(service.spec.name))
            if self.archive.wanted:
                self.postgres.execute("ALTER SYSTEM SET archive_timeout = 60")
                self.postgres.execute("SELECT pg_reload_conf()")
                self.archive.start(self.environment_of("backup"))
            # Twice: where another program listens at a port, the service ends a moment after.
            for service in (*self.services.values(), *self.services.values()):
                service.wait_until_ready()

    def down(self) -> list[str]:
        """Stop everything, services first; nothing is left running. What was running, by name."""
        with self._alone():
            running = [part.name for part in self._parts() if part.process() is not None]
            for service in self.services.values():
                service.ask_to_stop()
            for service in self.services.values():
                service.stop()
            self.archive.stop()
            self.broker.stop()
            self.redis.stop()
            self.postgres.stop()
        return running

    def status(self) -> list[PartStatus]:
        """How each part fares."""
        return [_condition(part) for part in self._parts()]

    def _parts(self) -> list[Part]:
        parts: list[Part] = [self.postgres, self.redis, self.broker, *self.services.values()]
        if self.archive.wanted or self.archive.is_running():
            parts.append(self.archive)
        return parts

    def environment_of(self, process: str) -> dict[str, str]:
        """The settings one of its processes is started with: its account, and its secrets alone."""
        role = next(role for role in grants.ACCOUNTS if role == process)
        settings = {**self.environment(), "SHANHAI_DATABASE_URL": self._account_url(role)}
        settings |= {BACKUP_URL: self._account_url(role), "SHANHAI_API_KEY": ""}
        if role == "worker":
            settings["SHANHAI_AUDIT_KEY_FILE"] = str(self.home.path / "audit_key.pem")
        # Empty: whoever starts it may have them in a shell.
        return settings | dict.fromkeys(OF_OTHERS.get(role, ()), "")

    def environment(self) -> dict[str, str]:
        """The settings the services share, and commands of whoever started them: as the API's."""
        settings = {
            "SHANHAI_HOME": str(self.home.path),
            "SHANHAI_DATABASE_URL": self._account_url("api"),
            "SHANHAI_AUDIT_HEADS": str(self.home.path / "audit" / "heads.jsonl"),
            "SHANHAI_AUDIT_PUBLIC_KEY_FILE": str(self.home.path / "audit" / "heads.pub"),
            "SHANHAI_REDIS_URL": self.redis.url(),
            "SHANHAI_ARTIFACTS_ROOT": str(self.home.artifacts),
            "SHANHAI_WORKER_SCRATCH": str(self.home.scratch),
            "SHANHAI_PUBLIC_READ": "true",
            "SHANHAI_TILE_TOKENS_SECRET": self._secret(TOKEN_SECRET),
            "SHANHAI_WEBHOOKS_SECRET": self._secret(WEBHOOK_SECRET),
            "SHANHAI_PARTICIPATION_SECRET": self._secret(PARTICIPATION_SECRET),
            "SHANHAI_SIGN_IN_SECRET": self._secret(SIGN_IN_SECRET),
            # Without TLS, which browsers ask for elsewhere than on one's own machine.
            "SHANHAI_SIGN_IN_PLAIN_COOKIE": "true",
            "SHANHAI_OUTGOING_HTTP_HOSTS": f"{HOST}:{self.receiver_port}",
            "SHANHAI_OUTGOING_NETWORKS": f"{HOST}/32",
            "SHANHAI_MQTT_URL": self.broker.url(),
            "SHANHAI_HJ212_HOST": HOST,
            "SHANHAI_HJ212_PORT": str(self.gateway_port),
            # One's own machine: limits are kept, but nobody who measures it runs into them.
            "SHANHAI_RATE_IDENTITY": OWN_ALLOWANCE,
            "SHANHAI_RATE_ANONYMOUS": OWN_ALLOWANCE,
        }
        for service in self.services.values():
            settings[f"{service.spec.variable}HOST"] = HOST
            settings[f"{service.spec.variable}PORT"] = str(service.reserve_port())
        for service in (self.services["api"], self.services["tiles"]):
            # Nobody spreads requests here who would have to learn of a stop first.
            settings[f"{service.spec.variable}DRAIN_S"] = "0"
        return settings | {
            "SHANHAI_API_URL": self.api_url,
            "SHANHAI_TILES_URL": self.tiles_url,
        }

    def environment_of_shell(self) -> dict[str, str]:
        """Those, and what whoever started them may do besides: administer, and back up."""
        settings = self.environment()
        if self.home.path == (CHECKOUT / ".shanhai").resolve():
            del settings["SHANHAI_HOME"]  # which `make` of another checkout would follow
        return settings | {
            BACKUP_URL: self._account_url("backup"),
            "SHANHAI_API_KEY": admin_key(self),
        }

    def _start_servers(self) -> None:
        self.postgres.start()
        self.redis.start()
        self.broker.start()
        self.secrets.keep("postgres_password", self.postgres.password)
        self.secrets.keep("redis_password", self.redis.password)
        self.secrets.keep("broker_password", self.broker.password)
        passwords = {role: self._secret(f"database_{role}") for role in grants.ACCOUNTS}
        asyncio.run(grants.provision(self.postgres.url(), passwords))
        upgrade(self._account_url("owner"))

    def _account_url(self, role: grants.DatabaseRole) -> str:
        return self.postgres.account_url(grants.ACCOUNTS[role], self._secret(f"database_{role}"))

    def _secret(self, name: str) -> str:
        secret = self.secrets.get(name) or secrets.token_hex(32)
        self.secrets.keep(name, secret)
        return secret

    def _reserved(self, name: str, preferred: int) -> int:
        """The port the running worker was told, or a free one."""
        known = self._ports.remembered(name)
        if known is not None and self.services["worker"].process() is not None:
            self._ports.hold(known)
            return known
        return self._ports.choose(name, None if self._bound else preferred)

    def _url(self, name: str) -> str:
        return f"http://{HOST}:{self.services[name].reserve_port()}"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep two commands at the same time from doing the same work."""
        with (self.home.run / "stack.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _condition(part: Part) -> PartStatus:
    process: RunningProcess | None = part.process()
    if process is None:
        return PartStatus(part.name, None, None, healthy=False, uptime_s=None)
    uptime_s = max(0.0, time.time() - process.started_at)
    return PartStatus(part.name, process.pid, part.port, part.is_running(), uptime_s)


def write_environment(home: Path, settings: Mapping[str, str]) -> Path:
    """Keep settings as exports a shell can read, for the owner alone; it holds secrets."""
    path = home / "env"
    lines = (f"export {name}={shlex.quote(value)}\n" for name, value in sorted(settings.items()))
    write_whole(path, "".join(lines), mode=0o600)
    return path


ADMIN_KEY = "admin_key"


def admin_key(stack: Stack) -> str:
    """The stack's own key, which may do everything."""
    return asyncio.run(own_key(stack.database_url, stack.secrets))


VISITOR = "demo"
"""The name people sign in by to what the demonstration made."""


def sign_in_link(api_url: str, database_url: str) -> str:
    """A one-time link by which whoever runs the stack sets a password and signs in.

    The account is no administrator's, who would need a second factor first.
    """
    token = asyncio.run(_sign_in_token(database_url))
    return f"{api_url}/session/start?link={token}"


async def _sign_in_token(database_url: str) -> str:
    engine = create_async_engine(async_url(database_url))
    roles = [RoleGiven(role) for role in (Role.PLANNER, Role.APPROVER, Role.ANALYST)]
    try:
        async with AsyncSession(engine) as session, session.begin():
            holder = await accounts.find_holder(session, accounts.OWN, VISITOR)
            if holder is None:
                change = accounts.AccountChange(name="Demo", roles=roles)
                holder = await accounts.invite(
                    session, issuer=accounts.OWN, subject=VISITOR, change=change, act=OPERATOR
                )
            number = holder.account.id
            token, _ = await sign_ins.make_link(session, number, SignInSettings(), act=OPERATOR)
    finally:
        await engine.dispose()
    return token


async def own_key(database_url: str, secrets: SecretBook) -> str:
    """The key kept with the secrets, or a new one when it is lost or no longer valid."""
    engine = create_async_engine(async_url(database_url))
    try:
        async with AsyncSession(engine) as session, session.begin():
            kept = secrets.get(ADMIN_KEY)
            if kept is not None and await verify_key(session, kept) is not None:
                return kept
            key = await create_key(session, name="local administrator", scopes=list(Scope))
    finally:
        await engine.dispose()
    secrets.keep(ADMIN_KEY, key)
    return key
