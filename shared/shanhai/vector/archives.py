"""Take a shapefile out of a zip that may have been made to harm."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from shanhai.vector.sources import chosen_layer, refuse
from shanhai.zip_limits import ZipLimits, list_members, unpack_member, why_not_plain

NEEDED = (".shp", ".shx", ".dbf")
WANTED = (*NEEDED, ".prj", ".cpg")
NESTED = frozenset({".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".kmz"})
DRIVE = re.compile(r"[A-Za-z]:")
NAMED_IN_UTF8 = 0x800
LIMITS = ZipLimits(members=1_000)


def extract_shapefile(
    path: Path, folder: Path, *, layer: str | None = None, limits: ZipLimits = LIMITS
) -> tuple[str, Path]:
    """The name of the shapefile in a zip, and where its parts were extracted under our own name.

    Raises:
        UnsupportedFile: the archive is no such zip or breaks a rule.
        LimitExceeded: it holds more than allowed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = _checked_members(archive, limits)
            stems = sorted(
                stem for stem, suffix in (_split(name) for name in members) if suffix == ".shp"
            )
            if not stems:
                raise refuse("the zip holds no .shp", "压缩包中没有 .shp 文件")
            by_name = {PurePosixPath(stem).name: stem for stem in stems}
            names = sorted(by_name) if len(by_name) == len(stems) else stems
            chosen = chosen_layer(names, layer)
            stem = by_name.get(chosen, chosen)
            _extract(archive, members, stem, folder, limits, path.stat().st_size)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise refuse(f"the zip cannot be read: {type(error).__name__}", "压缩包无法读取") from error
    except RuntimeError as error:  # zipfile's word for a password
        raise refuse("the zip is encrypted", "压缩包已加密") from error
    return PurePosixPath(stem).name, folder / "source.shp"


def _checked_members(archive: zipfile.ZipFile, limits: ZipLimits) -> dict[str, zipfile.ZipInfo]:
    """The files by name, every name judged."""
    found: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    for member in list_members(archive, limits):
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
    if (rule := why_not_plain(member)) is not None:
        yield rule.en, rule.zh
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
    limits: ZipLimits,
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
    left = limits.room(archive_bytes)
    for suffix, member in parts.items():
        left -= unpack_member(archive, member, folder / f"source{suffix}", left)
