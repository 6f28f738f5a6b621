from dataclasses import replace

from shanhai.vocabulary import Label, Lang
from shanhai_tiles.layers.sources import (
    SourceDataset,
    attribution,
    attribution_html,
    short_attribution,
    stand_in_notes,
)

DEM = SourceDataset("dem", Label("高程", "Elevation"), 30.0, "Copernicus", "open", False, None)
NPP = replace(DEM, dataset="npp", source="Miami model", licence=None, stand_in=True)


def test_credits_are_given_once() -> None:
    assert attribution([DEM, NPP, replace(DEM, dataset="slope")]) == (
        "Copernicus (open); Miami model"
    )
    assert attribution([replace(DEM, source=None)]) == ""


def test_credits_shown_as_markup_cannot_act() -> None:
    hostile = replace(DEM, source="<img src=x onerror=alert&1>", licence=None)
    shown = attribution_html([hostile], 'https://tiles.test/?a=1&b="', "en")
    assert shown == (
        "&lt;img src=x onerror=alert&amp;1&gt; · "
        '<a href="https://tiles.test/?a=1&amp;b=&quot;">Sources and licences</a>'
    )
    assert attribution_html([replace(DEM, source=None)], "https://tiles.test/", "zh") == ""


def test_credits_on_a_map_leave_room_for_it() -> None:
    """A layer of everything names some forty sources, each with a sentence of licence."""
    many = [
        replace(DEM, dataset=f"d{n}", source=f"Mission {n}, level 2, processed by somebody; 2020")
        for n in range(40)
    ]
    endings: dict[Lang, str] = {"zh": " 等 40 项", "en": " and 30 more"}
    for lang, ending in endings.items():
        short = short_attribution([*many, *many], lang)
        assert len(short) < 140
        assert short.startswith("Mission 0")
        assert short.endswith(ending)
        assert "level 2" not in short
    assert short_attribution([DEM, NPP, DEM], "zh") == "哥白尼计划；Miami model"
    assert short_attribution([replace(DEM, source="长" * 500)], "zh") == "长" * 60
    assert short_attribution([NPP, DEM], "zh") == short_attribution([DEM, NPP], "zh")


def test_makers_are_named_once_and_in_the_language_asked() -> None:
    land = "OpenStreetMap land and water; GeoNames; night image derived from NASA"
    told = [replace(DEM, source=source) for source in (land, "NASA Blue Marble image", "none: 1")]
    assert short_attribution(told, "zh") == "© OpenStreetMap 贡献者；GeoNames；美国国家航空航天局"
    assert short_attribution(told, "en") == "© OpenStreetMap contributors; GeoNames; NASA"


def test_only_stand_ins_are_noted() -> None:
    noted = replace(NPP, note=Label("模型估算", "modelled"))
    (note,) = stand_in_notes([DEM, noted])
    assert (note.dataset, note.note_zh, note.note_en) == ("npp", "模型估算", "modelled")


def test_a_note_in_one_language_serves_both() -> None:
    row = {
        "code": "npp",
        "name_zh": "净初级生产力",
        "name_en": "NPP",
        "native_resolution_m": None,
        "source": None,
        "licence": None,
        "stand_in": True,
        "stand_in_note_zh": None,
        "stand_in_note_en": "modelled",
    }
    assert SourceDataset.of(row).note == Label("modelled", "modelled")
    assert SourceDataset.of({**row, "stand_in_note_en": None}).note is None
