"""The documentation says what the code does, and every page of it can be found."""

import re
from collections import Counter
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from benchmarks.page import page
from docs.reference.__main__ import PAGES
from docs.reference.tables import commands_of
from shanhai.cli.app import loaded
from shanhai.settings import ALL_SETTINGS
from shanhai.vocabulary import ECOSERVICES, THEMES, ZONE_CLASSES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ALL_PAGES = {**PAGES, "benchmarks.md": page}
WRITTEN = sorted(path.relative_to(DOCS) for path in DOCS.rglob("*.md"))
GUIDE = [page for page in WRITTEN if page.parts[0] == "guide"]
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
BLOCK = re.compile(r"^ *```(?:sh|bash|console|text)?\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"(?:^|[ /(])shanhai ([^|;#\n]+)", re.MULTILINE)


@pytest.mark.parametrize("name", ALL_PAGES)
def test_generated_page_is_up_to_date(name: str) -> None:
    page: Callable[[], str] = ALL_PAGES[name]
    assert (DOCS / name).read_text("utf-8") == page(), "run: make docs"


def test_every_ecoservice_has_a_page_with_its_chinese_name_and_its_module() -> None:
    for term in ECOSERVICES:
        text = (DOCS / "science" / f"{term.code}.md").read_text("utf-8")
        assert term.label.zh in text.splitlines()[0], term.code
        assert f"`shanhai.science.ecoservices.{term.code}`" in text, term.code


def test_decisions_are_numbered_from_one_without_gap_or_double() -> None:
    numbers = sorted(int(path.name[:4]) for path in (DOCS / "adr").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_decisions_carry_their_number_in_the_heading() -> None:
    for path in (DOCS / "adr").glob("*.md"):
        heading = path.read_text("utf-8").splitlines()[0]
        assert heading.startswith(f"# {int(path.name[:4])}. "), path.name


def test_glossary_holds_every_code_of_the_vocabulary() -> None:
    glossary = (DOCS / "glossary.md").read_text("utf-8")
    codes = chain(
        ((term.code, term.label) for term in (*ECOSERVICES, *THEMES)),
        ((zone.code, zone.label) for zone in ZONE_CLASSES),
    )
    rows = [line for line in glossary.splitlines() if line.startswith("|")]
    for code, label in codes:
        assert any(f"`{code}`" in row and label.zh in row for row in rows), (code, label.zh)


def test_navigation_holds_every_page_once() -> None:
    listed = Counter(_leaves(yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]))
    assert listed == Counter(map(str, WRITTEN))


@pytest.mark.parametrize("page", WRITTEN, ids=str)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in LINK.findall((DOCS / page).read_text("utf-8")):
        assert (DOCS / page.parent / target).exists(), target


@pytest.mark.parametrize("page", WRITTEN, ids=str)
def test_settings_and_commands_that_are_named_exist(page: Path) -> None:
    text = (DOCS / page).read_text("utf-8")
    assert set(re.findall(r"\bSHANHAI_[A-Z0-9_]+[A-Z]\b", text)) <= _variables()
    groups = {" ".join(command.words[:end]) for command in commands_of(loaded()) for end in (1, 2)}
    for call in re.findall(r"(?:^|[`/ ])shanhai ([a-z]+(?: [a-z]+)?)", text, re.MULTILINE):
        assert call in groups or call.split()[0] in groups, call


@pytest.mark.parametrize("page", WRITTEN, ids=str)
def test_options_of_commands_exist(page: Path) -> None:
    for block in BLOCK.findall((DOCS / page).read_text("utf-8")):
        for call in CALL.findall(block.replace("\\\n", " ")):
            told = set(re.findall(r" (--[a-z-]+)", call))
            assert told <= {"--help", *_options(call.split())}, call


@pytest.mark.parametrize("page", GUIDE, ids=str)
def test_a_page_tells_where_what_its_commands_take_is_set(page: Path) -> None:
    text = (DOCS / page).read_text("utf-8")
    commands = "\n".join(BLOCK.findall(text))
    taken = set(re.findall(r"\$(API|KEY|ADMIN|api|auth)\b", commands))
    taken -= set(re.findall(r"^(\w+)=", commands, re.MULTILINE))
    if taken or re.search(r"^ *(?:\$ )?shanhai ", commands, re.MULTILINE):
        assert "quickstart.md#commands)" in text or page.name == "quickstart.md", taken


@pytest.mark.parametrize("page", WRITTEN, ids=str)
def test_addresses_of_commands_are_ascii(page: Path) -> None:
    """curl sends an address as it is written, and a server refuses other letters in it."""
    for block in BLOCK.findall((DOCS / page).read_text("utf-8")):
        for address in re.findall(r'"(?:\$API|\$api|\$SHANHAI_\w+_URL)[^"]*"', block):
            assert address.isascii() or "…" in address, address


TOLD_TO_CONTRIBUTORS = ("CONTRIBUTING.md", "docs/architecture.md")
FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
FOLDERS = (ROOT, ROOT / "shared/shanhai", ROOT / "services/api/shanhai_api", ROOT / "migrations")
"""What paths of these pages begin at."""
_PART = r"(?:[\w.*-]|<[^>`]+>)"
FILE = re.compile(r"[\w-]+\.(?:py|md|toml|yml)")
PATH = re.compile(rf"`({_PART}+(?:/{_PART}*)+|{FILE.pattern})`")
NAME = re.compile(r"`([A-Za-z_][\w.]*)(?:\[[^`]*|\([^`]*)?`")
DEFINED = re.compile(
    r'^ *(?:async def|def|class) (\w+)|^ *(\w+)(?::| =)|"(\w+)"| as (\w+)', re.MULTILINE
)
OF_SQL = {"ST_AsMVT", "UPDATE"}


@pytest.fixture(scope="module")
def code() -> dict[str, str]:
    """The Python files by path below the root."""
    folders = ("shared", "services", "migrations", "tests")
    paths = chain.from_iterable((ROOT / folder).rglob("*.py") for folder in folders)
    kept = [path for path in paths if "node_modules" not in path.parts]
    return {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in kept}


@pytest.mark.parametrize("page", TOLD_TO_CONTRIBUTORS)
def test_files_and_folders_that_contributors_are_told_of_exist(page: str) -> None:
    text = FENCED.sub("", (ROOT / page).read_text("utf-8"))
    paths = PATH.findall(text)
    assert paths
    for path in paths:
        pattern = re.sub(r"<[^>]+>", "*", path).rstrip("/")
        found = any(next(folder.glob(pattern), None) for folder in (*FOLDERS, ROOT / "tests"))
        assert found, path


@pytest.mark.parametrize("page", TOLD_TO_CONTRIBUTORS)
def test_names_that_contributors_are_told_of_are_in_the_code(
    page: str, code: dict[str, str]
) -> None:
    text = (ROOT / page).read_text("utf-8")
    folders = [Path(path).with_suffix("").parts for path in code]
    modules = {".".join(one[start:]) for one in folders for start in range(len(one))}
    modules |= {name.rpartition(".")[0] for name in modules}
    defined = {name for found in DEFINED.findall("\n".join(code.values())) for name in found}
    names = [name for name in NAME.findall(FENCED.sub("", text)) if not FILE.fullmatch(name)]
    assert len(names) > 20
    for name in names:
        within, _, last = name.rpartition(".")
        of_a_module = last in defined and (within in modules or not within)
        assert name in modules or of_a_module or name in OF_SQL, name


@pytest.mark.parametrize("page", TOLD_TO_CONTRIBUTORS)
def test_code_that_contributors_are_shown_is_that_of_the_platform(
    page: str, code: dict[str, str]
) -> None:
    for indent, language, block in FENCED.findall((ROOT / page).read_text("utf-8")):
        if language == "python":
            shown = re.sub(rf"^{indent}", "", block, flags=re.MULTILINE)
            assert any(shown in text for text in code.values()), shown


def _options(words: list[str]) -> set[str]:
    """The options of the command that a line begins with."""
    command = get_command(loaded())
    for word in words:
        inner = getattr(command, "commands", {})
        if word not in inner:
            break
        command = inner[word]
    return {name for option in command.params for name in option.opts + option.secondary_opts}


def _variables() -> set[str]:
    known = {
        f"{settings.model_config.get('env_prefix', '')}{name}".upper()
        for settings in ALL_SETTINGS
        for name in settings.model_fields
    }
    # Of the stack on one's own machine, of the command line, of the compose file and of tests.
    other = {"SHANHAI_HOME", "SHANHAI_API_KEY", "SHANHAI_DEMO_DATA", "SHANHAI_KUBERNETES"}
    other |= {
        "SHANHAI_TLS_HOSTS",
        "SHANHAI_TLS_FOLDER",
        "SHANHAI_HTTPS_PORT",
        "SHANHAI_BACKUPS_ROOT",
        "SHANHAI_PROXY_NETWORK",
    }
    other |= {"SHANHAI_TEST_REQUIRE", "SHANHAI_TEST_DEMO", "SHANHAI_DATA_MIRROR"}
    return known | other | {"SHANHAI_DB_PASSWORD", "SHANHAI_REDIS_PASSWORD"}


def _leaves(node: Any) -> list[str]:
    if isinstance(node, str):
        return [node]
    items = node.values() if isinstance(node, dict) else node
    return [leaf for item in items for leaf in _leaves(item)]
