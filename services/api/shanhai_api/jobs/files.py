"""Sending result files."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from fastapi import Response
from fastapi.responses import FileResponse

from shanhai.storage.artifacts import LocalArtifacts
from shanhai_api.view import View, is_known

REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)
"""A report brings its style and pictures with it, and no script."""


def send_file(view: View, store: LocalArtifacts, name: str, file: Mapping[str, Any]) -> Response:
    """A result file under its output's name; its ETag is its digest."""
    etag = f'"{file["sha256"]}"'
    headers = {"ETag": etag, "Cache-Control": view.cache_control(), "Vary": "Authorization"}
    if file["media_type"].startswith("text/html"):
        headers["Content-Security-Policy"] = REPORT_POLICY
    if is_known(view.request, etag):
        return Response(status_code=304, headers=headers)
    suffix = PurePosixPath(file["uri"]).suffix
    return FileResponse(
        store.local_path(file["uri"]),
        media_type=file["media_type"],
        headers=headers,
        filename=f"{name}{suffix}",
        content_disposition_type="inline",
    )
