"""Take a shapefile out of a zip that may have been made to harm."""

import re
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from shanhai.errors import LimitExceeded
from shanhai.vector.sources import UPLOAD, chosen_layer, refuse

NEEDED = (".shp", ".shx", ".dbf")
WANTED = (*NEEDED, ".prj", ".cpg")
NESTED = frozenset({".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".kmz"})
DRIVE = re.compile(r"[A-Za-z]:")
ENCRYPTED = 0x1
NAMED_IN_UTF8 = 0x800
FIRST_BLOCKS = 1024**2
BLOCK = 1024**2


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much an archive may hold."""

    members: int = 1_000
    extracted_bytes: int = 8 * 1024**3
    ratio: int = 200


BOUNDS = Bounds()


def extract_shapefile(
    path: Path, folder: Path, *, layer: str | None = None, bounds: Bounds = BOUNDS
) -> tuple[str, Path]:
    """The name of the shapefile in a zip, and where its parts were extracted under our own name.

    Raises:
        UnsupportedFile: the archive is no such zip or breaks a rule.
        LimitExceeded: it holds more than allowed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = _checked_members(archive, bounds)
            stems = sorted(
                stem for stem, suffix in (_split(name) for name in members) if suffix == ".shp"
            )
            if not stems:
                raise refuse("the zip holds no .shp", "压缩包中没有 .shp 文件")
            by_name = {PurePosixPath(stem).name: stem for stem in stems}
            names = sorted(by_name) if len(by_name) == len(stems) else stems
            chosen = chosen_layer(names, layer)
            stem = by_name.get(chosen, chosen)
            _extract(archive, members, stem, folder, bounds, path.stat().st_size)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise refuse(f"the zip cannot be read: {type(error).__name__}", "压缩包无法读取") from error
    except RuntimeError as error:  # zipfile's word for a password
        raise refuse("the zip is encrypted", "压缩包已加密") from error
    return PurePosixPath(stem).name, folder / "source.shp"


def _checked_members(archive: zipfile.ZipFile, bounds: Bounds) -> dict[str, zipfile.ZipInfo]:
    """The files by name, every name judged."""
    listed = archive.infolist()
    if len(listed) > bounds.members:
        raise LimitExceeded(
            f"the zip has {len(listed)} members; at most {bounds.members} are taken",
            message_zh=f"压缩包有 {len(listed)} 个成员，上限为 {bounds.members}",
            pointer=UPLOAD,
        )
    found: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    for member in listed:
        name = _name(member)
        for rule, rule_zh in _broken_rules(name, member):
            raise refuse(f"member {name[:100]!r} {rule}", f"成员 {name[:100]!r} {rule_zh}")
        if name.lower() in seen:
            raise refuse(f"member {name[:100]!r} is there twice", f"成员 {name[:100]!r} 重复")
        seen.add(name.lower())
        if not member.is_dir():
            found[name] = member
    return found


def _name(member: zipfile.ZipInfo) -> str:
    """The member's name: UTF-8 if it says so or reads so, else GBK, as Windows in China writes."""
    if member.flag_bits & NAMED_IN_UTF8:
        return member.orig_filename
    raw = member.orig_filename.encode("cp437")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise refuse("a member's name is neither UTF-8 nor GBK", "成员名既非 UTF-8 也非 GBK")


def _broken_rules(name: str, member: zipfile.ZipInfo) -> Iterator[tuple[str, str]]:
    parts = name.rstrip("/").split("/")
    if "\\" in name or "\x00" in name:
        yield "has a backslash or NUL in its name", "名称含反斜杠或 NUL"
    if name.startswith("/") or DRIVE.match(name) or any(part in {"", ".", ".."} for part in parts):
        yield "has a path that leads elsewhere", "路径指向别处"
    if stat.S_ISLNK(member.external_attr >> 16):
        yield "is a link", "是链接"
    if member.flag_bits & ENCRYPTED:
        yield "is encrypted", "已加密"
    if PurePosixPath(name.lower()).suffix in NESTED:
        yield "is an archive inside the archive", "是嵌套的压缩包"


def _split(name: str) -> tuple[str, str]:
    stem, dot, suffix = name.rpartition(".")
    return stem, f"{dot}{suffix}".lower()


def _extract(
    archive: zipfile.ZipFile,
    members: dict[str, zipfile.ZipInfo],
    stem: str,
    folder: Path,
    bounds: Bounds,
    archive_bytes: int,
) -> None:
    """Write the parts of one shapefile; what else the archive holds is never unpacked."""
    parts = {
        suffix: member
        for name, member in members.items()
        for own, suffix in [_split(name)]
        if own.lower() == stem.lower() and suffix in WANTED
    }
    missing = [suffix for suffix in NEEDED if suffix not in parts]
    if missing:
        raise refuse(
            f"the shapefile lacks {', '.join(missing)}", f"Shapefile 缺少 {'、'.join(missing)}"
        )
    left = min(bounds.extracted_bytes, max(bounds.ratio * archive_bytes, FIRST_BLOCKS))
    for suffix, member in parts.items():
        left -= _copy(archive, member, folder / f"source{suffix}", left)


def _copy(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, most: int) -> int:
    """Extract a member, counting what really comes out, whatever its header promises."""
    size = 0
    with archive.open(member) as packed, target.open("xb") as file:
        while block := packed.read(BLOCK):
            size += len(block)
            if size > most:
                raise LimitExceeded(
                    "the zip unpacks to more than is allowed for its size",
                    message_zh="压缩包解压后超出允许的大小",
                    pointer=UPLOAD,
                )
            file.write(block)
    return size
