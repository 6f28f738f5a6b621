"""Pages of `docs/howto` carried out: what their blocks say is done in a copy of the source tree."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("shared", "services", "migrations", "tests", "benchmarks", "docs")
FILES = ("pyproject.toml", "mkdocs.yml")
BLOCK = re.compile(r"(?:^`([^`\n]+)`:\n\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a page: the file it belongs to, what it is written in, and its text."""

    file: str
    language: str
    text: str


def blocks_of(page: str) -> Iterator[Block]:
    """The blocks of a page: a line with nothing but a file's name and a colon is before each that
    is one, or a change of one."""
    for file, language, text in BLOCK.findall(page):
        yield Block(file, language, text)


class SourceTree:
    """A copy of what the platform is made of."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.before: dict[str, str] = {}
        self.made: list[str] = []
        for folder in FOLDERS:
            shutil.copytree(ROOT / folder, root / folder, symlinks=True)
        for file in FILES:
            shutil.copy2(ROOT / file, root)

    def follow(self, page: str) -> str:
        """Do what a page of `docs/howto` says, from its first block to its last; its code is clean.

        Returns:
            What its commands said.
        """
        said = []
        for block in blocks_of(self._numbered((ROOT / "docs" / "howto" / page).read_text("utf-8"))):
            if block.language == "sh":
                said.append(self.run(block.text))
            else:
                self._write(block)
        written = " ".join(file for file in (*self.made, *self.before) if file.endswith(".py"))
        self.run(f"ruff check --quiet {written}\nruff format --check --quiet {written}")
        return "".join(said)

    def edited(self) -> dict[str, int]:
        """By file that was there, how many of its lines were changed, added or taken away."""
        return {
            file: _changes(text, (self.root / file).read_text("utf-8"))
            for file, text in self.before.items()
        }

    def _write(self, block: Block) -> None:
        assert block.file, f"no file is named before the block\n{block.text}"
        path = self.root / block.file
        if block.language == "diff":
            text = path.read_text("utf-8")
            self.before.setdefault(block.file, text)
            path.write_text(_patched(text, block), "utf-8")
            return
        assert not path.exists(), f"{block.file} is there already"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, "utf-8")
        self.made.append(block.file)

    def _numbered(self, page: str) -> str:
        """The page with the numbers of the newest and the next revision of the database."""
        newest = max(path.name[:4] for path in (self.root / "migrations/versions").glob("*.py"))
        return page.replace("<newest>", newest).replace("<next>", f"{int(newest) + 1:04d}")

    def run(self, script: str) -> str:
        packages = ("shared", *(f"services/{name}" for name in ("api", "tiles", "worker")))
        kept = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
        environment = {
            **kept,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(str(self.root / name) for name in packages),
        }
        done = subprocess.run(
            ["/bin/sh", "-e", "-c", script],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def _patched(text: str, block: Block) -> str:
    lines = [(line[:1] or " ", line[1:]) for line in block.text.splitlines()]
    was = "".join(f"{line}\n" for mark, line in lines if mark in " -")
    becomes = "".join(f"{line}\n" for mark, line in lines if mark in " +")
    # From the beginning of a line.
    assert f"\n{text}".count(f"\n{was}") == 1, f"not once in {block.file}:\n{was}"
    return f"\n{text}".replace(f"\n{was}", f"\n{becomes}")[1:]


def _changes(before: str, after: str) -> int:
    steps = SequenceMatcher(a=before.splitlines(), b=after.splitlines()).get_opcodes()
    return sum(max(e - b, n - m) for what, b, e, m, n in steps if what != "equal")
