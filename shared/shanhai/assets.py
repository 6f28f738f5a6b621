"""Files of pages that browsers keep: read and digested when a service starts, compressed once.

A file has its address from the content of the whole folder, `/static/<digest>/app/main.js`. So what
files say of one another (`import "./map.js"`, `url(icon.svg)`) holds as it is written, and no page
ever runs scripts of two releases. What a build has named by its own content keeps that address.
"""

import asyncio
import gzip
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

KEPT = b"public, max-age=31536000, immutable"
ASKED_AGAIN = b"no-cache"
PIECE = 65_536
"""Bytes handed over at once: to a slow reader a file is copied piece by piece, never as a whole."""
DIGITS = 16
GZIP_LEVEL = 9
OTHER_DIGEST = re.compile(rf"[0-9a-f]{{{DIGITS}}}/")
QUALITY = re.compile(r"q=(0(\.\d{0,3})?|1(\.0{0,3})?)")
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
"""Not those of the machine: what it lacks, browsers would refuse to run."""
PACKED = frozenset({".ico", ".jpg", ".png", ".webp", ".woff2"})
"""Compressed as they are."""


@dataclass(frozen=True)
class _File:
    """A file as it is sent."""

    media_type: bytes
    digest: str
    plain: bytes
    compressible: bool

    @cached_property
    def packed(self) -> bytes | None:
        """The same smaller where that helps, made for the first who takes it: a start waits."""
        if not self.compressible:
            return None
        small = gzip.compress(self.plain, GZIP_LEVEL, mtime=0)
        return small if len(small) < len(self.plain) else None


class StaticAssets:
    """ASGI application: the files of a folder, out of memory.

    Only what lay in the folder at the start is served, and no path is ever looked up on the disk.

    Args:
        folder: What is served; one that is absent has no files.
        under: The path it is mounted at, without a slash at its end.
        named_by_content: Folders in it whose files have names that change with their content; they
            may be absent.
    """

    def __init__(self, folder: Path, under: str, named_by_content: Iterable[str] = ()) -> None:
        self.under = under
        self._named = tuple(f"{name}/" for name in named_by_content)
        self._files = {name: _read(path) for name, path in _files_of(folder)}
        whole = hashlib.sha256()
        for name, file in self._files.items():
            if not name.startswith(self._named):
                whole.update(f"{name}\0{file.digest}\n".encode())
        self.digest = whole.hexdigest()[:DIGITS]

    def __contains__(self, name: str) -> bool:
        """Whether there is such a file, by its path in the folder."""
        return name in self._files

    def address(self, name: str) -> str:
        """The path of a file that may be kept for ever.

        Raises:
            KeyError: there is no such file.
        """
        if name not in self._files:
            raise KeyError(name)
        if name.startswith(self._named):
            return f"{self.under}/{name}"
        return f"{self.under}/{self.digest}/{name}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a file.

        The digest of another release has the file of this one, not to be kept: while replicas are
        replaced a page of one may ask another.

        Raises:
            HTTPException: there is no such file, or something else than reading is asked.
        """
        if scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        path = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix("/")
        kept = path.startswith((f"{self.digest}/", *self._named))
        name = path if path in self._files else OTHER_DIGEST.sub("", path, count=1)
        file = self._files.get(name)
        if file is None:
            raise HTTPException(404)
        await _send(file, dict(scope["headers"]), send, kept=kept, head=scope["method"] == "HEAD")


def _files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Files by their path in the folder; none that a link brings in from elsewhere."""
    root = folder.resolve()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts)
        if path.is_file() and not hidden and path.resolve().is_relative_to(root):
            yield inside.as_posix(), path


def _read(path: Path) -> _File:
    plain = path.read_bytes()
    media_type = MEDIA_TYPES.get(path.suffix, "application/octet-stream")
    digest = hashlib.sha256(plain).hexdigest()[:DIGITS]
    return _File(media_type.encode(), digest, plain, path.suffix not in PACKED)


async def _send(
    file: _File, asked: dict[bytes, bytes], send: Send, *, kept: bool, head: bool
) -> None:
    packed = None
    if takes_gzip(asked.get(b"accept-encoding", b"").decode("latin-1")):
        there = "packed" in vars(file)
        packed = file.packed if there else await asyncio.to_thread(getattr, file, "packed")
    body = file.plain if packed is None else packed
    tag = f'"{file.digest}"' if packed is None else f'"{file.digest}-gzip"'
    headers = [
        (b"cache-control", KEPT if kept else ASKED_AGAIN),
        (b"etag", tag.encode()),
        (b"vary", b"Accept-Encoding"),
    ]
    if _is_known(tag, asked.get(b"if-none-match", b"").decode("latin-1")):
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    headers += [
        (b"content-type", file.media_type),
        (b"content-length", str(len(body)).encode()),
        *([] if packed is None else [(b"content-encoding", b"gzip")]),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if not head:
        for start in range(0, len(body), PIECE):
            piece = body[start : start + PIECE]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _is_known(tag: str, given: str) -> bool:
    """Whether `If-None-Match` names what would be sent."""
    return any(one.strip().removeprefix("W/") in {tag, "*"} for one in given.split(","))


def takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` allows gzip: named, or by `*`, and not with the weight zero."""
    weights = {}
    for entry in accepted.lower().split(","):
        coding, _, weight = (part.strip() for part in entry.partition(";"))
        found = QUALITY.fullmatch(weight.replace(" ", "")) if weight else None
        weights[coding] = float(found[1]) if found else 1.0
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0
