"""The description that lies beside every data file: what it is, whence, and how far to trust it."""

from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from shanhai.errors import UnsupportedFile
from shanhai.validation import Rfc3339Date, StrictModel, rule_in_chinese, rule_in_english

Kind = Literal["raster", "vector"]
Said = TypeVar("Said", bound=StrictModel)
OF_THE_FILE = frozenset({"kind", "file", "processing", "class_scheme", "bands", "sha256", "origin"})
"""Members the import process does not take under their name."""


class OriginFile(StrictModel):
    """One file of a publisher that values were read from.

    `mark` is what the host calls its content: an entity tag, or the time of its last change.
    """

    address: str
    item: str
    moment: str = ""
    mark: str | None = None


class Origin(StrictModel):
    """Where values were read from, and for which box.

    `settings` is the SHA-256 of how they were read; `box` is in WGS 84 degrees.
    """

    source: str
    settings: str
    box: tuple[float, float, float, float]
    resolution_m: float | None = None
    year: int | None = None
    citation: str
    files: tuple[OriginFile, ...]


class DatasetDescription(StrictModel):
    """One dataset file in words and figures a register needs."""

    theme: str
    region: str
    code: str
    name_zh: str
    name_en: str
    kind: Kind = "raster"
    file: str
    unit: str | None
    native_resolution_m: float | None
    stand_in: bool
    stand_in_note_zh: str | None = None
    stand_in_note_en: str | None = None
    source: str
    licence: str | None = None
    processing: str
    class_scheme: str | None = None
    edge_water: Literal["sea", "inland"] | None = None
    bands: tuple[str, ...] = ()
    observed_from: Rfc3339Date | None = None
    observed_to: Rfc3339Date | None = None
    sha256: str
    origin: Origin | None = None

    def import_inputs(self) -> dict[str, Any]:
        """What the import process takes as it is said here; the upload is still to be named."""
        inputs = self.model_dump(mode="json", exclude=set(OF_THE_FILE), exclude_none=True)
        return inputs | ({"legend": self.class_scheme} if self.class_scheme else {})


FEATURES = ".features.json"
"""How a description of features ends."""


class FeaturesDescription(StrictModel):
    """What lies beside a file of features: the inputs of its import, and where it comes from."""

    file: str
    collection: str
    mapping: dict[str, str]
    rows: int
    source: str
    processing: str
    sha256: str


def write_description(description: DatasetDescription, folder: Path) -> Path:
    """Write the description as `<theme>.json` into `folder`."""
    path = folder / f"{description.theme}.json"
    draft = path.with_suffix(".part")
    draft.write_text(description.model_dump_json(indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
    return path


def read_description(path: Path) -> DatasetDescription:
    """The description in a file that `write_description` wrote, as `parse_description` has it."""
    return parse_description(DatasetDescription, path.name, path.read_bytes())


def parse_description(model: type[Said], name: str, content: bytes) -> Said:
    """What a description says.

    Raises:
        UnsupportedFile: the file is none; the first member that is missing or wrong is told.
    """
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where, shown = ".".join(map(str, first["loc"])), name[:100]
        raise UnsupportedFile(
            f"{shown!r} is no description: {where}: {rule_in_english(first)}",
            message_zh=f"“{shown}”不是数据说明：{where} {rule_in_chinese(first)}",
            pointer=shown,
        ) from error
