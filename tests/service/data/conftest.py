from io import StringIO

import pytest
from rich.console import Console

from shanhai.data.download import Reporter


@pytest.fixture
def reporter() -> Reporter:
    return Reporter(Console(file=StringIO()))
