from dataclasses import replace

from shanhai.vocabulary import Label
from shanhai_tiles.sources import Source, attribution, attribution_html, stand_in_notes

DEM = Source("dem", Label("高程", "Elevation"), 30.0, "Copernicus", "open", False, None)
NPP = replace(DEM, dataset="npp", source="Miami model", licence=None, stand_in=True)


def test_credits_are_given_once():
    assert attribution([DEM, NPP, replace(DEM, dataset="slope")]) == (
        "Copernicus (open); Miami model"
    )
    assert attribution([replace(DEM, source=None)]) == ""


def test_credits_shown_as_markup_cannot_act():
    hostile = replace(DEM, source="<img src=x onerror=alert(1)>", licence=None)
    assert attribution_html([hostile]) == "&lt;img src=x onerror=alert(1)&gt;"


def test_only_stand_ins_are_noted():
    noted = replace(NPP, note=Label("模型估算", "modelled"))
    (note,) = stand_in_notes([DEM, noted])
    assert (note["dataset"], note["note_zh"], note["note_en"]) == ("npp", "模型估算", "modelled")


def test_a_note_in_one_language_serves_both():
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
    assert Source.of(row).note == Label("modelled", "modelled")
    assert Source.of({**row, "stand_in_note_en": None}).note is None
