"""Charts of reports."""

from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes

from shanhai.reporting.charts import draw_indicator
from shanhai.reporting.map_decorations import both
from shanhai.vocabulary import Label


def test_the_unit_of_an_indicator_is_written_as_people_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels: list[str] = []
    write = Axes.set_ylabel

    def note(axes: Axes, label: str, **more: Any) -> object:
        labels.append(label)
        return write(axes, label, **more)

    monkeypatch.setattr(Axes, "set_ylabel", note)
    told: dict[str, Any] = {
        "name_zh": "面积",
        "name_en": "Area",
        "unit": "10^4 mu",
        "entered": [],
        "computed": [],
        "forecast": None,
    }
    draw_indicator(tmp_path / "one.png", told, [(2020, 1.0), (2030, 2.0)], [])
    assert labels == [both(Label("万亩", "10⁴ mu"))]
