"""Figures name the commit they were measured at."""

import subprocess
from pathlib import Path

from benchmarks.published import _commit


def test_a_commit_is_marked_where_files_but_the_figures_differ_from_it(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com", *words]
        done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        return done.stdout.decode().strip()

    assert _commit(tmp_path) == ""
    git("init")
    figures, code = tmp_path / "docs" / "benchmarks.json", tmp_path / "code.py"
    figures.parent.mkdir()
    for file in (figures, code):
        file.write_text("{}")
    git("add", ".")
    git("commit", "-m", "all")
    commit = git("rev-parse", "--short=8", "HEAD")
    figures.write_text("{1}")
    assert _commit(tmp_path) == commit
    code.write_text("{1}")
    assert _commit(tmp_path) == f"{commit}+"
