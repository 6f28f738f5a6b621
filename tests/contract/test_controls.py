"""`docs/controls.md`: each statement is one sentence and names a test that is there."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "controls.md"
REFERENCE = re.compile(r"`(tests/[\w/]+\.py)((?:::\w+)+)`")
# The clauses of the third level, by control point; GB/T 22239-2019 and GB/T 39786-2021.
POINTS = {
    "GB/T 22239-2019": {
        "8.1.1",
        *(f"8.1.2.{point}" for point in range(1, 4)),
        *(f"8.1.3.{point}" for point in range(1, 7)),
        *(f"8.1.4.{point}" for point in range(1, 12)),
        *(f"8.1.5.{point}" for point in range(1, 5)),
        *(f"8.1.{point}" for point in range(6, 11)),
    },
    "GB/T 39786-2021": {"5", *(f"8.{point}" for point in range(1, 9))},
}


def rows() -> Iterator[tuple[str, list[str]]]:
    """Each row of a table with the heading above it."""
    heading = ""
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("## "):
            heading = line
        elif line.startswith("| ") and not line.startswith("| clause"):
            yield heading, [cell.strip() for cell in line.strip("|").split(" | ")]


STATED = [cells for heading, cells in rows() if "product" in heading]
DUTIES = [cells for heading, cells in rows() if "dut" in heading]


@cache
def names_in(path: str) -> frozenset[str]:
    """The tests of a file, as pytest names them, read and not run."""
    found = set()
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    for node in tree.body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        inside = f"::{node.name}" if isinstance(node, ast.ClassDef) else ""
        for member in members:
            if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(f"{inside}::{member.name}")
    return frozenset(name for name in found if name.rpartition("::")[2].startswith("test_"))


def test_the_page_has_both_standards() -> None:
    assert len(STATED) > 60
    assert len(DUTIES) > 30
    assert all(len(cells) == 3 for cells in STATED)
    assert all(len(cells) == 2 for cells in DUTIES)


@pytest.mark.parametrize("cells", STATED, ids=lambda cells: f"{cells[0]} {cells[1][:40]}")
def test_a_statement_is_one_sentence_that_a_test_proves(cells: list[str]) -> None:
    _, sentence, proof = cells
    assert re.fullmatch(r"[A-Z][^.]*\.", re.sub(r"(?<=\S)\.(?=\S)", "", sentence)), sentence
    references = REFERENCE.findall(proof)
    assert references
    # Nothing but references stands there.
    assert not REFERENCE.sub("", proof).replace(",", "").strip()
    for path, name in references:
        assert (ROOT / path).is_file(), path
        assert name in names_in(path), f"{path}{name}"


def test_no_other_prose_claims_what_the_product_does() -> None:
    text = PAGE.read_text("utf-8")
    outside = [line for line in text.splitlines() if not line.startswith(("|", "#"))]
    assert len("\n".join(outside)) < 1600


@pytest.mark.parametrize("standard", POINTS)
def test_every_clause_is_answered(standard: str) -> None:
    answered = {
        cells[0].split()[0] for heading, cells in rows() if heading.startswith(f"## {standard}")
    }
    assert answered == POINTS[standard]


def test_a_test_that_is_not_there_is_missed() -> None:
    path = "tests/contract/test_controls.py"
    assert "::test_a_test_that_is_not_there_is_missed" in names_in(path)
    assert "::test_nothing" not in names_in(path)
    assert "::rows" not in names_in(path)
