"""How the themes and the numbers of the services are declared."""

from dataclasses import dataclass
from enum import StrEnum

from shanhai.vocabulary import Label


class Status(StrEnum):
    """How far a number or formula is confirmed."""

    VERIFIED = "V"
    LITERATURE = "L"
    ENGINEERING = "E"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """A dataset theme the services read.

    Attributes:
        theme: Code of the theme.
        unit: Unit of the stored values.
        valid_range: Hard limits; values outside become nodata.
        label: Name in Chinese and English.
        required: Whether the index profile refuses to run without it.
        bands: Number of bands the theme must have.
    """

    theme: str
    unit: str
    valid_range: tuple[float, float]
    label: Label
    required: bool = True
    bands: int = 1


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """A number of the method that a run may change; written to the manifest.

    Attributes:
        name: Keyword of the calculation.
        default: Value used unless the run says otherwise; None where the run must give it.
        unit: Unit of the value, `1` for none.
        valid_range: Lowest and highest value accepted.
        source: Where the default comes from.
        status: How far it is confirmed.
    """

    name: str
    default: float | None
    unit: str
    valid_range: tuple[float, float]
    source: str
    status: Status
