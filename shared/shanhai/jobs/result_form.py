"""How a caller wants results to be told: `response` and `outputs` of the execution request."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel

from shanhai.processes.kit.contract import OutputSpec, ProcessContract

Transmission = Literal["value", "reference"]


class ResultForm(BaseModel):
    """What was asked of the results' form; empty where the caller left it to the platform.

    Attributes:
        response: Outputs as they are, or one JSON document of all.
        outputs: The outputs wanted, each with the way it is given; empty means all.
    """

    response: Literal["raw", "document"] | None = None
    outputs: dict[str, Transmission | None] = {}

    @classmethod
    def of_row(cls, kept: Mapping[str, Any] | None) -> Self:
        """The form as it is kept with a job."""
        return cls.model_validate(kept or {})

    def row(self) -> dict[str, Any] | None:
        """The form as it is kept with a job: nothing where nothing was asked."""
        return self.model_dump(exclude_defaults=True) or None

    def wanted(self, contract: ProcessContract) -> list[OutputSpec]:
        """The outputs asked for, in the order of the contract."""
        return [item for item in contract.outputs if not self.outputs or item.name in self.outputs]

    def by_reference(self, name: str) -> bool:
        """Whether an output was asked for by reference."""
        return self.outputs.get(name) == "reference"
