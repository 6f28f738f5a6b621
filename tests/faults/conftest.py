"""One platform for all faults of the run, and the figures at its end."""

import os
from collections.abc import Iterator

import pytest

from tests.faults.breakable import Breakable, start_breakable
from tests.faults.ledger import Ledger, told
from tests.support.run_directory import run_directory

ROUNDS = int(os.environ.get("SHANHAI_TEST_ROUNDS", "1"))
LEDGER = Ledger()
FIGURES: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "faults" in item.path.parts:
            item.add_marker("faults")
            item.add_marker("service")
            item.add_marker(pytest.mark.timeout(600))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test in every round, one round after the other."""
    if "round_number" in metafunc.fixturenames:
        metafunc.parametrize("round_number", range(1, ROUNDS + 1), scope="session")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in FIGURES:
        terminalreporter.write_line(line, bold=True)


@pytest.fixture(scope="session")
def breakable() -> Iterator[Breakable]:
    """The platform; at the end its figures are taken."""
    with run_directory() as directory, start_breakable(directory, LEDGER) as breakable:
        yield breakable
        FIGURES.append(told(breakable.verdict(), LEDGER))


@pytest.fixture
def platform(breakable: Breakable, round_number: int) -> Iterator[Breakable]:
    """The platform with two workers, before and after which all promises are kept."""
    breakable.stand_by(2)
    yield breakable
    verdict = breakable.verdict()
    breakable.ledger.unexpected.clear()
    assert (verdict.lost, verdict.duplicated, verdict.faults) == (0, 0, [])
