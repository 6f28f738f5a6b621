from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from shapely import box

from shanhai.cartography import ZONES
from shanhai.reporting import map_decorations
from shanhai.reporting.map_decorations import DistrictOutline
from shanhai.reporting.maps import MapFrame, draw_ramp_map, draw_zone_map
from shanhai.vocabulary import Label, Lang

CODES = np.repeat(np.arange(1, 6, dtype=np.uint8)[:, None], 60, axis=1).repeat(12, axis=0)


def frame(*, stand_in: bool = False) -> MapFrame:
    bounds = (500_000.0, 2_700_000.0, 506_000.0, 2_706_000.0)
    return MapFrame(
        place=Label("山海市", "Shanhai"),
        bounds=bounds,
        districts=[
            DistrictOutline(Label("东区", "East"), box(503_000, 2_700_500, 505_500, 2_705_500))
        ],
        note=Label("像元 100 m", "Cells of 100 m"),
        credits="made in code",
        stand_in=stand_in,
    )


def colours(path: Path) -> set[tuple[int, ...]]:
    pixels = np.asarray(Image.open(path).convert("RGB"))
    found, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    return {tuple(one) for one, count in zip(found.tolist(), counts, strict=True) if count > 300}


def as_bytes(color: str) -> tuple[int, ...]:
    return tuple(round(255 * part) for part in to_rgb(color))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_zone_map_shows_every_zone_in_its_colour(tmp_path: Path, lang: Lang) -> None:
    if map_decorations.font_families(lang) is None:
        pytest.skip(f"needs a font for {lang}: {map_decorations.CJK_PACKAGE}")
    path = tmp_path / "map.png"
    assert draw_zone_map(path, CODES, {1: 20.0}, frame(), lang)
    assert {as_bytes(entry.color) for entry in ZONES.entries} <= colours(path)


def test_equal_maps_are_equal_files(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        draw_zone_map(tmp_path / name, CODES, {}, frame(), "en")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_long_title_and_note_go_on_in_the_next_line(tmp_path: Path, lang: Lang) -> None:
    if map_decorations.font_families(lang) is None:
        pytest.skip(f"needs a font for {lang}: {map_decorations.CJK_PACKAGE}")
    long = Label("真实分辨率约八十三公里，" * 12, "true resolution about 83 km, " * 12)
    short = Label("真", "true")
    sizes = []
    for number, (place, note) in enumerate(((short, short), (short, long), (long, long))):
        path = tmp_path / f"{number}.png"
        draw_zone_map(path, CODES, {}, replace(frame(), place=place, note=note), lang)
        pixels = np.asarray(Image.open(path).convert("L"))
        margin = round(0.02 * pixels.shape[1])
        assert (pixels[:, :margin] == 255).all()
        assert (pixels[:, -margin:] == 255).all()
        sizes.append(pixels.shape[0])
    assert sizes[0] < sizes[1] < sizes[2]


def test_stand_ins_are_shouted_about(tmp_path: Path) -> None:
    draw_zone_map(tmp_path / "a.png", CODES, {}, frame(stand_in=True), "en")
    draw_zone_map(tmp_path / "b.png", CODES, {}, frame(), "en")
    assert as_bytes("#b3541e") in colours(tmp_path / "a.png") - colours(tmp_path / "b.png")


def test_a_ratio_map_leaves_nodata_to_the_ground(tmp_path: Path) -> None:
    values = np.full((60, 60), np.nan)
    values[:, 30:] = 1.0
    assert draw_ramp_map(tmp_path / "a.png", values, "ratio", frame(), "en")
    assert {as_bytes("#1b6e3c"), as_bytes("#eef3f6")} <= colours(tmp_path / "a.png")


def test_without_a_chinese_font_there_is_no_chinese_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(map_decorations, "cjk_family", lambda: None)
    assert not draw_zone_map(tmp_path / "map.png", CODES, {}, frame(), "zh")
    assert not (tmp_path / "map.png").exists()
    assert map_decorations.CJK_PACKAGE in map_decorations.missing_font_warning().text.en
    assert map_decorations.font_families("en") == ["DejaVu Sans"]


def test_a_class_layer_is_no_ramp(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        draw_ramp_map(tmp_path / "a.png", np.zeros((4, 4)), "zones", frame(), "en")
