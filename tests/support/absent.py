"""What some tests need and a machine may not have: told loudly, or demanded."""

import os
from typing import NoReturn

import pytest


def skip_without(need: str, told: str) -> NoReturn:
    """Skip with what is told; fail where SHANHAI_TEST_REQUIRE names the need."""
    if need in os.environ.get("SHANHAI_TEST_REQUIRE", "").split(","):
        pytest.fail(told)
    pytest.skip(told)


def tell_skipped(reporter: pytest.TerminalReporter, told: str) -> None:
    """Say so in one line of its own where tests were skipped for it."""
    if any(told in str(report.longrepr) for report in reporter.getreports("skipped")):
        reporter.write_line(told, red=True, bold=True)
