"""Maps of what the edits of a scenario change of the ratio and of the zones."""

from dataclasses import replace
from pathlib import Path
from textwrap import wrap

import numpy as np

from shanhai.cartography import ClassStyle, style_of
from shanhai.processes.kit.report import thinned, thinned_classes
from shanhai.processes.run_scenario.balance_rasters import RATIO_CHANGE, ZONES_CHANGE
from shanhai.processes.run_scenario.result import ComparedServices
from shanhai.raster.store import ScratchStore
from shanhai.reporting.maps import MapFrame, draw_class_map, draw_ramp_map
from shanhai.reporting.pages import Picture
from shanhai.vocabulary import Label, Lang

_ENDS = (Label("趋向供给盈余", "towards surplus"), Label("趋向供给不足", "towards deficit"))
_LEGEND_LETTERS = 30
_SHARES = Label("变化（占变化面积）", "Change (share of what changes)")


def draw_balance(
    compared: ComparedServices, frame: MapFrame, lang: Lang, workspace: Path
) -> list[Picture]:
    """The change of the comprehensive ratio and, where they are compared, of the zones."""
    store = compared.reassessed.store
    path = workspace / f"{RATIO_CHANGE}.{lang}.png"
    values = thinned(store, RATIO_CHANGE)
    drawn = draw_ramp_map(path, values, RATIO_CHANGE, frame, lang, _ENDS)
    pictures = [(path, style_of(RATIO_CHANGE).title)] if drawn else []
    if compared.rezoned is not None:
        pictures += _zones(store, frame, lang, workspace)
    return pictures


def _zones(store: ScratchStore, frame: MapFrame, lang: Lang, workspace: Path) -> list[Picture]:
    """Only changes that occur are in the legend; a map without any would be empty."""
    style = style_of(ZONES_CHANGE)
    if not isinstance(style, ClassStyle):
        raise TypeError(f"{ZONES_CHANGE} is drawn by classes")
    found = thinned_classes(store, ZONES_CHANGE)
    there = [entry for entry in style.entries if (found == entry.value).any()]
    if not there:
        return []
    shown, codes, shares = [], np.zeros_like(found), {}
    changed = int((found > 0).sum())
    for number, entry in enumerate(there, start=1):
        cells = found == entry.value
        codes[cells] = number
        shares[number] = 100 * int(cells.sum()) / changed
        shown.append(replace(entry, value=number, label=_on_lines(entry.label)))
    path = workspace / f"{ZONES_CHANGE}.{lang}.png"
    style = replace(style, entries=tuple(shown))
    drawn = draw_class_map(path, codes, style, shares, _SHARES, frame, lang)
    return [(path, style.title)] if drawn else []


def _on_lines(label: Label) -> Label:
    """From which zone and to which, below one another: both in one line are wider than a legend."""
    was, arrow, will_be = label.en.partition(" → ")
    en = "\n".join([*wrap(was, _LEGEND_LETTERS), *wrap(f"→ {will_be}", _LEGEND_LETTERS)])
    return Label(label.zh.replace(arrow, "\n→ "), en)
