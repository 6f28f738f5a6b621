from pathlib import Path
from typing import Any

import pytest

from shanhai.errors import InternalError
from shanhai.processes.catalogue import (
    CONTRACTS,
    PROCESSES,
    compute_of,
    publish_of,
    resolution_of,
)
from shanhai.processes.kit.task import Outcome, OutputFile, Task
from shanhai.vocabulary import Label


def file(name: str, **more: Any) -> OutputFile:
    return OutputFile.of(name, name, "application/octet-stream", Label("面", "Area"), **more)


def test_every_contract_has_its_process() -> None:
    assert len(PROCESSES) == len(CONTRACTS)
    for name, contract in CONTRACTS.items():
        assert contract.id == name
        assert callable(compute_of(name))
        assert callable(publish_of(name))
        assert resolution_of(name).contract is contract


def test_an_unknown_process_is_no_member() -> None:
    with pytest.raises(KeyError):
        compute_of("nothing")


@pytest.mark.parametrize("name", CONTRACTS)
def test_each_output_has_a_name_of_its_own(name: str) -> None:
    outputs = CONTRACTS[name].outputs
    assert [CONTRACTS[name].output(one.name) for one in outputs] == list(outputs)


@pytest.mark.parametrize(
    "returned",
    [
        Outcome(files=[file("area")]),
        Outcome(values={"told": 1, "area": {"value": 2.5}}),
        Outcome(
            values={"area": {"value": "AA==", "mediaType": "image/tiff", "encoding": "base64"}}
        ),
    ],
    ids=["file", "value", "bytes"],
)
def test_an_output_that_is_not_declared_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, returned: Outcome, tmp_path: Path
) -> None:
    monkeypatch.setattr("shanhai.processes.echo.compute.compute", lambda *_: returned)
    compute = compute_of("echo")
    with pytest.raises(
        InternalError, match=r"'echo' .* not declare as an output: area$"
    ) as refused:
        compute(Task(process="echo", inputs={}), tmp_path, lambda _percent, _stage: None)
    assert refused.value.message_zh == "处理流程 'echo' 返回了未声明的输出：area"


def test_layers_attachments_and_what_is_told_beside_are_no_outputs() -> None:
    returned = Outcome(
        files=[file("ratio.cooling", kind="raster"), file("paper", kind="attachment")],
        values={"zones": [1, 2], "longest": {"value": 5, "unit": "km"}, "message": "declared"},
    )
    assert CONTRACTS["echo"].declared(returned) is returned
