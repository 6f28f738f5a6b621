"""The compose file in a container engine: images built, services up, one of them killed."""

import json
import os
import secrets
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from shanhai.client import ApiClient
from shanhai.db.revision import expected_revision
from tests.support.workers import free_port

ROOT = Path(__file__).parents[2]
IMAGES = ("api", "worker", "tiles", "operations")
CA = "/var/lib/shanhai/ca/ca.pem"
PASSWORDS = ("DB", "REDIS", "DB_OWNER", "DB_API", "DB_WORKER", "DB_TILES", "DB_BACKUP")
SECRETS = ("SHANHAI_TILE_TOKENS_SECRET", "SHANHAI_SIGN_IN_SECRET")
TWICE = ("api", "tiles", "worker", "dask-worker")
"""What runs twice."""
PATIENCE_S = 300.0
LONGEST_S = 3_600.0
"""Seconds one command may take, as that which builds an image."""
NEWER = "9000"
MIGRATION = f"""
from alembic import op

revision = "{NEWER}"
down_revision = "{{before}}"


def upgrade() -> None:
    op.execute("ALTER TABLE job ADD colour varchar")
"""
INSTALLED = "/opt/shanhai/lib/python3.11/site-packages/shanhai/db/migrations/versions"
LISTENS = "import socket; socket.create_connection(('127.0.0.1', 8000), 1)"


def compose_command() -> list[str] | None:
    """Compose as this machine has it, where an engine answers; None where none does."""
    if shutil.which("docker") is None or _fails("docker", "info"):
        return None
    if not _fails("docker", "compose", "version"):
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def _fails(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, check=False).returncode != 0


def settings_with_secrets() -> dict[str, str]:
    """What docs/operations.md has an operator set, and a port nobody uses."""
    passwords = {f"SHANHAI_{name}_PASSWORD": secrets.token_hex(24) for name in PASSWORDS}
    port = free_port()
    address = f"https://localhost:{port}"
    return {
        **passwords,
        **{name: secrets.token_hex(32) for name in SECRETS},
        "SHANHAI_HTTPS_PORT": str(port),
        "SHANHAI_HJ212_PORT": str(free_port()),
        "SHANHAI_API_URL": address,
        "SHANHAI_TILES_URL": f"{address}/tiles",
        "SHANHAI_DASK_SCHEDULER": "tcp://dask-scheduler:8786",
    }


@dataclass(frozen=True, slots=True)
class Deployment:
    """One project of compose.

    Attributes:
        command: Compose as this machine has it.
        name: The project's name, with which its containers and volumes begin.
        folder: For what the test takes out of containers.
        settings: The variables the file reads.
    """

    command: list[str]
    name: str
    folder: Path
    settings: Mapping[str, str]

    @property
    def url(self) -> str:
        return self.settings["SHANHAI_API_URL"]

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def compose(self, *words: str, text: str = "", **more: str) -> str:
        """Run a command of compose, and return what it prints; a failure tells what it said."""
        return told([*self.command, "-p", self.name, *words], {**self.settings, **more}, text)

    def up(self, *services: str, **more: str) -> None:
        """Start services, those of `TWICE` as two containers each, and wait until all are well."""
        started = {*services, *(("api", "tiles") if "proxy" in services else ())}
        twice = [f"--scale={name}=2" for name in TWICE if name in started]
        profiles = ["--profile=dask", "--profile=backup", "--profile=hj212"]
        words = ["up", "--detach", "--wait", f"--wait-timeout={PATIENCE_S:.0f}", *twice]
        self.compose(*profiles, *words, *services, **more)

    def also(self, **settings: str) -> "Deployment":
        """The same project with more settings."""
        return replace(self, settings={**self.settings, **settings})

    def down(self) -> None:
        """Remove all of it, volumes too."""
        self.compose("--profile=*", "down", "--volumes", "--timeout=5", "--remove-orphans")

    def containers(self, service: str) -> list[str]:
        """The containers of a service that run."""
        return self.compose("ps", "--quiet", service).split()

    def inside(self, service: str, *words: str, text: str = "") -> str:
        """What a command prints in a container of the service."""
        return self.compose("exec", "-T", service, *words, text=text)

    def inspect(self, container: str) -> dict[str, Any]:
        """What the engine knows of a container."""
        found: dict[str, Any] = json.loads(told(["docker", "inspect", container]))[0]
        return found

    def upgrade(self) -> None:
        """Replace what runs by newer images, as docs/operations.md tells."""
        command = " ".join([*self.command, "-p", self.name])
        told(["deploy/upgrade.sh"], {**self.settings, "COMPOSE": command})

    def kill(self, container: str) -> None:
        """End a container at once, and start it again."""
        told(["docker", "kill", container])
        told(["docker", "start", container])

    def wait_until_well(self, container: str) -> None:
        """Wait until the container's health check says so; those without one need only run."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            state = self.inspect(container)["State"]
            if state.get("Health", {}).get("Status", state["Status"]) in {"healthy", "running"}:
                return
            time.sleep(0.5)
        raise AssertionError(f"{container} is not well: {told(['docker', 'logs', container])}")

    def remove_volume(self, name: str) -> None:
        """Throw a volume away."""
        told(["docker", "volume", "rm", f"{self.name}_{name}"])

    def wait_until_it_answers(self, container: str) -> None:
        """Wait until the API listens in the container, whether it is well or not."""
        end = time.monotonic() + PATIENCE_S
        while _fails("docker", "exec", container, "python", "-c", LISTENS):
            assert time.monotonic() < end, told(["docker", "logs", container])
            time.sleep(1)

    def rows(self, query: str) -> Any:
        """Rows of the database, as its superuser sees them."""
        wrapped = f"SELECT coalesce(json_agg(r), '[]') FROM ({query}) r"
        words = ("psql", "-U", "shanhai", "-d", "shanhai", "-AtX", "-c", wrapped)
        return json.loads(self.inside("postgres", *words))

    def trust(self) -> ssl.SSLContext:
        """What believes the authority of this deployment."""
        self.compose("cp", f"api:{CA}", str(self.ca))
        return ssl.create_default_context(cafile=str(self.ca))

    def key(self) -> str:
        """A new key that may do everything, made as docs/operations.md tells."""
        scopes = [f"--scope={scope}" for scope in ("read", "write", "observe", "jobs", "admin")]
        printed = self.inside("api", "shanhai", "keys", "create", "--name", "test", *scopes)
        return printed.strip()

    def api(self, key: str | None) -> ApiClient:
        """A client of the API through the proxy."""
        return ApiClient(self.url, key, verify=self.trust(), timeout=30)

    def http(self, key: str) -> httpx.Client:
        """Plain HTTP through the proxy."""
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.url, headers=headers, verify=self.trust(), timeout=30)


def told(words: list[str], settings: Mapping[str, str] | None = None, text: str = "") -> str:
    """What a command prints; a failure tells what it said."""
    done = subprocess.run(
        words,
        cwd=ROOT,
        env={**os.environ, **(settings or {})},
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_S,
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def newer_images(names: Sequence[str], folder: Path) -> Iterator[None]:
    """Images with a migration more, which adds a column and takes nothing away."""
    (folder / "newer.py").write_text(MIGRATION.format(before=expected_revision()), "utf-8")
    try:
        for name in names:
            image = f"shanhai-{name}"
            told(["docker", "tag", image, f"{image}:former"])
            recipe = f"FROM {image}:former\nCOPY newer.py {INSTALLED}/{NEWER}_newer.py\n"
            told(["docker", "build", "--quiet", "-t", image, "-f", "-", str(folder)], text=recipe)
        yield
    finally:
        for name in names:
            told(["docker", "tag", f"shanhai-{name}:former", f"shanhai-{name}"])


def build_image(target: str, tag: str) -> None:
    """Build a stage of the Dockerfile on the host's network: some engines give builds no other."""
    place = ["--file", "deploy/Dockerfile", "--target", target, "--tag", tag]
    told(["docker", "build", "--network", "host", "--quiet", *place, "."])


def build_images() -> None:
    """Build what the file names."""
    for target in IMAGES:
        build_image(target, f"shanhai-{target}")
