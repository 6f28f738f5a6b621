"""Chinese text has Chinese punctuation, in programs and in the templates of pages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = [
    *(ROOT / "shared" / "shanhai").rglob("*.py"),
    *(ROOT / "services").glob("*/shanhai_*/**/*.py"),
]
TEMPLATES = sorted((ROOT / "services").glob("*/shanhai_*/templates/*.html"))
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;(]|[,;)][\u4e00-\u9fff]")
OF_FORMATS = (
    *("西,南,东,北", "主机,主机", "t/(ha·a)", "/(公顷·年)"),
    *("/ 演示数据)", "审图号)", " 土地覆盖, "),
)
"""What is typed or read as it stands there."""
AFTER_A_VALUE = re.compile(r"[}%]\}(</\w+>)?(: | \()")


def sentences(program: Path) -> Iterator[str]:
    """The strings of a program, without what documents it."""
    tree = ast.parse(program.read_text())
    notes = {id(item.value) for item in ast.walk(tree) if isinstance(item, ast.Expr)}
    for item in ast.walk(tree):
        if isinstance(item, ast.Constant) and isinstance(item.value, str) and id(item) not in notes:
            yield item.value


def test_programs_speak_chinese_with_its_punctuation() -> None:
    found = [
        f"{program.relative_to(ROOT)}: {text}"
        for program in PROGRAMS
        for text in sentences(program)
        if HALF_WIDTH.search(text) and not any(known in text for known in OF_FORMATS)
    ]
    assert not found


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.stem)
def test_pages_take_punctuation_from_their_language(template: Path) -> None:
    lines = template.read_text().splitlines()
    assert not [line for line in lines if AFTER_A_VALUE.search(line)]
