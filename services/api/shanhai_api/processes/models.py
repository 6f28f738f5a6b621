"""Processes as they are answered."""

from typing import Any

from pydantic import Field

from shanhai_api.kit.answers import Answered, Document, Link, Maybe


class ProcessSummary(Document):
    """A process as the list shows it."""

    id: str
    title: str
    description: str
    version: str
    keywords: list[str]
    jobControlOptions: list[str]
    outputTransmission: list[str]
    links: list[Link]


class ProcessList(Document):
    """The processes there are."""

    template = "processes.html"

    processes: list[ProcessSummary]
    links: list[Link]


class InputDescription(Answered):
    """What a process takes under a name."""

    title: str
    description: str
    told: dict[str, Any] = Field(alias="schema", description="JSON Schema, as OpenAPI 3.0 has it")
    minOccurs: int
    maxOccurs: int


class OutputDescription(Answered):
    """What a process makes under a name."""

    title: str
    told: dict[str, Any] = Field(alias="schema", description="JSON Schema")


class ProcessDescription(ProcessSummary):
    """A process with its inputs and outputs."""

    template = "process.html"

    inputs: dict[str, InputDescription]
    outputs: dict[str, OutputDescription]


class ResultLink(Answered):
    """Where an output is, which is a file or was asked for by reference."""

    href: str
    rel: str
    type: str
    title: str
    length: Maybe[int] = Field(None, description="Bytes, of a file")
