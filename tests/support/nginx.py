"""The proxy of `deploy/` as a process on this machine."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from shanhai.certificates import CertifiedServer, make_certificates
from shanhai.local.places import CHECKOUT
from tests.support.workers import free_port

CONFIGURATION = CHECKOUT / "deploy" / "nginx" / "nginx.conf"
PATIENCE_S = 10.0
NAME = "plans.example"
"""A name the proxy has a certificate for, beside those of this machine."""
ABSENT = "nginx is not installed (Debian: nginx-light)"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy: its addresses without and with TLS, whom to believe that it is the one, and
    what it has written."""

    url: str
    log: Path
    secure_url: str
    ca: Path


def nginx_program() -> str | None:
    """The program, where it is installed."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def serving_nginx(
    folder: Path, *, api: str, tiles: str, configuration: str | None = None
) -> Iterator[Proxy]:
    """The proxy before the services at two addresses, with its files in a folder of its own.

    Args:
        folder: Where it keeps everything.
        api: The API's address.
        tiles: The tile service's address.
        configuration: Another configuration than that of `deploy/`.
    """
    port, tls_port, log = free_port(), free_port(), folder / "nginx.log"
    text = CONFIGURATION.read_text("utf-8") if configuration is None else configuration
    path = folder / "nginx.conf"
    placed = _placed(text, folder, port, api, tiles)
    placed = placed.replace("listen 8443 ", f"listen 127.0.0.1:{tls_port} ")
    path.write_text(placed, "utf-8")
    server = CertifiedServer("tls", os.geteuid(), ("localhost", "127.0.0.1", NAME))
    make_certificates(folder, [server])
    (folder / "cache").mkdir(exist_ok=True)
    # Its workers are another account, unless told otherwise, and could not enter the folder.
    account = "user root; " if os.geteuid() == 0 else ""
    command = [nginx_program() or "nginx", "-p", str(folder), "-c", str(path), "-e", str(log)]
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [*command, "-g", f"{account}daemon off;"], stdout=sink, stderr=sink
        )
    try:
        _wait_until_listening(process, port, log)
        yield Proxy(
            f"http://127.0.0.1:{port}",
            log,
            f"https://127.0.0.1:{tls_port}",
            folder / "ca" / "ca.pem",
        )
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


def _placed(text: str, folder: Path, port: int, api: str, tiles: str) -> str:
    """The configuration with the addresses and folders of this machine."""
    for deployed, here in {
        "/tmp/": f"{folder}/",  # noqa: S108 - what the configuration says
        "listen 8080;": f"listen 127.0.0.1:{port};",
        "server api:8000 ": f"server {urlsplit(api).netloc} ",
        "server tiles:8001 ": f"server {urlsplit(tiles).netloc} ",
        "/var/cache/nginx": str(folder / "cache"),
        "/etc/nginx/tls": str(folder / "tls"),
        "/dev/std": f"{folder}/std",
        "worker_processes auto": "worker_processes 1",
    }.items():
        text = text.replace(deployed, here)
    return text


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    started = time.monotonic()
    wanted = f"0100007F:{port:04X} 00000000:0000 0A"
    while wanted not in Path("/proc/net/tcp").read_text():
        if process.poll() is not None or time.monotonic() - started > PATIENCE_S:
            raise RuntimeError(f"nginx did not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)
