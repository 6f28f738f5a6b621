"""The artifact store in a bucket of any service that speaks S3.

    objects/ab/<sha256><suffix>    files, named by their content
    sums/ab/<sha256>               the digests of a file's blocks, so that a part can be checked
    uploads/<id>/<offset>          pieces of uploads
    removals/<sha256>/<id>         a file that somebody is about to remove

A file's sums are stored before it, so who finds the file finds them; where files were copied into
a bucket by other means they are made when first asked for.
"""

import hashlib
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Self

import obstore
import orjson
import structlog
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from shanhai.errors import InvalidInput, NotFound, Unavailable
from shanhai.settings import ArtifactSettings, BucketSettings
from shanhai.storage.artifacts import GRACE_S, URI, StoredArtifact, StoredFile, sha256_of
from shanhai.storage.fetched import BLOCK_BYTES, BlockSums, Damaged, FetchedFile, FetchedFiles
from shanhai.vocabulary import Label

PART_BYTES = 8 * 1024 * 1024
"""What goes in one request."""
PARTS_AT_ONCE = 4
TIMEOUT, RETRY = timedelta(seconds=20), timedelta(seconds=30)
SLOWEST_BYTES_S = 125_000
"""What a line passes on at least: 1 Mbit/s."""
SOON_BYTES = 1024 * 1024
"""What such a line brings within `TIMEOUT`."""
REMOVAL_S = 600.0
"""A removal that began so long ago was given up: no request takes so long."""
REFUSALS = re.compile(
    "AccessDenied|ExpiredToken|InvalidAccessKeyId|InvalidToken|SignatureDoesNotMatch"
    r"|RequestTimeTooSkewed|403 Forbidden|401 Unauthorized|\S+ has no credentials"
)
CODE = re.compile("<Code>([A-Za-z]{1,60})</Code>")
NO_BUCKET = "NoSuchBucket"
SETTINGS = "SHANHAI_ARTIFACTS_S3_*, SHANHAI_BACKUP_S3_*"
log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class StoreRefused(Unavailable):
    """The object store does not accept the credentials."""

    title = Label("对象存储拒绝访问凭证", "Object store refuses the credentials")


@contextmanager
def told(uri: str, *, writing: bool = False) -> Iterator[None]:
    """Errors of the library as the platform's own; their text may hold addresses and is not told.

    Args:
        writing: Nothing need be there yet: what answers that it is not there is no bucket.

    Raises:
        NotFound: nothing is stored there.
        StoreRefused: the credentials are wrong, or have ended.
        Unavailable: the store does not answer.
    """
    try:
        yield
    except FileNotFoundError as error:
        if writing or NO_BUCKET in str(error):
            raise _meaning(error) from error
        raise NotFound(
            f"artifact {uri!r} is not in the store", message_zh=f"存储中没有文件 {uri!r}"
        ) from error
    except (BaseError, OSError, ValueError) as error:
        raise _meaning(error) from error


def _meaning(error: Exception) -> Unavailable:
    text = str(error)
    refusal = REFUSALS.search(text)
    code = CODE.search(text)
    unheard = "no connection" if "kind: Connect" in text else type(error).__name__
    why = code[1] if code else refusal[0] if refusal else unheard
    log.warning("object store failed", reason=why, refused=refusal is not None)
    if refusal or isinstance(error, obstore.exceptions.PermissionDeniedError):
        return StoreRefused(
            f"the object store refuses the credentials ({why}): are they given, right, and still"
            f" valid? See {SETTINGS}",
            message_zh=f"对象存储拒绝访问凭证（{why}），请检查 {SETTINGS} 是否设置、正确且未过期",
        )
    if why == NO_BUCKET or isinstance(error, FileNotFoundError):
        return Unavailable(
            f"the object store has no such bucket ({why}): make it, or mend its address; see also"
            f" {SETTINGS}",
            message_zh=f"对象存储中没有该存储桶（{why}），请创建或更正其地址，另见 {SETTINGS}",
        )
    return Unavailable(
        f"the object store does not answer ({why}); try again, and see {SETTINGS}",
        message_zh=f"对象存储没有响应（{why}），请稍后重试，并检查 {SETTINGS}",
    )


def _sums_of(uri: str) -> str:
    found = URI.fullmatch(uri)
    if found is None:
        raise InvalidInput(f"{uri!r} is no artifact address")
    return f"sums/{found[1]}/{found[2]}"


class ObjectArtifacts:
    """The store in a bucket; whole files are read from a folder of what was fetched."""

    def __init__(
        self, store: S3Store, fetched: FetchedFiles, *, conditional: bool = True, signed_s: int = 0
    ) -> None:
        self.store = store
        self._bulk = patient(store, PART_BYTES * PARTS_AT_ONCE)
        self._part = patient(store, PART_BYTES)
        self.fetched = fetched
        self.signed_s = signed_s
        self._conditional = conditional

    @classmethod
    def named_in(cls, settings: ArtifactSettings) -> Self:
        """The store of `SHANHAI_ARTIFACTS_*`."""
        fetched = FetchedFiles(settings.folder, settings.cache_mb * 1024**2)
        return cls(
            connect(settings, settings.bucket or "", settings.prefix),
            fetched,
            conditional=settings.s3_conditional,
            signed_s=settings.s3_signed_s,
        )

    def put(self, path: Path, *, suffix: str) -> StoredArtifact:
        """Send a file in parts, unless it is there; each part is signed with its digest."""
        sums = BlockSums.of(path)
        uri = f"objects/{sums.sha256[:2]}/{sums.sha256}{suffix}"
        with told(uri, writing=True):
            fresh = self._is_fresh(uri, sums.size)
            while not fresh:
                self._send(uri, path, sums)
                fresh = self._outlived_removals(uri)
        return StoredArtifact(uri, sums.sha256, sums.size)

    def _is_fresh(self, uri: str, size: int) -> bool:
        """Whether the file is there, and stays while rows may come that name it."""
        found = _found(self.store, uri)
        return bool(found and found["size"] == size and _age(found) < GRACE_S / 4)

    def _send(self, uri: str, path: Path, sums: BlockSums) -> None:
        obstore.put(self.store, _sums_of(uri), sums.to_bytes())
        if sums.size <= PART_BYTES:
            self._create(uri, path.read_bytes())
        else:
            # The name is the content's: who writes it at the same time writes the same.
            obstore.put(self._bulk, uri, path, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE)
        stored = obstore.head(self.store, uri)["size"]
        if stored != sums.size:
            raise Damaged.named(uri, f"{stored} of {sums.size} bytes are in the store")

    def _create(self, uri: str, content: bytes) -> None:
        if self._conditional:
            with suppress(AlreadyExistsError):
                obstore.put(self._part, uri, content, mode="create")
                return
        # It is there, but old or not whole: storing it again makes it new.
        obstore.put(self._part, uri, content)

    def _outlived_removals(self, uri: str) -> bool:
        """Whether a file just stored stays: nobody decided to remove its former self meanwhile.

        Who removes says so before looking at the file a last time, and this looks for that after
        storing it: one of both sees the other.
        """
        marked = f"removals/{_digest(uri)}"
        seen = False
        while any(_age(one) < REMOVAL_S for one in self._list(marked)):
            seen = True
            time.sleep(0.2)
        return not seen or self.has(uri)

    def remove_unchanged(self, uri: str, modified: float) -> bool:
        """Remove a file unless it was stored again after it was seen; whether it was removed."""
        mark = f"removals/{_digest(uri)}/{uuid.uuid4().hex}"
        began = time.monotonic()
        with told(uri):
            obstore.put(self.store, mark, b"")
            try:
                # A list may tell fractions of a second, which no header has.
                stored = obstore.head(self.store, uri)["last_modified"].timestamp()
                if int(stored) != int(modified):
                    return False
                if time.monotonic() - began > REMOVAL_S / 4:
                    return False
                obstore.delete(self.store, uri)
                if not any(self._list(f"objects/{_digest(uri)[:2]}", _digest(uri))):
                    obstore.delete(self.store, _sums_of(uri))
            except FileNotFoundError:
                return False
            finally:
                obstore.delete(self.store, mark)
        return True

    def has(self, uri: str) -> bool:
        """Whether a file is there."""
        with told(uri):
            return _found(self.store, uri) is not None

    def files(self) -> Iterator[StoredFile]:
        """All stored files, a thousand in a request."""
        with told("objects"):
            for one in self._list("objects"):
                if URI.fullmatch(one["path"]):
                    yield StoredFile(one["path"], one["size"], one["last_modified"].timestamp())

    def local_path(self, uri: str) -> Path:
        """The file in the folder of what was fetched, compared with its name."""
        return self.fetched.whole(uri) or self.fetched.complete(uri, self.sums, self._fetch)

    def hold(self, uri: str, folder: Path, upload_sha256: str | None = None) -> Path:
        """The file in `folder`, by a link where that is possible."""
        target = folder / uri.rpartition("/")[2]
        if uri.startswith("uploads/"):
            self._join_upload(uri, target, upload_sha256)
        elif not target.exists():
            source = self.local_path(uri)
            try:
                target.hardlink_to(source)
            except OSError:
                shutil.copyfile(source, target)
        return target

    def ranged(self, uri: str) -> Path | FetchedFile:
        """The file if it was fetched, or what fetches parts of it."""
        found = self.fetched.opened(uri) or self.fetched.whole(uri)
        return found or self.fetched.file(uri, self.sums, self._fetch)

    @contextmanager
    def open(self, uri: str) -> Iterator[BinaryIO]:
        """The file, which is not kept for others: who reads all files wants each but once."""
        path = self.fetched.whole(uri)
        if path is not None:
            with path.open("rb") as file:
                yield file
            return
        fetched = self.fetched.aside(uri, self.sums(uri), self._fetch)
        try:
            fetched.ensure_all()
            with fetched.path.open("rb") as file:
                yield file
        finally:
            fetched.path.unlink(missing_ok=True)

    def sums(self, uri: str) -> BlockSums:
        """The digests of a file's blocks."""
        with told(uri):
            try:
                kept = obstore.get(self.store, _sums_of(uri)).bytes().to_bytes()
            except FileNotFoundError:
                kept = b""
        found = BlockSums.parse(kept)
        return found if found is not None else self._summed(uri)

    def _summed(self, uri: str) -> BlockSums:
        """Those of a file that came without, or with damaged ones: it is read through once."""
        with told(uri):
            size = obstore.head(self.store, uri)["size"]
        pieces = (
            self._fetch(uri, at, min(at + PART_BYTES, size)) for at in range(0, size, PART_BYTES)
        )
        sums = BlockSums.of_blocks(
            piece[at : at + BLOCK_BYTES]
            for piece in pieces
            for at in range(0, len(piece), BLOCK_BYTES)
        )
        if sums.sha256 != _digest(uri):
            raise Damaged.named(uri, "its content is not what its name says")
        with told(uri):
            obstore.put(self.store, _sums_of(uri), sums.to_bytes())
        return sums

    def _fetch(self, uri: str, start: int, end: int) -> bytes:
        # What little a tile wants is told to be away soon.
        store = self.store if end - start <= SOON_BYTES else self._part
        with told(uri):
            try:
                return obstore.get_range(store, uri, start=start, end=end).to_bytes()
            except BaseError as error:
                if REFUSALS.search(str(error)):
                    raise
                # An answer that broke off is not asked for again by the library.
                return obstore.get_range(store, uri, start=start, end=end).to_bytes()

    def signed(self, uri: str) -> str:
        """An address from which the file may be fetched by anybody for a while."""
        with told(uri):
            return obstore.sign(self.store, "GET", uri, timedelta(seconds=self.signed_s))

    def scratch(self) -> Path:
        """A path in the folder of what was fetched."""
        return self.fetched.scratch()

    @contextmanager
    def receive(self, upload: uuid.UUID, offset: int) -> Iterator["PieceSink"]:
        """Store what comes piece by piece; what arrived is stored at the end, whatever ends it."""
        sink = PieceSink(self.store, self._part, f"uploads/{upload}", offset)
        try:
            yield sink
        finally:
            sink.flush()

    def received(self, upload: uuid.UUID) -> int:
        """How many bytes of an upload are there, from its first on."""
        return sum(size for _, size in self._pieces(upload))

    def upload_digest(self, upload: uuid.UUID) -> str:
        """SHA-256 of the pieces, one after the other."""
        digest = hashlib.sha256()
        for name, size in self._pieces(upload):
            digest.update(self._fetch(name, 0, size))
        return digest.hexdigest()

    def drop_upload(self, upload: uuid.UUID) -> None:
        """Remove the pieces."""
        with told(f"uploads/{upload}"):
            for one in self._list(f"uploads/{upload}"):
                obstore.delete(self.store, one["path"])

    def uploads(self) -> Iterator[tuple[uuid.UUID, float]]:
        """Those of which there are pieces, and when each was stored."""
        with told("uploads"):
            for one in self._list("uploads"):
                with suppress(ValueError):
                    yield uuid.UUID(one["path"].split("/")[-2]), one["last_modified"].timestamp()

    def _pieces(self, upload: uuid.UUID | str) -> list[tuple[str, int]]:
        """Names and sizes of those that follow on each other; a request that was overtaken may
        have left others."""
        with told(f"uploads/{upload}"):
            sizes = {one["path"]: one["size"] for one in self._list(f"uploads/{upload}")}
        found, at = [], 0
        while size := sizes.get(name := f"uploads/{upload}/{at:015d}"):
            found.append((name, size))
            at += size
        return found

    def _join_upload(self, uri: str, target: Path, sha256: str | None) -> None:
        pieces = self._pieces(uri.removeprefix("uploads/"))
        if not pieces:
            raise NotFound(f"{uri!r} is not in the store", message_zh=f"存储中没有文件 {uri!r}")
        with target.open("wb") as file:
            for name, size in pieces:
                file.write(self._fetch(name, 0, size))
        if sha256 is not None and sha256_of(target) != sha256:
            raise InvalidInput(
                f"{uri!r} is not what was sent: its SHA-256 is not {sha256}; send it again",
                message_zh=f"{uri!r} 与发送时不一致（SHA-256 应为 {sha256}），请重新上传",
            )

    def _list(self, folder: str, beginning: str = "") -> Iterator[Mapping[str, Any]]:
        for page in obstore.list(self.store, folder):
            yield from (one for one in page if one["path"].startswith(f"{folder}/{beginning}"))


class PieceSink:
    """Stores the bytes it takes in pieces, each once it is full."""

    def __init__(self, store: S3Store, slow: S3Store, folder: str, offset: int) -> None:
        self._store, self._slow, self._folder, self._offset = store, slow, folder, offset
        self._waiting = bytearray()

    def write(self, block: bytes) -> None:
        """Take the next bytes."""
        self._waiting += block
        while len(self._waiting) >= PART_BYTES:
            self._store_piece(bytes(self._waiting[:PART_BYTES]))
            del self._waiting[:PART_BYTES]

    def flush(self) -> None:
        """Store what waits."""
        if self._waiting:
            self._store_piece(bytes(self._waiting))
            self._waiting.clear()

    def _store_piece(self, piece: bytes) -> None:
        name = f"{self._folder}/{self._offset:015d}"
        with told(name, writing=True):
            # A request that was overtaken ends late, with less than has come since. A list that is
            # refused says why, which HEAD does not; it begins with this piece.
            former = f"{self._folder}/{self._offset - 1:015d}"
            page = next(obstore.list(self._store, self._folder, offset=former), [])
            if not any(one["path"] == name and one["size"] >= len(piece) for one in page):
                obstore.put(self._slow, name, piece, use_multipart=False)
        self._offset += len(piece)


def _found(store: S3Store, name: str) -> Mapping[str, Any] | None:
    with suppress(FileNotFoundError):
        return obstore.head(store, name)
    return None


def _digest(uri: str) -> str:
    return _sums_of(uri).rpartition("/")[2]


def _age(one: Mapping[str, Any]) -> float:
    return time.time() - float(one["last_modified"].timestamp())


def connect(settings: BucketSettings, bucket: str, prefix: str) -> S3Store:
    """A client of the bucket.

    Raises:
        InvalidInput: the settings do not make one.
    """
    config: dict[str, Any] = {
        "region": settings.s3_region,
        "virtual_hosted_style_request": not settings.s3_path_style,
        # Some services, Alibaba's among them, know no request that deletes many.
        "disable_bulk_delete": True,
    }
    endpoint = settings.s3_endpoint
    if endpoint and not settings.s3_path_style:
        scheme, _, host = endpoint.partition("://")
        endpoint = f"{scheme}://{bucket}.{host}"
    config |= {"endpoint": endpoint} if endpoint else {}
    if settings.s3_access_key_id:
        config |= {
            "access_key_id": settings.s3_access_key_id,
            "secret_access_key": settings.s3_secret_access_key.get_secret_value(),
        }
        token = settings.s3_session_token.get_secret_value()
        config |= {"session_token": token} if token else {}
    given: dict[str, Any] = {}
    if settings.s3_credentials_file is not None:
        given["credential_provider"] = CredentialsFile(settings.s3_credentials_file)
    try:
        return S3Store(
            bucket,
            prefix=prefix or None,
            config=config,  # type: ignore[arg-type]  # its keys are those of the library
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=5),
                "timeout": TIMEOUT,
            },
            retry_config={
                "max_retries": 3,
                "retry_timeout": RETRY,
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=3),
                    "base": 2,
                },
            },
            **given,
        )
    except (BaseError, ValueError) as error:
        raise InvalidInput(
            f"{SETTINGS} name no store ({type(error).__name__})",
            message_zh=f"{SETTINGS} 未给出有效的对象存储",
        ) from error


def patient(store: S3Store, at_once: int) -> S3Store:
    """The same store for requests that carry so many bytes at once, with time for a slow line.

    What carries little is asked of `store` itself, so that its silence is told soon.
    """
    longer = timedelta(seconds=at_once / SLOWEST_BYTES_S)
    return S3Store(
        prefix=store.prefix,
        config=store.config,
        client_options={**(store.client_options or {}), "timeout": TIMEOUT + longer},
        retry_config={**(store.retry_config or {}), "retry_timeout": RETRY + longer},
        credential_provider=store.credential_provider,
    )


class CredentialsFile:
    """Credentials that somebody else renews in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> dict[str, Any]:
        """Those that hold now.

        Raises:
            StoreRefused: the file has none.
        """
        try:
            kept = orjson.loads(self._path.read_bytes())
            expires = kept.get("expires")
            return {
                "access_key_id": str(kept["access_key_id"]),
                "secret_access_key": str(kept["secret_access_key"]),
                "token": kept.get("session_token"),
                "expires_at": None if expires is None else datetime.fromisoformat(expires),
            }
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise StoreRefused(f"{self._path} has no credentials") from error
