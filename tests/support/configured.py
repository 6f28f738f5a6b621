"""What the mark `configured` says: settings of the service under test, by name."""

from typing import Any

import pytest


def configured(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings for one test; those of its class go before those of its module."""
    marks = request.node.iter_markers("configured")
    return {name: value for mark in reversed([*marks]) for name, value in mark.kwargs.items()}
