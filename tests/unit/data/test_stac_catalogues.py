from pathlib import Path

import pytest

from shanhai.data.stac import read_catalogues
from shanhai.errors import InvalidInput


def test_bundled_configuration_serves_the_themes_that_have_an_open_source() -> None:
    catalogues = read_catalogues()
    assert set(catalogues.themes) == {"dem", "land_cover", "population", "npp", "ndvi"}
    assert catalogues.theme("npp").scale == 0.1
    assert catalogues.theme("land_cover").class_scheme == "worldcover"


def test_theme_without_a_source_is_told_what_there_is() -> None:
    with pytest.raises(InvalidInput, match=r"night_lights.*dem, land_cover"):
        read_catalogues().theme("night_lights")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not = [toml", "catalogues"),
        ("[catalogues]\n[themes.dem]\ncatalogue='x'", "Field required"),
        ("[catalogues.a]\nurl='ftp://x'\nasset_hosts=['x']\n[themes]", "pattern"),
        ("[catalogues.a]\nurl='http://x'\nasset_hosts=[]\n[themes]", "asset_hosts"),
    ],
)
def test_broken_configuration_names_what_is_wrong(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=reason):
        read_catalogues(path)


def test_missing_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"absent\.toml"):
        read_catalogues(tmp_path / "absent.toml")
