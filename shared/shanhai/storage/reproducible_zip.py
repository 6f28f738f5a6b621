"""Zips whose bytes depend on nothing but what is in them, and which say what that must be."""

import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from shanhai import file_limits
from shanhai.errors import InvalidInput
from shanhai.storage.artifacts import sha256_of

LONG_AGO = (1980, 1, 1, 0, 0, 0)
MANIFEST = "manifest.json"
LONGEST_MANIFEST = 16 * file_limits.BLOCK
NAME = re.compile(r"[a-z0-9_]+(/[a-z0-9_]+)?(\.[a-z]+)?", re.ASCII)
LIMITS = file_limits.ZipLimits()


def write_package(path: Path, about: Mapping[str, Any], members: Iterable[tuple[str, Path]]) -> str:
    """Write a zip of files beside a manifest with their checksums; the SHA-256 of the zip.

    The same files and words give the same bytes.
    """
    ordered = sorted(members)
    listed = []
    for name, file in ordered:
        listed.append({"name": name, "sha256": sha256_of(file), "bytes": file.stat().st_size})
    manifest = json.dumps({**about, "members": listed}, ensure_ascii=False, indent=1) + "\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        archive.writestr(undated(MANIFEST), manifest.encode())
        for name, file in ordered:
            with (
                file.open("rb") as source,
                archive.open(undated(name), "w", force_zip64=True) as to,
            ):
                while block := source.read(file_limits.BLOCK):
                    to.write(block)
    return sha256_of(path)


def undated(name: str, compression: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    """A member of a zip that tells of no day, machine or account."""
    told = zipfile.ZipInfo(name, LONG_AGO)
    told.compress_type = compression
    told.external_attr = 0o644 << 16
    told.create_system = 3
    return told


def open_package(
    path: Path, folder: Path, limits: file_limits.ZipLimits = LIMITS
) -> Mapping[str, Any]:
    """Unpack a package into an empty folder of our own, and give its manifest.

    Raises:
        InvalidInput: it is no package, holds what its manifest does not list, or other bytes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = _checked(archive, limits)
            manifest = _manifest(archive, members)
            listed = _listed(manifest, members)
            left = limits.room(path.stat().st_size)
            for name, told in listed.items():
                left -= _unpack(archive, members[name], folder / name, told, left)
            return manifest
    except file_limits.BROKEN_ZIP as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise _refused("the file is no whole zip", "文件不是完整的 zip") from error


def _checked(archive: zipfile.ZipFile, limits: file_limits.ZipLimits) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    for info in file_limits.list_members(archive, limits):
        name = info.orig_filename
        if NAME.fullmatch(name) is None or name in found:
            raise _of(name, "has a name no member of a package has", "名称不是规划包成员的名称")
        if (rule := file_limits.why_not_plain(info)) is not None:
            raise _of(name, rule.en, rule.zh)
        found[name] = info
    return found


def _manifest(archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]) -> dict[str, Any]:
    info = members.get(MANIFEST)
    if info is None or info.file_size > LONGEST_MANIFEST:
        raise _refused("the zip has no manifest, so it is no package", "压缩包没有清单，不是规划包")
    with archive.open(info) as file:
        raw = file.read(LONGEST_MANIFEST + 1)
    try:
        manifest = json.loads(raw)
    except (ValueError, RecursionError):
        raise _refused("the manifest is no JSON", "清单不是 JSON") from None
    if len(raw) > LONGEST_MANIFEST or not isinstance(manifest, dict):
        raise _refused("the manifest is no JSON object", "清单不是 JSON 对象")
    return manifest


def _listed(
    manifest: Mapping[str, Any], members: Mapping[str, zipfile.ZipInfo]
) -> dict[str, Mapping[str, Any]]:
    entries = manifest.get("members")
    if not isinstance(entries, list) or not all(isinstance(item, dict) for item in entries):
        raise _refused("the manifest lists no members", "清单未列出成员")
    listed = {str(item.get("name")): item for item in entries}
    for name in sorted(listed.keys() ^ (members.keys() - {MANIFEST}))[:1]:
        if name in listed:
            raise _of(name, "is listed and not there", "已列出但不存在")
        raise _of(name, "is there and not listed", "存在但未列出")
    return listed


def _unpack(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    target: Path,
    told: Mapping[str, Any],
    most: int,
) -> int:
    """Unpack a member and compare it with what the manifest tells of it; its size."""
    target.parent.mkdir(exist_ok=True)
    digest = hashlib.sha256()
    size = file_limits.unpack_member(archive, info, target, most, digest)
    if (told.get("sha256"), told.get("bytes")) != (digest.hexdigest(), size):
        raise _of(info.orig_filename, "is not what the manifest says", "与清单的校验值不符")
    return size


def _of(name: str, en: str, zh: str) -> InvalidInput:
    return _refused(f"member {name[:100]!r} {en}", f"成员 {name[:100]!r} {zh}")


def _refused(en: str, zh: str) -> InvalidInput:
    return InvalidInput(en, message_zh=zh, pointer=file_limits.UPLOAD)
