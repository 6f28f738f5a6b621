"""A small client of the API: upload a file, run a process, follow its job."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import httpx

from shanhai.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    ShanhaiError,
    Unauthenticated,
    Unavailable,
)

BLOCK = 1024 * 1024
FINAL = {"successful", "failed", "dismissed"}
_ERRORS: dict[int, type[ShanhaiError]] = {
    400: InvalidInput,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: InvalidInput,
    422: InvalidInput,
}


class JobFailed(ShanhaiError):
    """A job ended without a result."""

    title = "Job failed"
    title_zh = "任务失败"


class ApiClient:
    """Talks to one API with one key; use as a context manager."""

    def __init__(self, base_url: str, key: str | None, *, timeout_s: float = 60.0) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.close()

    def get(self, path: str, **params: str | float) -> Any:
        """The JSON document at `path`, whose own query stays; `params` are added to it."""
        address = httpx.URL(path).copy_merge_params(params) if params else path
        return _checked(self._http.get(address)).json()

    def download(self, url: str, target: Path) -> None:
        """Save what is at `url` to `target`."""
        with self._http.stream("GET", url) as response:
            if response.is_error:
                response.read()
            _checked(response)
            with target.open("wb") as file:
                for block in response.iter_bytes(BLOCK):
                    file.write(block)

    def upload(self, path: Path) -> str:
        """Send a file and return the upload's id; the same file sent again is not stored twice."""
        digest = file_sha256(path)
        response = self._http.post(
            "/uploads",
            content=_blocks(path),
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Length": str(path.stat().st_size),
                "Idempotency-Key": f"upload-{digest}",
            },
        )
        upload: str = _checked(response).json()["upload"]
        return upload

    def post(
        self, path: str, document: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Any:
        """Send a JSON document; what is answered, None where that is nothing."""
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        response = _checked(self._http.post(path, json=dict(document), headers=headers))
        return response.json() if response.content else None

    def send(self, path: str, body: bytes, media_type: str) -> Any:
        """Send a body of any type; the JSON that is answered."""
        headers = {"Content-Type": media_type}
        return _checked(self._http.post(path, content=body, headers=headers)).json()

    def execute(
        self, process: str, inputs: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> str:
        """Ask for a process and return the address of its job."""
        headers = {"Prefer": "respond-async"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        response = self._http.post(
            f"/processes/{process}/execution", json={"inputs": dict(inputs)}, headers=headers
        )
        return str(_checked(response).headers["Location"])

    def follow(
        self,
        job_url: str,
        *,
        on_progress: Callable[[int, str], None] | None = None,
        interval_s: float = 0.25,
    ) -> dict[str, Any]:
        """Wait for a job and return its status document.

        Args:
            job_url: Address of the job.
            on_progress: Told the percentage and the message whenever one of them has changed.
            interval_s: How long to wait before looking again.

        Raises:
            JobFailed: the job failed or was dismissed; the message says why.
        """
        told: tuple[int, str] | None = None
        while True:
            status: dict[str, Any] = self.get(job_url)
            state = (int(status.get("progress", 0)), str(status.get("message", "")))
            if on_progress is not None and state != told:
                on_progress(*state)
                told = state
            if status["status"] in FINAL:
                break
            time.sleep(interval_s)
        if status["status"] != "successful":
            raise JobFailed(f"job {status['jobID']} {status['status']}: {status.get('message')}")
        return status


def file_sha256(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    for block in _blocks(path):
        digest.update(block)
    return digest.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def _checked(response: httpx.Response) -> httpx.Response:
    if not response.is_error:
        return response
    kind = _ERRORS.get(response.status_code, Unavailable)
    raise kind(f"{response.request.method} {response.url}: {_problem(response)}")


def _problem(response: httpx.Response) -> str:
    if "json" not in response.headers.get("Content-Type", ""):
        return f"status {response.status_code}"
    document = response.json()
    faults = "; ".join(f"{e['pointer']}: {e['detail']}" for e in document.get("errors", []))
    return f"{document.get('title')}: {document.get('detail')}" + (f" ({faults})" if faults else "")
