"""What every reader of a file gives: what it is, its rows in blocks, the encoding of its texts."""

import codecs
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import shapely
from numpy.typing import NDArray

from shanhai.errors import UnsupportedFile
from shanhai.vocabulary import Label

ROOM = 8
"""Bytes a text that was cut may fall short of the longest by."""
UPLOAD = "/inputs/upload"
NO_TEXT = re.compile("[\x00\ud800-\udfff]")
"""What the database cannot hold in a text."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the sender says of a file that does not say it itself."""

    crs: str | None = None
    encoding: str | None = None
    layer: str | None = None


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a file turned out to be.

    Attributes:
        crs: As the file has it: `EPSG:n`, WKT or PROJJSON; None when it is silent.
        encoding: Of its texts, and `encoding_from` what told it.
        samples: A few texts as they were decoded, for people to judge.
        text_bytes: The longest text the format holds, in bytes of the encoding; None for any.
    """

    format: str
    fields: tuple[str, ...]
    layer: str | None = None
    crs: str | None = None
    encoding: str = "UTF-8"
    encoding_from: str = "format"
    samples: tuple[str, ...] = ()
    text_bytes: int | None = None

    def may_be_cut(self, value: object) -> bool:
        """Whether a value is as long as the format allows: more may have followed.

        Blanks at its end are not kept, nor is half a character.
        """
        if self.text_bytes is None or not isinstance(value, str):
            return False
        return len(value.encode(self.encoding, "replace")) > self.text_bytes - ROOM


@dataclass(frozen=True, slots=True)
class SourceBlock:
    """Some rows: geometry as WKB, fields as columns, why some were not read, any numbers shown."""

    geometry: Sequence[bytes | None]
    columns: Mapping[str, Sequence[Any]]
    broken: Mapping[int, Label] = field(default_factory=dict)
    numbers: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.geometry)


class FeatureSource(Protocol):
    """An opened file."""

    info: SourceInfo

    def blocks(self) -> Iterator[SourceBlock]:
        """Its rows from the first to the last."""
        ...


CURVED_TYPES = frozenset(range(8, 18))


def type_number(wkb: bytes) -> int:
    """The type without what tells of heights and measures."""
    if len(wkb) < 5:
        return 0
    number = int.from_bytes(wkb[1:5], "little" if wkb[0] == 1 else "big")
    return (number & 0x0FFFFFFF) % 1000


def shapes_of(wkb: Sequence[bytes | None]) -> NDArray[np.object_]:
    """Geometries; None for what cannot be read, and for curves, at which shapely raises."""
    straight = [None if one and type_number(one) in CURVED_TYPES else one for one in wkb]
    return np.asarray(shapely.from_wkb(np.array(straight, dtype=object), on_invalid="ignore"))


def point_wkb(longitude: float | None, latitude: float | None) -> bytes | None:
    """A point as WKB; None where a coordinate is missing."""
    if longitude is None or latitude is None:
        return None
    point: bytes = shapely.Point(longitude, latitude).wkb
    return point


def refuse(en: str, zh: str, pointer: str = UPLOAD) -> UnsupportedFile:
    """The refusal of a file."""
    return UnsupportedFile(en, message_zh=zh, pointer=pointer)


def chosen_layer(names: Sequence[str], wished: str | None) -> str:
    """The layer to read: the one named, or the only one.

    Raises:
        UnsupportedFile: there is none, or several and none was named.
    """
    if wished is not None and wished in names:
        return wished
    listed = ", ".join(names[:20])
    if wished is not None:
        raise refuse(
            f"there is no layer {wished!r}; the file has: {listed}",
            f"没有图层 {wished!r}；文件中有：{listed}",
            "/inputs/layer",
        )
    if len(names) != 1:
        raise refuse(
            f"the file has {len(names)} layers, name one as `layer`: {listed}",
            f"文件有 {len(names)} 个图层，请用 `layer` 指定：{listed}",
            "/inputs/layer",
        )
    return names[0]


def named_copy(path: Path, folder: Path, suffix: str) -> Path:
    """A name of our own making for a file; the content is not copied."""
    link = folder / f"source{suffix}"
    link.symlink_to(path.resolve())
    return link


LANGUAGE_BYTES = {0x4D: "gb18030", 0x7A: "gb18030", 0x03: "cp1252", 0x4F: "big5", 0x78: "big5"}
"""What a table's language byte means; 0x57 only says `the system's own`."""
HEADER_BYTES = 32
FIELD_BYTES = 32
NAME_BYTES = 10
END_OF_FIELDS = 0x0D
ROWS = 16_384
SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the texts are written, what told it, and a few of them."""

    name: str
    told_by: str
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """The layout of a table: names as bytes, and where each text lies in a record."""

    rows: int
    offset: int
    record_bytes: int
    language: int
    names: tuple[bytes, ...]
    texts: tuple[tuple[int, int], ...]


def find_encoding(table: Path, *, wished: str | None = None) -> Encoding:
    """The encoding of a table: as wished, by `.cpg`, by the language byte, or as it reads.

    Raises:
        UnsupportedFile: the texts do not read in what was told, or in nothing that is known.
    """
    header = read_header(table)
    told = _told(table, header, wished)
    if told is not None:
        name, by = told
        found = _decoded(table, header, name, by)
        if found is None:
            raise refuse(
                f"the attributes are not valid {name}, which the {by} says they are;"
                " give `encoding`",
                f"属性表不是有效的 {name}（依据：{by}）；请指定 `encoding`",
                "/inputs/encoding",
            )
        return found
    for name in ("utf-8", "gb18030"):
        found = _decoded(table, header, name, "content")
        if found is not None:
            return found
    raise refuse(
        "the attributes are neither UTF-8 nor GBK; give `encoding`",
        "属性表既非 UTF-8 也非 GBK；请指定 `encoding`",
        "/inputs/encoding",
    )


def python_codec(name: str) -> str | None:
    """The codec for what people call an encoding; None for what is not known here."""
    plain = name.strip().lower().replace("_", "-")
    return {
        **dict.fromkeys(("utf-8", "utf8", "65001", "utf-8-sig"), "utf-8"),
        **dict.fromkeys(("gbk", "gb2312", "gb18030", "cp936", "936", "ansi 936"), "gb18030"),
        **dict.fromkeys(("big5", "950", "cp950"), "big5"),
        **dict.fromkeys(("iso-8859-1", "iso88591", "88591", "latin1"), "latin-1"),
        **dict.fromkeys(("1252", "cp1252", "windows-1252", "ansi 1252"), "cp1252"),
        "us-ascii": "ascii",
        "ascii": "ascii",
    }.get(plain)


def read_header(table: Path) -> Header:
    """The layout of a table.

    Raises:
        UnsupportedFile: it is no dBASE table.
    """
    with table.open("rb") as file:
        head = file.read(HEADER_BYTES)
        if len(head) < HEADER_BYTES:
            raise refuse("the .dbf is cut short", ".dbf 文件不完整")
        rows, offset, record_bytes = struct.unpack_from("<IHH", head, 4)
        names: list[bytes] = []
        texts: list[tuple[int, int]] = []
        place = 1
        while file.tell() < offset - 1:
            field = file.read(FIELD_BYTES)
            if len(field) < FIELD_BYTES or field[0] == END_OF_FIELDS:
                break
            names.append(field[:11].split(b"\x00")[0])
            if field[11:12] == b"C":
                # Long texts keep the high byte of their length where numbers keep decimals.
                length = field[16] + 256 * field[17]
                texts.append((place, length))
            else:
                length = field[16]
            place += length
    if place > record_bytes or record_bytes == 0:
        raise refuse("the .dbf contradicts itself", ".dbf 文件头自相矛盾")
    return Header(rows, offset, record_bytes, head[29], tuple(names), tuple(texts))


def _told(table: Path, header: Header, wished: str | None) -> tuple[str, str] | None:
    if wished is not None:
        codec = python_codec(wished)
        if codec is None:
            raise refuse(
                f"{wished!r} is no known encoding", f"未知编码 {wished!r}", "/inputs/encoding"
            )
        return codec, "parameter"
    page = table.with_suffix(".cpg")
    if page.exists():
        codec = python_codec(page.read_bytes()[:64].decode("ascii", "ignore"))
        if codec is not None:
            return codec, ".cpg"
    language = LANGUAGE_BYTES.get(header.language)
    return None if language is None else (language, "language byte")


def _decoded(table: Path, header: Header, name: str, by: str) -> Encoding | None:
    """The encoding, if every name and text reads in it strictly."""
    samples: list[str] = []
    try:
        for raw in header.names:
            decode_cut(raw, name, NAME_BYTES)
        for texts, length in _texts(table, header):
            try:
                decoded = texts.decode(name)
            except UnicodeDecodeError:
                each = (texts[n : n + length] for n in range(0, len(texts), length + 1))
                decoded = "\n".join(decode_cut(text, name, length) for text in each)
            if len(samples) < SAMPLES and not decoded.isascii():
                told = (line.strip(" \x00") for line in decoded.split("\n"))
                samples += [line for line in told if not line.isascii()][:SAMPLES]
    except UnicodeDecodeError:
        return None
    return Encoding(name, by, tuple(dict.fromkeys(samples))[:SAMPLES])


def decode_cut(raw: bytes, codec: str, room: int = 0) -> str:
    """A text; of one that fills its `room` in bytes, half a character at the end is left out.

    Raises:
        UnicodeDecodeError: it does not read in the encoding.
    """
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        if len(raw.rstrip(b" \x00")) < room:
            raise
        return codecs.getincrementaldecoder(codec)().decode(raw)


def _texts(table: Path, header: Header) -> Iterator[tuple[bytes, int]]:
    """A text column of many records at once, a line break after each text, and its bytes."""
    if not header.texts:
        return
    with table.open("rb") as file:
        file.seek(header.offset)
        left = header.rows
        while left > 0 and (raw := file.read(header.record_bytes * min(ROWS, left))):
            rows = len(raw) // header.record_bytes
            if rows == 0:
                return
            left -= rows
            whole = raw[: rows * header.record_bytes]
            cells = np.frombuffer(whole, np.uint8).reshape(rows, -1)
            ends = np.full((rows, 1), ord("\n"), np.uint8)
            for start, length in header.texts:
                yield np.hstack([cells[:, start : start + length], ends]).tobytes(), length
