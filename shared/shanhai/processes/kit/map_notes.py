"""What maps say at their foot: resolution, system, and whom the data are owed to."""

from typing import Any

from shanhai.vocabulary import Label, label_of


def resolution_note(cell: str, crs: str, profile: str, inputs: list[dict[str, Any]]) -> Label:
    """Cells, the coarsest data behind them, system, profile: fine cells are no fine data."""
    known = [one for one in inputs if one["native_resolution_m"] is not None]
    behind = Label("", "")
    if known:
        coarsest = max(known, key=lambda one: one["native_resolution_m"])
        theme, size = label_of(coarsest["theme"]), _distance(coarsest["native_resolution_m"])
        behind = Label(
            f" · 最粗输入：{theme.zh}，真实分辨率约 {size}",
            f" · coarsest input: {theme.en.lower()}, true resolution about {size}",
        )
    way = label_of(profile)
    return Label(
        f"像元 {cell}{behind.zh} · {crs} · {way.zh}",
        f"Cells of {cell}{behind.en} · {crs} · {way.en.lower()}",
    )


def _distance(metres: float) -> str:
    return f"{metres:.0f} m" if metres < 1000 else f"{metres / 1000:.3g} km"


def credit_line(inputs: list[dict[str, Any]]) -> str:
    """The credits licences ask to be shown on pictures, each once; else the sources.

    All sources and licences are in the report; one text may name several, parted by semicolons.
    """
    asked = {part for one in inputs for part in _parts(one["licence"]) if _asks_for_credit(part)}
    sources = {part for one in inputs for part in _parts(one["source"])}
    return "; ".join(sorted(asked or sources)) or "–"


def _parts(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(";") if part.strip()]


def _asks_for_credit(licence: str) -> bool:
    return "©" in licence or "CC BY" in licence
