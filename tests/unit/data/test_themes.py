import zipfile
from pathlib import Path

import pytest

from shanhai.data import themes
from shanhai.data.regions import DEMO_REGIONS, PACKAGES, XIAMEN, read_member
from shanhai.data.themes import DemoTheme
from shanhai.errors import Unavailable

ALL = [value for value in vars(themes).values() if isinstance(value, DemoTheme)]


def test_district_totals_are_those_of_2018() -> None:
    assert sum(unit.residents or 0 for unit in XIAMEN.units) == 4_110_000


def test_adcodes_belong_to_their_region() -> None:
    for region in DEMO_REGIONS:
        assert all(str(unit.adcode)[:4] == str(region.adcode)[:4] for unit in region.units)


@pytest.mark.parametrize("theme", ALL, ids=lambda theme: theme.theme)
def test_caution_is_given_in_both_languages_or_none(theme: DemoTheme) -> None:
    assert (theme.stand_in_note_zh is None) == (theme.stand_in_note_en is None)


def test_what_is_inferred_is_marked() -> None:
    marked = {theme.theme for theme in ALL if theme.stand_in}
    assert marked == {"night_lights", "ndvi", "npp", "population", "soil"}


@pytest.mark.parametrize("theme", [themes.LAND, themes.WATER, themes.LAND_COVER])
def test_openstreetmap_is_credited_where_its_shapes_are(theme: DemoTheme) -> None:
    assert "© OpenStreetMap contributors" in theme.licence


def test_packages_are_pinned() -> None:
    assert len({package.sha256 for package in PACKAGES}) == len(PACKAGES)
    assert all(len(package.sha256) == 64 for package in PACKAGES)


def test_missing_member_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "empty.whl", "w"):
        pass
    with pytest.raises(Unavailable, match=r"data/x\.csv"):
        read_member(tmp_path / "empty.whl", "data/x.csv")
