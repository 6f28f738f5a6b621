import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shanhai.errors import Unavailable
from shanhai.local import services
from shanhai.local.places import Home
from shanhai.local.services import ServiceProcess, ServiceSpec, newest_change

ANSWERING = """
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health/ready" else 404)
        self.end_headers()

port = int(os.environ["SHANHAI_ANSWERING_PORT"])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
FAILING = "raise SystemExit('no database today')"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "answering_service.py").write_text(ANSWERING)
    (tmp_path / "failing_service.py").write_text(FAILING)
    return {"PYTHONPATH": str(tmp_path)}


def make_service(base: Path, name: str) -> ServiceProcess:
    spec = ServiceSpec(name, f"{name}_service", 8000)
    return ServiceProcess(spec, Home(base / "home"), bound=True)


def start(service: ServiceProcess, environment: dict[str, str]) -> int:
    port = str(service.reserve_port())
    service.start(environment | {f"{service.spec.variable}PORT": port})
    service.wait_until_ready()
    process = service.process()
    assert process is not None
    return process.pid


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceProcess]:
    service = make_service(tmp_path, "answering")
    yield service
    service.stop()


def test_a_service_is_started_once(
    service: ServiceProcess, environment: dict[str, str], tmp_path: Path
) -> None:
    pid = start(service, environment)
    assert service.is_running()
    assert start(make_service(tmp_path, "answering"), environment) == pid


def test_another_environment_restarts_it_on_its_port(
    service: ServiceProcess, environment: dict[str, str]
) -> None:
    pid, port = start(service, environment), service.port
    assert start(service, environment | {"SHANHAI_LOG_LEVEL": "DEBUG"}) != pid
    assert service.port == port


def test_a_setting_of_the_shell_restarts_it(
    service: ServiceProcess, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = start(service, environment)
    monkeypatch.setenv("SHELL_LEVEL", "2")
    assert start(service, environment) == pid
    monkeypatch.setenv("SHANHAI_LOG_LEVEL", "DEBUG")
    again = start(service, environment)
    assert again != pid
    assert start(service, environment) == again


def test_newer_code_restarts_it(
    service: ServiceProcess, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = start(service, environment)
    monkeypatch.setattr(services, "newest_change", lambda checkout: time.time() + 1)
    assert start(service, environment) != pid


def test_a_killed_service_is_started_again(
    service: ServiceProcess, environment: dict[str, str]
) -> None:
    pid = start(service, environment)
    os.kill(pid, signal.SIGKILL)
    assert start(service, environment) != pid


def test_a_stopped_service_leaves_nothing(
    service: ServiceProcess, environment: dict[str, str]
) -> None:
    start(service, environment)
    service.ask_to_stop()
    service.stop()
    assert service.process() is None
    assert not service.is_running()


def test_a_failing_service_shows_the_end_of_its_log(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    service = make_service(tmp_path, "failing")
    with pytest.raises(Unavailable, match=r"failing ended(.|\n)*no database today"):
        start(service, environment)
    service.stop()


def test_the_newest_change_is_that_of_code(tmp_path: Path) -> None:
    code, other = tmp_path / "shared" / "module.py", tmp_path / "shared" / "notes.txt"
    code.parent.mkdir()
    code.touch()
    other.touch()
    os.utime(code, (1000, 1000))
    os.utime(other, (2000, 2000))
    assert newest_change(tmp_path) == 1000
    assert newest_change(tmp_path / "empty") == 0
