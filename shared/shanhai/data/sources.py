"""Open sources of the themes: where their files are and how their numbers are read."""

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, model_validator

from shanhai.data.themes import MONTH_NAMES
from shanhai.errors import InvalidInput
from shanhai.raster.clean import CodeValue
from shanhai.raster.remote import Combine, Formula, Join, Mask
from shanhai.validation import Rfc3339Date, StrictModel

LINE_OF_NDVI: Final = "line_of_ndvi"
"""What a code may say: the cells take what the region's own line of NPP over NDVI gives."""


class Catalogue(StrictModel):
    """A STAC API."""

    url: str = Field(pattern=r"^https?://")
    token_url: str | None = Field(None, description="gives a query string; `{collection}`")
    s3_url: str | None = Field(None, description="public address of `s3://{bucket}/{key}`")


class BestItems(StrictModel):
    """Which items to take where there are many: the `count` with the least `by`, per `each`."""

    by: str
    each: str | tuple[str, ...]
    count: int = Field(ge=1, le=100)


class StacSearch(StrictModel):
    """Files are assets of the items that a STAC API finds in the box."""

    kind: Literal["stac"]
    catalogue: str
    collection: str
    datetime: str | None = None
    query: dict[str, Any] = Field(default_factory=dict)
    best: BestItems | None = None


class DegreeGrid(StrictModel):
    """Files that cover squares of degrees, named by their south-west corner."""

    degrees: int = Field(ge=1, le=90)


class MetreGrid(StrictModel):
    """Files that cover squares of metres, numbered from 1 in the north-west."""

    crs: str
    west: float
    north: float
    side: float = Field(gt=0)


class Address(StrictModel):
    """Files are where a pattern says.

    The pattern may hold `{input}`, `{year}`, `{country}`, `{country_lower}`, `{version}` and, with
    a grid, `{name}`, a pattern of `{ns}`, `{lat}`, `{ew}`, `{lon}` or of `{row}`, `{column}`.
    """

    kind: Literal["address"]
    url: str
    name: str = ""
    grid: DegreeGrid | MetreGrid | None = None
    absent: tuple[int, ...] = Field((404,), description="statuses that say: no such tile")
    member: str | None = Field(None, description="the file is this member of a zip")
    whole: bool = Field(
        False, description="read as a whole where the host does not serve parts of it"
    )
    version: str = ""
    versions: dict[str, str] = Field(default_factory=dict, description="by input")


class Listing(StrictModel):
    """Files are the objects of a bucket whose key fits; `(?P<moment>…)` tells items apart."""

    kind: Literal["listing"]
    url: str
    prefix: str
    key: str


class VrtIndex(StrictModel):
    """Files are those a GDAL virtual raster lists, beside it."""

    kind: Literal["vrt"]
    url: str


Find = Annotated[StacSearch | Address | Listing | VrtIndex, Field(discriminator="kind")]


class Source(StrictModel):
    """One product that gives a theme; `value = raw * scale + offset`.

    Attributes:
        inputs: What a band is called, and what stands for it in addresses; the bands of the theme,
            unless a formula or a mask takes some of them.
        formula: Makes one band of the inputs `red` and `nir`.
        codes: What raw numbers stand for that are no values.
    """

    code: str
    find: Find
    inputs: dict[str, str] | Literal["months"]
    years: tuple[int, int] | None = None
    year: int | None = None
    every: int = 1
    span: int = Field(1, description="years that are read, `year` being the last")
    nodata: float | None = None
    valid: tuple[float, float] | None = Field(None, description="raw values beyond are nodata")
    scale: float = 1.0
    scales: dict[str, float] = Field(default_factory=dict, description="by input")
    offset: float = 0.0
    scale_of_item: bool = Field(False, description="an item's own scale and offset go first")
    offset_done: str | None = Field(None, description="property that says: the offset is in")
    codes: dict[str, CodeValue | Literal["line_of_ndvi"]] = Field(default_factory=dict)
    least: float | None = Field(None, description="smaller values become this one")
    fill_within_m: float | None = Field(
        None, gt=0, le=20_000, description="cells without a value take the nearest within"
    )
    formula: Formula | None = None
    mask: Mask | None = None
    combine: Combine = "first"
    join: Join = "nearest"
    class_scheme: str | None = None
    water: int | None = Field(None, description="raw code of water, the sea included")
    resolution_m: float | None = Field(None, description="true one, where cells are finer")
    observed: tuple[Rfc3339Date, Rfc3339Date] | None = None
    stand_in_zh: str | None = None
    stand_in_en: str | None = None
    product_zh: str
    product_en: str
    licence: str
    citation: str

    @property
    def named_inputs(self) -> Mapping[str, str]:
        """Input by name, with what stands for it in addresses."""
        if self.inputs == "months":
            return {name: f"{month:02}" for month, name in enumerate(MONTH_NAMES, 1)}
        return self.inputs

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands of the theme."""
        if self.formula is not None:
            return (self.formula,)
        mask = None if self.mask is None else self.mask.input
        return tuple(name for name in self.named_inputs if name != mask)

    def year_for(self, asked: int | None) -> int | None:
        """The year to read; None for a product without years.

        Raises:
            InvalidInput: the product does not have the year asked for.
        """
        if asked is None or self.years is None:
            return self.year or (None if self.years is None else self.years[1])
        first, last = self.years
        if not first <= asked <= last or (asked - first) % self.every:
            steps = f" in steps of {self.every}" if self.every > 1 else ""
            raise InvalidInput(
                f"year is {asked}; {self.code} has {first} to {last}{steps}",
                message_zh=f"年份为 {asked}；{self.code} 提供 {first} 至 {last} 年",
                pointer="--year",
            )
        return asked


class ThemeSources(StrictModel):
    """The sources of one theme, best first."""

    name_zh: str
    name_en: str
    unit: str | None = None
    sources: tuple[Source, ...] = Field(min_length=1)


class OpenSources(StrictModel):
    """All themes of a configuration, the catalogues they name, and the hosts that may be asked."""

    hosts: tuple[str, ...] = Field(min_length=1, description="host names, `*` allowed")
    catalogues: dict[str, Catalogue] = Field(default_factory=dict)
    themes: dict[str, ThemeSources]

    @model_validator(mode="after")
    def know_every_catalogue(self) -> "OpenSources":
        """Refuse a source whose catalogue is not listed."""
        for theme, entry in self.themes.items():
            for source in entry.sources:
                find = source.find
                if isinstance(find, StacSearch) and find.catalogue not in self.catalogues:
                    raise ValueError(f"{theme}, {source.code}: no catalogue is {find.catalogue}")
        return self

    def of(self, theme: str) -> ThemeSources:
        """The sources of a theme.

        Raises:
            InvalidInput: no open source is known for it.
        """
        if theme not in self.themes:
            known = ", ".join(sorted(self.themes))
            raise InvalidInput(
                f"theme is {theme}; an open source is configured for: {known}",
                message_zh=f"专题 {theme} 没有配置开放数据源；可用：{known}",
                pointer="--theme",
            )
        return self.themes[theme]

    def chosen(self, theme: str, code: str | None) -> Sequence[Source]:
        """The sources of a theme that may be taken: the one with the code, or all, best first.

        Raises:
            InvalidInput: the theme is unknown, or has no such source.
        """
        entry = self.of(theme)
        found = [source for source in entry.sources if code in {None, source.code}]
        if not found:
            known = ", ".join(source.code for source in entry.sources)
            raise InvalidInput(
                f"source of {theme} is {code}; it must be one of {known}",
                message_zh=f"{theme} 的数据源为 {code}；可选：{known}",
                pointer="--source",
            )
        return found


def read_sources(path: Path | None = None) -> OpenSources:
    """The configuration in `path`, or the one that comes with the package.

    Raises:
        InvalidInput: the file is missing, not TOML, or breaks a rule, which is named.
    """
    try:
        source = path or files("shanhai.data").joinpath("sources.toml")
        return OpenSources.model_validate(tomllib.loads(source.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise InvalidInput(f"sources {path or 'of the package'}: {error}") from error
