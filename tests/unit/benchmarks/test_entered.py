import os
import subprocess
import sys
from pathlib import Path

from benchmarks.house.entered import Notebook

CALLER = "from shanhai.vocabulary import label_of; label_of('cooling')"
VOCABULARY = "shared/shanhai/vocabulary.py"


def run(notebook: Notebook) -> None:
    subprocess.run([sys.executable, "-c", CALLER], env=os.environ | notebook.settings, check=True)


def test_functions_are_noted_by_the_slice_in_which_they_are_entered(tmp_path: Path) -> None:
    notebook = Notebook(tmp_path / "notebook")
    run(notebook)
    with notebook.slice() as found:
        run(notebook)
    with notebook.slice() as nothing:
        pass
    run(notebook)
    assert (VOCABULARY, "label_of") in found
    assert {file for file, _ in found} == {VOCABULARY}
    assert nothing == set()
