"""Which open catalogue gives which theme: configuration, checked when read."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shanhai.errors import InvalidInput

Combine = Literal["first", "mean", "max"]


class Catalogue(BaseModel):
    """A STAC API and the hosts its assets may lie on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(pattern=r"^https?://")
    asset_hosts: tuple[str, ...] = Field(min_length=1, description="host names, `*` allowed")
    token_url: str | None = Field(None, description="gives a query string; `{collection}`")
    s3_url: str | None = Field(None, description="public address of `s3://{bucket}/{key}`")


class ThemeSource(BaseModel):
    """One theme in one collection; `value = raw * scale + offset`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    catalogue: str
    collection: str
    asset: str
    name_zh: str
    name_en: str
    source: str
    licence: str
    unit: str | None = None
    datetime: str | None = None
    query: dict[str, Any] = Field(default_factory=dict)
    item_id: str = Field("*", description="items whose id fits this pattern, `*` allowed")
    combine: Combine = Field("first", description="what to do with several dates")
    nodata: float | None = None
    valid_min: float | None = Field(None, description="raw values below are nodata")
    valid_max: float | None = Field(None, description="raw values above are nodata")
    scale: float = 1.0
    offset: float = 0.0
    class_scheme: str | None = None
    water: int | None = Field(None, description="raw code of water, the sea included")
    codes: dict[str, float | Literal["nodata"]] = Field(
        default_factory=dict, description="what raw numbers stand for that are no values"
    )


class Catalogues(BaseModel):
    """All catalogues and themes of a configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    catalogues: dict[str, Catalogue]
    themes: dict[str, ThemeSource]

    @model_validator(mode="after")
    def know_every_catalogue(self) -> "Catalogues":
        """Refuse a theme whose catalogue is not listed."""
        for name, theme in self.themes.items():
            if theme.catalogue not in self.catalogues:
                raise ValueError(f"themes.{name}.catalogue names no catalogue: {theme.catalogue}")
        return self

    def theme(self, name: str) -> ThemeSource:
        """The source of a theme.

        Raises:
            InvalidInput: no open source is known for it.
        """
        if name not in self.themes:
            known = ", ".join(sorted(self.themes))
            raise InvalidInput(
                f"theme is {name}; an open catalogue is configured for: {known}",
                message_zh=f"主题 {name} 没有配置开放数据目录;可用:{known}",
                pointer="/theme",
            )
        return self.themes[name]


def read_catalogues(path: Path | None = None) -> Catalogues:
    """The configuration in `path`, or the one that comes with the package.

    Raises:
        InvalidInput: the file is missing, not TOML, or breaks a rule, which is named.
    """
    try:
        text = _bundled() if path is None else path.read_text(encoding="utf-8")
        return Catalogues.model_validate(tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise InvalidInput(f"catalogues {path or 'of the package'}: {error}") from error


def _bundled() -> str:
    return files("shanhai.data").joinpath("catalogues.toml").read_text(encoding="utf-8")
