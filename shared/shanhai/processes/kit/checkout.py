"""Which commit the program that runs was checked out from, and what its source is."""

import hashlib
from functools import cache
from itertools import chain
from pathlib import Path

import shanhai

CHECKOUT = Path(shanhai.__file__).resolve().parents[2]
"""Where the repository lies when the program is run from one."""


def git_commit(checkout: Path = CHECKOUT) -> str | None:
    """Name of the commit checked out; None where there is no repository or no commit yet.

    Changes that are not committed do not show.
    """
    repository = _repository(checkout / ".git")
    if repository is None:
        return None
    head = (repository / "HEAD").read_text(encoding="utf-8").strip()
    if not head.startswith("ref: "):
        return head
    name = head.removeprefix("ref: ")
    for folder in (repository, _common(repository)):
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8").strip()
    return _packed(_common(repository) / "packed-refs", name)


def _repository(git: Path) -> Path | None:
    """The folder that holds HEAD; of a linked worktree `.git` is a file that names it."""
    if git.is_file():
        target = git.read_text(encoding="utf-8").strip().removeprefix("gitdir: ")
        git = git.parent / target
    return git if (git / "HEAD").is_file() else None


def _common(repository: Path) -> Path:
    """The folder with the references all worktrees share."""
    pointer = repository / "commondir"
    if not pointer.is_file():
        return repository
    return repository / pointer.read_text(encoding="utf-8").strip()


def _packed(references: Path, name: str) -> str | None:
    if not references.is_file():
        return None
    lines = (line.split() for line in references.read_text(encoding="utf-8").splitlines())
    return next((words[0] for words in lines if words[1:] == [name]), None)


@cache
def own_commit() -> str | None:
    """The commit of this program when it was first asked for."""
    return git_commit()


@cache
def source_digest() -> str:
    """Of the source of this package: a checkout changes without its version."""
    root, found = Path(shanhai.__path__[0]), hashlib.sha256()
    parts = [
        (root / part).rglob("*.py") for part in ("processes", "raster", "reporting", "science")
    ]
    for path in sorted(chain(root.glob("*.py"), *parts)):
        found.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return found.hexdigest()
