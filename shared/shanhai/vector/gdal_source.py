"""Files GDAL reads, each by the one driver its first bytes name; shapefiles come in a zip."""

import json
import re
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any
from weakref import finalize

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from shanhai.file_limits import (
    BROKEN_ZIP,
    ZipLimits,
    list_members,
    unpack_member,
    why_not_plain,
)
from shanhai.vector import sources
from shanhai.vector.gdal import check_driver, pyogrio
from shanhai.vector.shapefile import TEXT_BYTES
from shanhai.vector.tables import BLOCK_ROWS
from shanhai.vocabulary import Label

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
            members = checked_members(archive, limits)
            parts = [_split(name) for name in members]
            # macOS packs `__MACOSX/._a.shp`, which is no shapefile, beside `a.shp`.
            stems = sorted(a for a, suffix in parts if suffix == ".shp" and "/._" not in f"/{a}")
            if not stems:
                raise sources.refuse("the zip holds no .shp", "压缩包中没有 .shp 文件")
            by_name = {PurePosixPath(stem).name: stem for stem in stems}
            names = sorted(by_name) if len(by_name) == len(stems) else stems
            chosen = sources.chosen_layer(names, layer)
            stem = by_name.get(chosen, chosen)
            _extract(archive, members, stem, folder, limits, path.stat().st_size)
    except (*BROKEN_ZIP, ValueError) as error:
        raise sources.refuse(
            f"the zip cannot be read: {type(error).__name__}", "压缩包无法读取"
        ) from error
    except RuntimeError as error:  # zipfile's word for a password
        raise sources.refuse("the zip is encrypted", "压缩包已加密") from error
    return PurePosixPath(stem).name, folder / "source.shp"


def checked_members(archive: zipfile.ZipFile, limits: ZipLimits) -> dict[str, zipfile.ZipInfo]:
    """The files by name, every name judged."""
    found: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    for member in list_members(archive, limits):
        name = _name(member)
        for rule, rule_zh in _broken_rules(name, member):
            raise sources.refuse(f"member {name[:100]!r} {rule}", f"成员 {name[:100]!r} {rule_zh}")
        if name.lower() in seen:
            raise sources.refuse(
                f"member {name[:100]!r} is there twice", f"成员 {name[:100]!r} 重复"
            )
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
    raise sources.refuse("a member's name is neither UTF-8 nor GBK", "成员名既非 UTF-8 也非 GBK")


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
    _demand_parts(parts)
    left = limits.room(archive_bytes)
    for suffix, member in parts.items():
        left -= unpack_member(archive, member, folder / f"source{suffix}", left)


def _demand_parts(parts: Container[str]) -> None:
    missing = [suffix for suffix in NEEDED if suffix not in parts]
    if missing:
        raise sources.refuse(
            f"the shapefile lacks {', '.join(missing)}", f"Shapefile 缺少 {'、'.join(missing)}"
        )


BYTES_AS_TEXT = "ISO-8859-1"
"""Keeps every byte as one character, so that we decode, strictly, and not GDAL."""
SAFE_VIRTUAL_TABLES = ("rtree", "fts")
UNREADABLE = Label("其几何无法读取", "its geometry cannot be read")


class LayerSource:
    """A layer of a file, read in Arrow batches."""

    def __init__(
        self, path: Path, info: sources.SourceInfo, layer: str | None, codec: str | None
    ) -> None:
        self.info = info
        self._path = path
        self._layer = layer
        self._codec = codec

    def blocks(self) -> Iterator[sources.SourceBlock]:
        """The rows of the layer."""
        try:
            with self._opened() as (geometry, reader):
                for batch in reader:
                    batch.validate(full=True)
                    yield self._block(batch, geometry or "wkb_geometry")
        except (pyogrio.errors.DataSourceError, RuntimeError, OSError, ValueError) as error:
            raise _damaged(error) from error

    @contextmanager
    def _opened(self) -> Iterator[tuple[str, Any]]:
        """The name of the geometry and the batches."""
        options: dict[str, Any] = {"encoding": BYTES_AS_TEXT} if self._codec else {}
        with pyogrio.open_arrow(
            self._path, layer=self._layer, batch_size=BLOCK_ROWS, use_pyarrow=True, **options
        ) as (meta, reader):
            yield meta["geometry_name"], reader

    def _block(self, batch: Any, geometry: str) -> sources.SourceBlock:
        names = batch.schema.names
        place = names.index(geometry)
        columns: dict[str, Sequence[Any]] = {}
        texts = [name for name in names if name != geometry]
        for name, own in zip(texts, self.info.fields if self._codec else texts, strict=True):
            values = batch.column(names.index(name)).to_pylist()
            columns[own] = self._decoded(values) if self._codec else values
        shapes = [value or None for value in batch.column(place).to_pylist()]
        broken = dict.fromkeys(self._lost(shapes), UNREADABLE)
        return sources.SourceBlock(shapes, columns, broken)

    def _lost(self, shapes: Sequence[bytes | None]) -> Iterator[int]:
        """Points of a FlatGeobuf that GDAL calls empty because a number of theirs is none.

        A row without geometry has none at all there.
        """
        if self.info.format != "FlatGeobuf":
            return
        found = sources.shapes_of(shapes)
        points: NDArray[np.bool_] = np.equal(shapely.get_type_id(found), 0)
        yield from map(int, np.flatnonzero(points & shapely.is_empty(found)))

    def _decoded(self, values: list[Any]) -> list[Any]:
        codec = self._codec or BYTES_AS_TEXT
        return [
            sources.decode_cut(one.encode(BYTES_AS_TEXT), codec) if isinstance(one, str) else one
            for one in values
        ]


def open_layer(path: Path, driver: str, wishes: sources.Wishes) -> sources.FeatureSource:
    """A layer of a GeoPackage or FlatGeobuf file.

    Raises:
        UnsupportedFile: the file is damaged or not what its first bytes promised.
    """
    layer = None
    if driver == "GPKG":
        _check_tables(path)
        layer = sources.chosen_layer(_layers(path), wishes.layer)
    info = _info(path, driver, layer)
    if info["geometry_type"] is None:
        raise sources.refuse("the layer has no geometry column", "图层没有几何字段")
    described = sources.SourceInfo(
        driver, tuple(map(str, info["fields"])), layer or str(info["layer_name"]), info["crs"]
    )
    return LayerSource(path, described, layer, None)


def open_shapefile(path: Path, folder: Path, wishes: sources.Wishes) -> sources.FeatureSource:
    """The shapefile in a zip.

    Raises:
        UnsupportedFile: the zip or the shapefile breaks a rule, or its texts cannot be read.
    """
    return _opened_parts(*extract_shapefile(path, folder, layer=wishes.layer), wishes)


def open_loose_shapefile(path: Path, wishes: sources.Wishes) -> sources.FeatureSource:
    """A shapefile that lies beside its other parts, whatever case their endings are in.

    Raises:
        UnsupportedFile: parts are missing or cannot be read.
    """
    beside = {one.suffix.lower(): one for one in path.parent.iterdir() if one.stem == path.stem}
    parts = {end: beside[end] for end in WANTED if end in beside} | {".shp": path}
    _demand_parts(parts)
    with ExitStack() as kept:
        folder = Path(kept.enter_context(TemporaryDirectory(prefix="shanhai-")))
        links = [sources.named_copy(part, folder, end) for end, part in parts.items()]
        source = _opened_parts(path.stem, links[0], wishes)
        finalize(source, kept.pop_all().close)
    return source


def _opened_parts(name: str, shapefile: Path, wishes: sources.Wishes) -> LayerSource:
    encoding = sources.find_encoding(shapefile.with_suffix(".dbf"), wished=wishes.encoding)
    info = _info(shapefile, "ESRI Shapefile", None, encoding=BYTES_AS_TEXT)
    fields: list[str] = []
    for raw in info["fields"]:
        field = sources.decode_cut(raw.encode(BYTES_AS_TEXT, "replace"), encoding.name)
        # Two names may differ in a half of a character alone.
        fields.append(f"{field}_{len(fields) + 1}" if field in fields else field)
    described = sources.SourceInfo(
        "ESRI Shapefile",
        tuple(fields),
        name,
        info["crs"],
        encoding.name,
        encoding.told_by,
        encoding.samples,
        TEXT_BYTES,
    )
    return LayerSource(shapefile, described, None, encoding.name)


FILE_GEODATABASE = "shanhai.vector.file_geodatabase"
"""The program that reads file geodatabases: the drivers of a process are chosen once, and those
that open what others upload must not have this one."""


class GeodatabaseSource(LayerSource):
    """A layer of an Esri file geodatabase, read by a process of its own."""

    @contextmanager
    def _opened(self) -> Iterator[tuple[str, Any]]:
        command = [sys.executable, "-m", FILE_GEODATABASE, str(self._path), str(self._layer)]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as program:
            assert program.stdout is not None  # noqa: S101 - it was asked for
            try:
                with pa.ipc.open_stream(program.stdout) as reader:
                    names = reader.schema.metadata or {}
                    yield names.get(b"geometry", b"").decode(), reader
                # A stream that was cut between two batches reads like a whole one.
                if program.wait() != 0:
                    raise RuntimeError("the geodatabase could not be read to its end")
            finally:
                program.kill()


def open_geodatabase(folder: Path) -> list[sources.FeatureSource]:
    """The layers with geometry of an Esri file geodatabase (a folder that ends with `.gdb`).

    Raises:
        UnsupportedFile: it is none, or damaged.
    """
    told = subprocess.run(
        [sys.executable, "-m", FILE_GEODATABASE, str(folder)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if told.returncode != 0:
        last = told.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise _damaged(RuntimeError("".join(last)))
    return [
        GeodatabaseSource(
            folder,
            sources.SourceInfo("OpenFileGDB", tuple(one["fields"]), one["layer"], one["crs"]),
            one["layer"],
            None,
        )
        for one in json.loads(told.stdout)
    ]


def _info(path: Path, driver: str, layer: str | None, **options: Any) -> Mapping[str, Any]:
    try:
        info: Mapping[str, Any] = pyogrio.read_info(path, layer=layer, **options)
    except (pyogrio.errors.DataSourceError, RuntimeError, ValueError, LookupError) as error:
        raise _damaged(error) from error
    check_driver(str(info["driver"]), driver)
    return info


def _layers(path: Path) -> list[str]:
    try:
        return [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    except (pyogrio.errors.DataSourceError, RuntimeError) as error:
        raise _damaged(error) from error


def _check_tables(path: Path) -> None:
    """Refuse a GeoPackage whose schema computes: views, and virtual tables that are no index."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        try:
            rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise _damaged(error) from error
    for kind, name, sql in rows:
        text = " ".join(str(sql or "").lower().split())
        virtual = text.startswith("create virtual table")
        safe = any(f" using {module}" in text for module in SAFE_VIRTUAL_TABLES)
        if kind == "view" or (virtual and not safe):
            raise sources.refuse(
                f"the GeoPackage holds the {'view' if kind == 'view' else 'virtual table'}"
                f" {str(name)[:60]!r}; only plain tables are read",
                f"GeoPackage 含视图或虚拟表 {str(name)[:60]!r}，只读取普通表",
            )


def _damaged(error: Exception) -> Exception:
    detail = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    # GDAL's message may hold our own path, which is nobody's business.
    told = " ".join(word for word in detail.split() if "/" not in word)
    return sources.refuse(f"the file cannot be read: {told}", f"文件无法读取：{told}")
