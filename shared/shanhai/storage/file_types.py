"""What kind of file a file really is, told from its bytes; nothing in it is run or unpacked."""

import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import orjson

from shanhai.errors import LimitExceeded, UnsupportedFile

HEAD_BYTES = 1024
BLOCK = 1024 * 1024
MOST_JSON_BYTES = 32 * 1024**2
"""GeoJSON is read as a whole to see what it is."""
MOST_MEMBERS = 10_000
LISTED_MEMBER = b"PK\x01\x02"
MACROS = re.compile(r"(^|/)vbaProject\.bin$", re.IGNORECASE)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
GEOJSON_TYPES = frozenset(
    {
        *("Feature", "FeatureCollection", "GeometryCollection", "Point", "MultiPoint"),
        *("LineString", "MultiLineString", "Polygon", "MultiPolygon"),
    }
)
OFFICE = "application/vnd.openxmlformats-officedocument"


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file that is accepted: its media type and the endings of its names."""

    media_type: str
    endings: tuple[str, ...]
    recognised: Callable[[Path], bool]

    @property
    def suffix(self) -> str:
        """The ending it is stored with."""
        return self.endings[0]


def kind_of(media_type: str, filename: str) -> FileKind:
    """The kind a file is said to be, by its media type and its name alike.

    Raises:
        UnsupportedFile: it is none that is accepted, or the two differ.
    """
    kind = KINDS.get(media_type.partition(";")[0].strip().lower())
    if kind is None:
        listed = ", ".join(KINDS)
        raise UnsupportedFile(
            f"files of type {media_type or 'unknown'} are not accepted; accepted: {listed}",
            message_zh=f"不接受类型 {media_type or '未知'} 的文件；可接受：{listed}",
            pointer="Content-Type",
        )
    if PurePosixPath(filename).suffix.lower() not in kind.endings:
        endings = ", ".join(kind.endings)
        raise UnsupportedFile(
            f"the name of a file of type {kind.media_type} must end with {endings}",
            message_zh=f"类型 {kind.media_type} 的文件名须以 {endings} 结尾",
            pointer="filename",
        )
    return kind


def demand_kind(path: Path, kind: FileKind) -> None:
    """Make sure that a file is what it is said to be.

    Raises:
        UnsupportedFile: it is not.
        LimitExceeded: it is too large to tell.
    """
    if kind.recognised(path):
        return
    raise UnsupportedFile(
        f"the file is not of type {kind.media_type}",
        message_zh=f"文件内容不是 {kind.media_type}",
        pointer="",
    )


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _starts(*marks: bytes) -> Callable[[Path], bool]:
    return lambda path: _head(path).startswith(marks)


def _is_pdf(path: Path) -> bool:
    return b"%PDF-" in _head(path)


def _is_webp(path: Path) -> bool:
    head = _head(path)
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _members(path: Path) -> list[str]:
    """The names in an archive, of which only the list is read; none when it is no archive."""
    if _member_count(path) > MOST_MEMBERS:
        raise LimitExceeded(
            f"the archive has more than {MOST_MEMBERS} members",
            message_zh=f"压缩包成员超过 {MOST_MEMBERS} 个",
        )
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return []


def _member_count(path: Path) -> int:
    """Members an archive lists, whatever its end announces; of archives stored in it, too."""
    count, before = 0, b""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            count += (before + block).count(LISTED_MEMBER)
            before = block[-3:]
    return count


def _is_office(part: str) -> Callable[[Path], bool]:
    def recognised(path: Path) -> bool:
        names = _members(path)
        whole = "[Content_Types].xml" in names and part in names
        return whole and not any(MACROS.search(name) for name in names)

    return recognised


def _is_zip(path: Path) -> bool:
    names = _members(path)
    return bool(names) and not any(_leaves(name) for name in names)


def _leaves(name: str) -> bool:
    """Whether a member would be unpacked outside the folder it is unpacked to."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return ".." in parts or name.startswith(("/", "\\")) or name[1:2] == ":"


def _is_geojson(path: Path) -> bool:
    if path.stat().st_size > MOST_JSON_BYTES:
        raise LimitExceeded(
            f"GeoJSON may have {MOST_JSON_BYTES} bytes; send a larger one in a ZIP archive",
            message_zh=f"GeoJSON 不得超过 {MOST_JSON_BYTES} 字节，更大的请以 ZIP 压缩包上传",
        )
    try:
        document = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        return False
    return isinstance(document, dict) and document.get("type") in GEOJSON_TYPES


def _is_text(path: Path) -> bool:
    return any(_decodes(path, encoding) for encoding in ("utf-8-sig", "gb18030"))


def _is_table(path: Path) -> bool:
    first = _head(path).split(b"\n", 1)[0]
    return _is_text(path) and any(mark in first for mark in (b",", b";", b"\t"))


def _decodes(path: Path, encoding: str) -> bool:
    """Whether a file is text without control characters, in an encoding."""
    try:
        with path.open(encoding=encoding) as file:
            while block := file.read(BLOCK):
                if CONTROL.search(block):
                    return False
    except UnicodeDecodeError:
        return False
    return path.stat().st_size > 0


_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_ALL = (
    FileKind("application/pdf", (".pdf",), _is_pdf),
    FileKind(f"{OFFICE}.wordprocessingml.document", (".docx",), _is_office("word/document.xml")),
    FileKind(f"{OFFICE}.spreadsheetml.sheet", (".xlsx",), _is_office("xl/workbook.xml")),
    FileKind("image/png", (".png",), _starts(b"\x89PNG\r\n\x1a\n")),
    FileKind("image/jpeg", (".jpg", ".jpeg"), _starts(b"\xff\xd8\xff")),
    FileKind("image/tiff", (".tif", ".tiff"), _starts(*_TIFF)),
    FileKind("image/webp", (".webp",), _is_webp),
    FileKind("application/zip", (".zip",), _is_zip),
    FileKind("application/geo+json", (".geojson", ".json"), _is_geojson),
    FileKind("text/csv", (".csv",), _is_table),
    FileKind("text/plain", (".txt",), _is_text),
)
KINDS: Mapping[str, FileKind] = {kind.media_type: kind for kind in _ALL}
"""What is accepted, by media type."""
