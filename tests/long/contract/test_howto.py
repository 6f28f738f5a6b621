"""The pages of `docs/howto` lead where they say: each is carried out, and its edits are counted."""

import re
from pathlib import Path

import pytest

from tests.support.howto import PATIENCE_S, ROOT, SourceTree

pytestmark = pytest.mark.timeout(PATIENCE_S)


NAMED = re.compile(r"`((?:docs|migrations|services|shared|tests)/[\w./-]+\.\w+)`")


def test_the_files_that_contributors_are_sent_to_are_there() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    table = page.partition("## Where is …?")[2].partition("\n## ")[0]
    assert len(NAMED.findall(table)) == 10
    links = re.findall(r"\]\((docs/[^)]+)\)", page)
    missing = [file for file in (*NAMED.findall(page), *links) if not (ROOT / file).is_file()]
    assert missing == []


@pytest.fixture
def tree(tmp_path: Path) -> SourceTree:
    return SourceTree(tmp_path / "tree")


def test_a_process_is_a_folder_and_one_line(tree: SourceTree) -> None:
    said = tree.follow("add-a-process.md")
    assert "passed" in said
    assert "out/measures.json" in said
    assert "manifest.json" not in said, "it writes none"
    assert tree.edited() == {"shared/shanhai/processes/catalogue.py": 1}


def test_an_ecosystem_service_is_a_module_and_one_line_of_the_platform(tree: SourceTree) -> None:
    tree.follow("add-an-ecosystem-service.md")
    seeds = "tests/unit/db/test_plan_figures.py -k every_city_holds_what_its_sources_say"
    assert "2 passed" in tree.run(f"python -m pytest {seeds}"), "it is no affair of the seeds"
    documents = {"docs/glossary.md": 1, "mkdocs.yml": 1}
    assert tree.edited() == {"shared/shanhai/vocabulary.py": 1, **documents}


def test_a_layer_style_is_one_entry(tree: SourceTree) -> None:
    tree.follow("add-a-layer-style.md")
    features = "shared/shanhai/feature_styles.py"
    assert tree.edited() == {"shared/shanhai/cartography.py": 1, features: 6}


@pytest.mark.usefixtures("private_postgres")  # without one the page's tests would be skipped
def test_a_collection_is_a_declaration_and_three_lines_of_the_platform(tree: SourceTree) -> None:
    tree.follow("add-a-collection.md")
    assert tree.edited() == {
        "shared/shanhai/db/collections/catalogue.py": 2,
        "shared/shanhai/feature_styles.py": 1,
        "tests/unit/features/test_declarations.py": 1,
    }
