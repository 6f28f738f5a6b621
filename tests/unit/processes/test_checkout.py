"""The commit is read from the files git keeps."""

from pathlib import Path

from shanhai.processes.kit.checkout import git_commit

ONE, OTHER = "1" * 40, "2" * 40


def repository(folder: Path, head: str) -> Path:
    git = folder / ".git"
    git.mkdir(parents=True)
    (git / "HEAD").write_text(head + "\n")
    return git


def test_without_repository_there_is_none(tmp_path: Path) -> None:
    assert git_commit(tmp_path) is None


def test_a_branch_before_its_first_commit_has_none(tmp_path: Path) -> None:
    repository(tmp_path, "ref: refs/heads/main")
    assert git_commit(tmp_path) is None


def test_a_branch(tmp_path: Path) -> None:
    git = repository(tmp_path, "ref: refs/heads/main")
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "refs" / "heads" / "main").write_text(ONE + "\n")
    assert git_commit(tmp_path) == ONE


def test_a_commit_checked_out_by_itself(tmp_path: Path) -> None:
    repository(tmp_path, OTHER)
    assert git_commit(tmp_path) == OTHER


def test_packed_references(tmp_path: Path) -> None:
    git = repository(tmp_path, "ref: refs/heads/main")
    lines = ["# pack-refs with: peeled", f"{OTHER} refs/heads/mainly", f"{ONE} refs/heads/main"]
    (git / "packed-refs").write_text("\n".join(lines) + "\n")
    assert git_commit(tmp_path) == ONE


def test_a_linked_worktree(tmp_path: Path) -> None:
    main = repository(tmp_path / "main", "ref: refs/heads/main")
    own = main / "worktrees" / "other"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/other\n")
    (own / "commondir").write_text("../..\n")
    (main / "refs" / "heads").mkdir(parents=True)
    (main / "refs" / "heads" / "other").write_text(OTHER + "\n")
    linked = tmp_path / "other"
    linked.mkdir()
    (linked / ".git").write_text(f"gitdir: {own}\n")
    assert git_commit(linked) == OTHER
