"""Described layers of regions, in a folder or packed into one file for a network that is closed.

A pack is a zip that compresses nothing: its members are read where they lie, whatever their size,
and cannot swell. `manifest.json` lists them with SHA-256 and size, and the credit of each source.
"""

import hashlib
import json
import os
import re
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import ValidationError

from shanhai.client import FilePart
from shanhai.data.regions import REGIONS
from shanhai.errors import Fault, InvalidInput, LimitExceeded, UnsupportedFile
from shanhai.file_limits import BLOCK, BROKEN_ZIP, ZipLimits, draft_of, list_members, why_not_plain
from shanhai.processes.kit.dataset_description import (
    FEATURES,
    DatasetDescription,
    parse_description,
)
from shanhai.storage.reproducible_zip import LONGEST_MANIFEST, MANIFEST, undated
from shanhai.validation import StrictModel, rule_in_chinese, rule_in_english
from shanhai.vocabulary import Label

README = "README.txt"
PACK_FORMAT: Final = "shanhai-data-pack"
PACK_VERSION: Final = 1
MEMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.(tif|json|geojson)", re.ASCII)
"""Names a pack's members have, beside its manifest and README: no folders, no hidden files."""
LIMITS = ZipLimits(members=10_000)
LONGEST_DESCRIPTION = BLOCK
LONGEST_REGIONS = 256 * BLOCK
"""Outlines are read as a whole, so that they have a limit; rasters have none."""
DATA_ENDINGS = frozenset({".tif", ".geojson"})
LOCAL_HEADER = struct.Struct("<4s22xHH")
Told = Callable[[int], object]
"""Hears how many bytes more were read."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A raster or vector layer.

    Attributes:
        description: What is said of it.
        sidecar: The file that says it.
        data: Its values.
    """

    description: DatasetDescription
    sidecar: FilePart
    data: FilePart


@dataclass(frozen=True, slots=True)
class DescribedData:
    """What a folder or a pack holds.

    Attributes:
        regions: Outlines, in the form of `docs/guide/another-city.md`.
        layers: By their data's name, in its order.
        faults: What cannot be taken, by the name of the file, and why.
    """

    regions: FilePart | None
    layers: Mapping[str, Layer]
    faults: Mapping[str, Fault]


class Member(StrictModel):
    """A file of a pack."""

    name: str
    sha256: str
    bytes: int


class Credit(StrictModel):
    """Whence a layer is, and what its licence asks for."""

    file: str
    region: str | None
    name_zh: str
    name_en: str
    source: str | None
    licence: str | None
    citation: str | None = None


class PackManifest(StrictModel):
    """What a pack says it holds."""

    format: Literal["shanhai-data-pack"]
    version: int
    regions: tuple[str, ...]
    credits: tuple[Credit, ...]
    members: tuple[Member, ...]


def is_described(folder: Path) -> bool:
    """Whether a folder has outlines, or a description of any of its files."""
    if (folder / REGIONS).exists() or any(folder.glob(f"*{FEATURES}")):
        return True
    return any(
        path.with_suffix(ending).exists()
        for path in folder.glob("*.json")
        for ending in DATA_ENDINGS
    )


def read_folder(folder: Path) -> DescribedData:
    """What a folder that `shanhai data fetch` or `shanhai data demo` left holds.

    Raises:
        InvalidInput: nothing in it is described.
    """
    files = (path for path in sorted(folder.iterdir()) if path.is_file())
    held = _read({path.name: FilePart.whole(path) for path in files})
    nothing = not held.layers and (held.regions is None or held.faults)
    if nothing and not any(folder.glob(f"*{FEATURES}")):
        look = f"`shanhai data look {folder}`, `shanhai data prepare {folder}`"
        raise InvalidInput(
            f"{folder}: no data file has a description <name>.json beside it; for files of your"
            f" own: {look}",
            message_zh=f"{folder}：没有数据文件带有说明文件 <名称>.json；自有数据请先用：{look}",
            pointer=str(folder),
        )
    return held


def _read(parts: Mapping[str, FilePart]) -> DescribedData:
    """The layers of files by their names."""
    layers: dict[str, Layer] = {}
    faults: dict[str, Fault] = {}
    described: set[str] = set()
    for name, part in parts.items():
        stem, ending = os.path.splitext(name)
        beside = [f"{stem}{one}" for one in DATA_ENDINGS if f"{stem}{one}" in parts]
        if ending != ".json" or name == MANIFEST:
            continue
        try:
            description = _description(part)
        except UnsupportedFile as error:
            # Some other JSON is nobody's description.
            faults |= {name: error.faults[0]} if beside else {}
            described |= set(beside)
            continue
        described.add(description.file)
        data = parts.get(description.file)
        if data is None:
            faults[name] = _fault(name, f"缺少 {description.file}", f"has no {description.file}")
        elif description.file in layers:
            faults[name] = _fault(name, "重复说明同一文件", f"describes {data.name} once more")
        else:
            layers[description.file] = Layer(description, part, data)
    for name in parts.keys() - described:
        if name.endswith(".tif"):
            faults[name] = _fault(name, "没有说明文件", "has no description <name>.json beside it")
    return DescribedData(parts.get(REGIONS), dict(sorted(layers.items())), faults)


def _description(part: FilePart) -> DatasetDescription:
    if part.size > LONGEST_DESCRIPTION:
        raise _refused(part.name, "过长", f"is longer than {LONGEST_DESCRIPTION} bytes")
    return parse_description(DatasetDescription, part.name, part.read())


def write_pack(held: DescribedData, target: Path, told: Told = lambda _: None) -> PackManifest:
    """Pack described layers; the same files give the same bytes, and a cut leaves no file.

    Args:
        held: What is packed, all of it.
        target: The pack, which is there once it is whole.
        told: Hears of the bytes that are packed.

    Raises:
        InvalidInput: something cannot be taken, or is not what its description says.
    """
    if held.faults:
        raise InvalidInput.of(list(held.faults.values()))
    parts = dict(_files_of(held))
    for name in parts:
        if MEMBER.fullmatch(name) is None:
            raise _refused(name, f"名称须符合 {MEMBER.pattern}", f"must match {MEMBER.pattern}")
    features = [] if held.regions is None else read_regions(held.regions)
    with draft_of(target) as draft, draft.open("wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            stored = [_store(archive, parts[name], told) for name in sorted(parts)]
            _demand_described(held, stored)
            manifest = _manifest(held, features, stored)
            text = _readme(manifest).encode()
            archive.writestr(undated(README, zipfile.ZIP_STORED), text)
            readme = Member(name=README, sha256=hashlib.sha256(text).hexdigest(), bytes=len(text))
            manifest = manifest.model_copy(update={"members": (*stored, readme)})
            listed = manifest.model_dump_json(indent=1) + "\n"
            archive.writestr(undated(MANIFEST, zipfile.ZIP_STORED), listed)
        file.flush()
        os.fsync(file.fileno())
    return manifest


def _files_of(held: DescribedData) -> Iterator[tuple[str, FilePart]]:
    if held.regions is not None:
        yield REGIONS, held.regions
    for name, layer in held.layers.items():
        yield name, layer.data
        yield layer.sidecar.name, layer.sidecar


def _store(archive: zipfile.ZipFile, part: FilePart, told: Told) -> Member:
    digest, size = hashlib.sha256(), 0
    with archive.open(undated(part.name, zipfile.ZIP_STORED), "w", force_zip64=True) as to:
        for block in part.blocks():
            digest.update(block)
            size += len(block)
            to.write(block)
            told(len(block))
    return Member(name=part.name, sha256=digest.hexdigest(), bytes=size)


def _demand_described(held: DescribedData, stored: Iterable[Member]) -> None:
    digests = {member.name: member.sha256 for member in stored}
    faults = [
        _not_as_said(name)
        for name, layer in held.layers.items()
        if digests[name] != layer.description.sha256
    ]
    if faults:
        raise InvalidInput.of(faults)


def read_regions(part: FilePart) -> list[dict[str, Any]]:
    """The features of the outlines.

    Raises:
        UnsupportedFile: it is no FeatureCollection, or too long.
    """
    if part.size > LONGEST_REGIONS:
        raise _refused(part.name, f"超过 {LONGEST_REGIONS} 字节", f"over {LONGEST_REGIONS} bytes")
    try:
        document = json.loads(part.read())
        features: list[dict[str, Any]] = document["features"]
        if not all(isinstance(one["properties"]["code"], str) for one in features):
            raise TypeError
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _refused(
            part.name,
            "不是每个要素都有 code 的 GeoJSON FeatureCollection",
            "is no GeoJSON FeatureCollection whose features have a `code`",
        ) from error
    return features


def _manifest(
    held: DescribedData, features: list[dict[str, Any]], stored: list[Member]
) -> PackManifest:
    outlines = {
        (told.get("source"), told.get("licence"))
        for told in (one["properties"] for one in features)
    }
    given = [
        Credit(
            file=REGIONS,
            region=None,
            name_zh="区域边界",
            name_en="Outlines of the regions",
            source=source,
            licence=licence,
        )
        for source, licence in sorted(outlines, key=str)
    ]
    layers = [_credit(name, layer.description) for name, layer in held.layers.items()]
    codes = {str(one["properties"]["code"]) for one in features}
    return PackManifest(
        format=PACK_FORMAT,
        version=PACK_VERSION,
        regions=tuple(sorted(codes | {one.description.region for one in held.layers.values()})),
        credits=(*given, *layers),
        members=tuple(stored),
    )


def _credit(name: str, said: DatasetDescription) -> Credit:
    return Credit(
        file=name,
        region=said.region,
        name_zh=said.name_zh,
        name_en=said.name_en,
        source=said.source,
        licence=said.licence,
        citation=None if said.origin is None else said.origin.citation,
    )


README_TEXT = """\
山海数据包（格式 {format}，版本 {version}）
区域：{regions}

内容：区域边界 regions.geojson；栅格 <专题>.tif 与说明 <专题>.json；清单 manifest.json，
列出每个成员的 SHA-256。本压缩包不压缩成员，可用任何解压软件打开。

在内网中：
    shanhai data verify <本文件>      核对每个成员
    shanhai import <本文件>           登记区域与栅格；中断后再次执行即可继续

使用与再分发须遵守下列各来源的许可并注明出处。

Data pack of Shanhai (format {format}, version {version})
Regions: {regions}

It holds outlines, regions.geojson; rasters <theme>.tif, each with its description <theme>.json;
and manifest.json with the SHA-256 of every member. Nothing in the zip is compressed.

Inside the closed network:
    shanhai data verify FILE      looks at every member
    shanhai import FILE           registers regions and rasters; run again, it goes on after a cut

Whoever uses or passes on the data keeps to the licences below and names the sources.

来源与许可 · Sources and licences
"""


def _readme(manifest: PackManifest) -> str:
    head = README_TEXT.format(
        format=manifest.format, version=manifest.version, regions=", ".join(manifest.regions)
    )
    entries = [
        f"\n{one.file}  {one.name_zh} · {one.name_en}\n"
        f"    来源 source: {one.source or '未注明 not stated'}\n"
        f"    许可 licence: {one.licence or '未注明 not stated'}\n"
        + (f"    引用 citation: {one.citation}\n" if one.citation else "")
        for one in manifest.credits
    ]
    return head + "".join(entries)


def open_pack(path: Path) -> DescribedData:
    """What a pack holds, read where it lies; rasters are compared with their SHA-256 when sent.

    Raises:
        UnsupportedFile: it is no pack, of another version, or not what its manifest lists.
    """
    manifest, parts, faults = _opened(path)
    if faults:
        raise UnsupportedFile.of(faults)
    digests = {member.name: member.sha256 for member in manifest.members}
    parts.pop(README, None)
    broken = {
        name: _not_as_listed(name)
        for name, part in parts.items()
        if (name == REGIONS or name.endswith(".json")) and part.sha256() != digests[name]
    }
    held = _read({name: part for name, part in parts.items() if name not in broken})
    for name, layer in held.layers.items():
        if layer.description.sha256 != digests[name]:
            broken[name] = _not_as_said(name)
    layers = {name: layer for name, layer in held.layers.items() if name not in broken}
    return DescribedData(held.regions, layers, {**held.faults, **broken})


def verify_pack(path: Path, told: Told = lambda _: None) -> list[Fault]:
    """What is broken in a pack, member by member; nothing in one that is whole.

    Raises:
        UnsupportedFile: it is no pack, or of another version.
    """
    manifest, parts, faults = _opened(path)
    for member in manifest.members:
        part, digest = parts.get(member.name), hashlib.sha256()
        if part is None:
            continue
        for block in part.blocks():
            digest.update(block)
            told(len(block))
        if digest.hexdigest() != member.sha256:
            faults.append(_not_as_listed(member.name))
    if not faults:
        faults += open_pack(path).faults.values()
    return faults


def _opened(path: Path) -> tuple[PackManifest, dict[str, FilePart], list[Fault]]:
    """The manifest, where each member lies, and what in the zip is not as the manifest has it."""
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            infos = {one.orig_filename: one for one in list_members(archive, LIMITS)}
            twice = len(archive.infolist()) - len(infos)
            wrong = {name: rule for name, one in infos.items() if (rule := _why_not(one))}
            parts = {
                name: FilePart(path, _start_of(file, one), one.file_size, name)
                for name, one in infos.items()
                if name not in wrong
            }
    except BROKEN_ZIP as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise _refused(path.name, "不是完整的 zip", "is no whole zip") from error
    manifest = _read_manifest(path, parts.pop(MANIFEST, None))
    faults = [_fault(name, rule.zh, rule.en) for name, rule in wrong.items()]
    if twice or len({one.name for one in manifest.members}) < len(manifest.members):
        faults.append(_fault(path.name, "有同名成员", "has two members of one name"))
    if sum(part.size for part in parts.values()) > path.stat().st_size:
        faults.append(_fault(path.name, "成员相互重叠", "has members that overlap"))
    faults += _differences(manifest, parts, set(infos))
    return manifest, parts, faults


def _differences(
    manifest: PackManifest, parts: Mapping[str, FilePart], there: set[str]
) -> Iterator[Fault]:
    """In what a zip and its manifest differ."""
    listed = {member.name: member.bytes for member in manifest.members}
    for name in sorted(listed.keys() - there):
        yield _fault(name, "已列出但不存在", "is listed and not there")
    for name in sorted(parts.keys() - listed.keys()):
        yield _fault(name, "存在但未列出", "is there and not listed")
    for name in sorted(parts.keys() & listed.keys()):
        size, most = parts[name].size, listed[name]
        if size != most:
            yield _fault(
                name, f"为 {size} 字节，清单为 {most}", f"has {size} bytes, not {most} as listed"
            )


def _why_not(info: zipfile.ZipInfo) -> Label | None:
    """The rule of a pack that a member breaks."""
    name = info.orig_filename
    if name not in {MANIFEST, README} and MEMBER.fullmatch(name) is None:
        return Label("名称不是数据包成员的名称", "has a name no member of a pack has")
    if (rule := why_not_plain(info)) is not None:
        return rule
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        return Label("已压缩；数据包不压缩成员", "is compressed, which no member of a pack is")
    return None


def _start_of(file: Any, info: zipfile.ZipInfo) -> int:
    """Where the bytes of a member begin: after its own header, whose length is told nowhere else.

    Raises:
        BadZipFile: there is no such header, or the file ends before the member does.
    """
    file.seek(info.header_offset)
    head = file.read(LOCAL_HEADER.size)
    if len(head) < LOCAL_HEADER.size:
        raise zipfile.BadZipFile
    mark, name, extra = LOCAL_HEADER.unpack(head)
    start = int(file.tell() + name + extra)
    if mark != b"PK\3\4" or file.read(name) != info.orig_filename.encode():
        raise zipfile.BadZipFile
    if start + info.file_size > os.fstat(file.fileno()).st_size:
        raise zipfile.BadZipFile
    return start


def _read_manifest(path: Path, part: FilePart | None) -> PackManifest:
    """The manifest of a pack of a version we read.

    Raises:
        UnsupportedFile: there is none, it breaks a rule, or it is of another version.
    """
    if part is not None and part.size > LONGEST_MANIFEST:
        raise LimitExceeded(
            f"{MANIFEST} has {part.size} bytes; at most {LONGEST_MANIFEST} are read",
            message_zh=f"{MANIFEST} 为 {part.size} 字节，上限为 {LONGEST_MANIFEST}",
            pointer=MANIFEST,
        )
    try:
        document = None if part is None else json.loads(part.read())
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("format") != PACK_FORMAT:
        raise _refused(path.name, "不是山海数据包", "is no data pack of Shanhai")
    if document.get("version") != PACK_VERSION:
        raise _refused(
            f"{MANIFEST}/version",
            f"为 {document.get('version')!r}；本版本读取 {PACK_VERSION}，请更新软件",
            f"is {document.get('version')!r}; this release reads {PACK_VERSION}: update it",
        )
    try:
        return PackManifest.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = "/".join([MANIFEST, *map(str, first["loc"])])
        raise _refused(where, rule_in_chinese(first), rule_in_english(first)) from error


def _not_as_listed(name: str) -> Fault:
    return _fault(name, "与清单的 SHA-256 不符", "is not what the manifest says (SHA-256)")


def _not_as_said(name: str) -> Fault:
    return _fault(name, "与其说明的 SHA-256 不符", "is not what its description says (SHA-256)")


def _fault(name: str, zh: str, en: str) -> Fault:
    shown = name[:100]
    return Fault(shown, f"{shown!r} {en}", f"“{shown}”{zh}")


def _refused(name: str, zh: str, en: str) -> UnsupportedFile:
    return UnsupportedFile.of([_fault(name, zh, en)])
