"""How a package is laid out: which member holds what, and what its manifest says."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shanhai.db.packages.holdings import Holding, by_table, in_order
from shanhai.errors import InvalidInput

FORMAT, VERSION = "shanhai-plan-package", 1
LAYERS = "plan.gpkg"
"""The shapes, to look at; what is rebuilt is in the rows."""
ROWS, DOCUMENTS = "rows", "documents"
DOCUMENT = re.compile(rf"{DOCUMENTS}/[0-9a-f]{{64}}", re.ASCII)
LONGEST_LINE = 64 * 1024**2
UPLOAD = "/inputs/upload"


def about(plan: str) -> dict[str, Any]:
    """What a manifest says beside the members."""
    return {"format": FORMAT, "version": VERSION, "plan": plan}


def member_of(holding: Holding) -> str:
    """The member with the rows of a table."""
    return f"{ROWS}/{holding.table}.json"


def plan_of(manifest: Mapping[str, Any]) -> str:
    """The code of the plan a package is of.

    Raises:
        InvalidInput: it is a package of something else, or of another version, or has a member
            that packages do not have.
    """
    plan = manifest.get("plan")
    if manifest.get("format") != FORMAT or not isinstance(plan, str):
        raise _refused("the file is no package of a plan", "文件不是规划包")
    if manifest.get("version") != VERSION:
        raise _refused(
            f"the package is of version {manifest.get('version')!r}; {VERSION} is read here",
            f"规划包版本为 {manifest.get('version')!r}，此处支持 {VERSION}",
        )
    known = {LAYERS, *(member_of(holding) for holding in in_order())}
    for member in manifest["members"]:
        name = str(member["name"])
        if name not in known and DOCUMENT.fullmatch(name) is None:
            raise _refused(f"{name!r} is no member of a package", f"{name!r} 不是规划包的成员")
        if DOCUMENT.fullmatch(name) and name.rpartition("/")[2] != member.get("sha256"):
            raise _refused(f"{name!r} holds another file", f"{name!r} 与其文件不符")
    return plan


def read_rows(folder: Path) -> Iterator[tuple[Holding, int, str]]:
    """Table, number and text of each row of an unpacked package.

    Raises:
        InvalidInput: a member is no list of rows, one a line.
    """
    for name in by_table():
        holding = by_table()[name]
        path = folder / member_of(holding)
        if path.exists():
            for number, line in enumerate(_lines(path, name), start=1):
                yield holding, number, line


def _lines(path: Path, table: str) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            if file.readline(3) != "[\n":
                raise _refused(f"{table}: is no list of rows", f"{table}：不是数据行列表")
            while (line := file.readline(LONGEST_LINE)) not in {"]\n", ""}:
                if not line.endswith("\n"):
                    raise _refused(f"{table}: a row is too long", f"{table}：数据行过长")
                yield line.removesuffix("\n").removesuffix(",")
            if line == "" or file.read(1):
                raise _refused(f"{table}: does not end as a list", f"{table}：列表未正确结束")
    except UnicodeDecodeError:
        raise _refused(f"{table}: is not UTF-8", f"{table}：不是 UTF-8 编码") from None


def _refused(en: str, zh: str) -> InvalidInput:
    return InvalidInput(en, message_zh=zh, pointer=UPLOAD)
