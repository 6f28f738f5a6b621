"""A folder as somebody hands it over: what is in it, and the described folder that is made of it.

The work happens on the user's machine: services open GeoTIFF only, with a restricted GDAL.
"""

import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shanhai.data.handed_over import features, rasters
from shanhai.data.handed_over.findings import Answers, DatasetFinding, OpenQuestion
from shanhai.errors import Fault, InvalidInput
from shanhai.raster.handed_over import DRIVERS
from shanhai.vocabulary import Label

REGION = OpenQuestion(
    "region", Label("数据属于哪个区域（区域代码）？", "which region (its code) is it for?")
)
PARTS = frozenset(
    {".shx", ".dbf", ".prj", ".cpg", ".sbn", ".sbx", ".qpj", ".qix", ".xml", ".ovr", ".rrd", ".ige"}
    | {".tfw", ".aux", ".toml", ".hdr", ".stx"}
)
"""Endings of files that belong to others."""


@dataclass(frozen=True, slots=True)
class FolderFindings:
    """What a folder holds.

    Attributes:
        datasets: Each with what it is taken for, what is to be asked, or why it is refused.
        aside: Files nothing is made of.
    """

    datasets: tuple[DatasetFinding, ...]
    aside: tuple[Path, ...]

    @property
    def questions(self) -> list[OpenQuestion]:
        """All that has to be answered."""
        return [one for dataset in self.datasets for one in dataset.questions]

    @property
    def refused(self) -> list[DatasetFinding]:
        """What nothing can be done with."""
        return [dataset for dataset in self.datasets if dataset.refusal is not None]


def look_at(folder: Path, answers: Answers | None = None) -> FolderFindings:
    """Tell what the files of a folder are and why; nothing is written.

    Args:
        folder: Looked through with all folders in it.
        answers: What is known already.

    Raises:
        InvalidInput: an answer is no number where one is needed.
    """
    told = answers or Answers()
    vectors: list[Path] = []
    grids: list[Path] = []
    aside: list[Path] = []
    for path in _files(folder):
        ending = path.suffix.lower()
        if ending in features.ENDINGS:
            vectors.append(path)
        elif ending in DRIVERS:
            grids.append(path)
        elif ending not in PARTS:
            aside.append(path)
    found = rasters.look_at_rasters(grids, folder, told)
    names = [one.name for one in found]
    found += features.look_at_features(vectors, folder, told, names)
    kept = [one for one in found if not told.is_set(f"{one.name}.skip")]
    rasters.ask_for_one_per_theme(kept)
    return FolderFindings(tuple(kept), tuple(aside))


def _files(folder: Path) -> Iterable[Path]:
    """Files and geodatabases, by name; hidden ones are left out."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and path.suffix.lower() != ".gdb":
            yield from _files(path)
        else:
            yield path


def prepare(folder: Path, out: Path, answers: Answers) -> list[Path]:
    """Make the described folder `out` of what was handed over: all of it, or nothing.

    Args:
        folder: What was handed over.
        out: Made where missing; a file of the same name in it is replaced.
        answers: With `region`, and what `look_at` asks.

    Returns:
        The descriptions: `<theme>.json` beside `<theme>.tif`, `<name>.features.json` beside
        `<name>.geojson`.

    Raises:
        InvalidInput: something is still to be asked, or refused; all of it is told.
    """
    if out.resolve().is_relative_to(folder.resolve()):
        raise InvalidInput(
            f"{out} lies in {folder}, which would then hold what is made of it; choose another",
            message_zh=f"{out} 位于 {folder} 内，请另选输出文件夹",
            pointer="--out",
        )
    found = look_at(folder, answers)
    region = answers.get("region")
    questions = [*found.questions, *([REGION] if region is None else [])]
    faults = [
        *(Fault(one.name, one.label.en, one.label.zh) for one in questions),
        *(
            Fault(one.name, one.refusal.en, one.refusal.zh)
            for one in found.refused
            if one.refusal is not None
        ),
    ]
    if faults or region is None:
        raise InvalidInput.of(faults)
    if not found.datasets:
        raise InvalidInput(
            f"{folder} holds nothing that can be imported",
            message_zh=f"{folder} 中没有可导入的文件",
            pointer=str(folder),
        )
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".prepared.") as name:
        draft = Path(name)
        made = [_prepared(one, region, draft, answers) for one in found.datasets]
        for path in sorted(draft.iterdir()):
            shutil.move(path, out / path.name)
    return [out / path.name for path in made]


def _prepared(finding: DatasetFinding, region: str, draft: Path, answers: Answers) -> Path:
    if finding.kind == "raster":
        return rasters.prepare_raster(finding, region, draft, answers)
    return features.prepare_features(finding, region, draft, answers)
