"""Compose a sheet: read its layers, draw it, write it in the formats asked for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from shanhai.errors import InvalidInput, Unavailable
from shanhai.processes.compose_map_sheet import contract
from shanhai.processes.compose_map_sheet.layers import (
    SheetGround,
    SheetLayerRead,
    land_area,
    lay_ground,
    read_layer,
    sources_of,
)
from shanhai.processes.compose_map_sheet.layout import SheetLayout
from shanhai.processes.compose_map_sheet.page import SheetPage
from shanhai.processes.kit.outputs import write_document
from shanhai.processes.kit.task import Outcome, OutputFile, Progress
from shanhai.raster.crs import LON_LAT, transformer
from shanhai.reporting import furniture
from shanhai.reporting.map_decorations import font_families, lettering, missing_font_warning
from shanhai.science.flags import ResultFlag
from shanhai.vocabulary import Label


def compute(task: contract.ComposeMapSheetTask, workspace: Path, progress: Progress) -> Outcome:
    """Draw the sheet in the formats asked for.

    Raises:
        InvalidInput: the task holds no sheet.
        Unavailable: Chinese is asked for, and no font can write it.
    """
    inputs = contract.ComposeMapSheetInputs.model_validate(task.inputs)
    sheet = task.sheet
    if sheet is None:
        raise InvalidInput(
            "a sheet is composed by a server", message_zh="图件须由服务器编制", pointer="/inputs"
        )
    families = font_families("en" if inputs.languages == "en" else "zh")
    if families is None:
        missing = missing_font_warning().text
        raise Unavailable(missing.en, message_zh=missing.zh)
    progress(0, "read")
    layout = SheetLayout.of(
        inputs.paper, sheet.orientation, two_languages=inputs.languages == "both"
    )
    ground = lay_ground(task, sheet, layout)
    land = land_area(ground)
    layers = [read_layer(task, one, ground, land) for one in sheet.layers]
    progress(40, "draw")
    look: Any = {
        "text.parse_math": False,
        # Text stays text that can be found and copied, in a face that is in the file.
        "pdf.fonttype": 42,
        # Of a picture in a page nobody knows the fonts: letters are drawn.
        "svg.fonttype": "path",
        "svg.hashsalt": "shanhai",
    }
    with lettering(families), rc_context(look):
        page = SheetPage(inputs, sheet, layout, ground, layers, sources_of(task, sheet, inputs))
        figure, left_out = page.drawn()
        progress(70, "write")
        files = [_save(figure, workspace, one, inputs, page.title) for one in inputs.formats]
    told = _document(inputs, sheet, ground, layers, page)
    document = write_document(workspace, contract.COMPOSE_MAP_SHEET.output("sheet"), told)
    progress(100, "write")
    warnings = [one.warning for one in layers if one.warning is not None]
    if left_out:
        warnings.append(
            ResultFlag.of(
                "legend_cut",
                f"图例有 {left_out} 行放不下，请减少图层或改用更大的纸张",
                f"{left_out} lines of the legend have no room; use fewer layers or a larger paper",
            )
        )
    return Outcome(
        files=[document, *files],
        values={"sheet": {"value": told}},
        warnings=[one.document() for one in warnings],
    )


def _save(
    figure: Figure,
    workspace: Path,
    form: contract.SheetFormat,
    inputs: contract.ComposeMapSheetInputs,
    title: Label,
) -> OutputFile:
    """Write the sheet; equal sheets are equal files."""
    issuer = inputs.issuer_zh or inputs.issuer_en
    named = furniture.in_tongue(title, inputs.languages)
    metadata: dict[str, dict[str, Any]] = {
        "pdf": {"Title": named, "Author": issuer, "Creator": "Shanhai", "CreationDate": None},
        "png": {"Software": None, "Title": title.en.encode("ascii", "replace").decode()},
        "svg": {"Title": named, "Creator": issuer or "Shanhai", "Date": None},
    }
    path = f"sheet.{form}"
    figure.savefig(
        workspace / path, format=form, dpi=inputs.dpi if form == "png" else 300,
        metadata=metadata[form],
    )  # fmt: skip
    return contract.COMPOSE_MAP_SHEET.output(form).file(path)


def _document(
    inputs: contract.ComposeMapSheetInputs,
    sheet: contract.SheetTask,
    ground: SheetGround,
    layers: Sequence[SheetLayerRead],
    page: SheetPage,
) -> dict[str, Any]:
    """What the sheet shows, for catalogues and for who checks it."""
    words = furniture.crs_words(ground.epsg)
    bounds = transformer(f"EPSG:{ground.epsg}", LON_LAT).transform_bounds(*ground.frame)
    return {
        "title_zh": page.title.zh,
        "title_en": page.title.en,
        "region": sheet.region.code,
        "number": inputs.number,
        "secrecy": sheet.secrecy,
        "approval_number": inputs.approval_number,
        "made_on": sheet.made_on.isoformat(),
        "draft": sheet.draft,
        "paper": inputs.paper,
        "orientation": sheet.orientation,
        "scale": sheet.scale,
        "crs": f"EPSG:{ground.epsg}",
        "crs_zh": words.zh,
        "crs_en": words.en,
        "frame_m": [round(side, 3) for side in ground.frame],
        "bbox": [round(side, 6) for side in bounds],
        "stand_in": page.sources.stand_in,
        "sources_zh": page.sources.names.zh,
        "sources_en": page.sources.names.en,
        "credits": page.sources.credits,
        "layers": [
            {
                "kind": one.task.kind,
                "title_zh": one.task.title_zh,
                "title_en": one.task.title_en,
                **one.told,
            }
            for one in layers
        ],
    }
