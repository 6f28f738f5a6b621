"""Bulletins and their templates as they are asked for and answered."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote
from uuid import UUID

from pydantic import Field, field_validator

from shanhai.db.bulletins.publication import SeenBulletin
from shanhai.db.bulletins.template import Section, Words
from shanhai.db.bulletins.templates import StoredTemplate
from shanhai.errors import InvalidInput
from shanhai.validation import Rfc3339Date
from shanhai.vocabulary import BULLETIN_STATES, Label, Lang, label_in
from shanhai_api.kit.answers import Answered, Document, Link, Moment, one_of
from shanhai_api.kit.dependencies import PageQuery, format_field
from shanhai_api.kit.view import DOCX, HTML, JSON, PDF, Format, View
from shanhai_api.kit.view import Link as Target

FORMATS = (JSON, HTML, PDF, DOCX)


class BulletinHead(Document):
    """A bulletin without what it tells."""

    code: str
    title: str
    region: str
    region_name: str
    plan: str | None
    first: date = Field(validation_alias="first_day")
    last: date = Field(validation_alias="last_day")
    year: int
    issue: int
    version: int
    corrects: str | None
    state: Annotated[str, one_of(BULLETIN_STATES)]
    state_name: str
    public: bool = Field(validation_alias="is_public")
    created: Moment = Field(validation_alias="created_at")
    published: Moment | None = Field(validation_alias="published_at")
    edited: Moment | None = Field(
        validation_alias="edited_at", description="When its words were last changed by hand"
    )
    links: list[Link]

    @classmethod
    def of(cls, seen: SeenBulletin, view: View, **more: Any) -> Self:
        """A bulletin as it is shown, with what more there is to tell."""
        row = seen.bulletin
        told = {
            "title": row.title_zh if view.lang == "zh" else row.title_en,
            "region": seen.region,
            "region_name": seen.region_zh if view.lang == "zh" else seen.region_en,
            "plan": seen.plan,
            "year": row.last_day.year,
            "corrects": seen.corrects,
            "state_name": label_in(BULLETIN_STATES, row.state, view.lang),
            "links": [view.link(bulletin_path(row.code), "item", JSON.media_type)],
        }
        return cls.from_row(row, **{**told, **more})


class BulletinFile(Answered):
    """A file of a bulletin: what it is, its hash, and where."""

    name: str
    media_type: str
    bytes: int
    sha256: str
    href: str


class Bulletin(BulletinHead):
    """A bulletin with all it tells, and its files with their hashes."""

    template = "bulletin.html"
    formats = FORMATS

    created_by: str | None = Field(None, description="Told to those with an identity")
    published_by: str | None = Field(None, description="Told to those with an identity")
    edited_by: str | None = Field(None, description="Told to those with an identity")
    corrected_by: str | None
    template_code: str = Field(serialization_alias="template", validation_alias="template")
    template_version: int
    job: UUID = Field(validation_alias="job_id")
    files: list[BulletinFile]
    content: dict[str, Any] = Field(description="What is told, section by section")

    @classmethod
    def told(cls, seen: SeenBulletin, view: View) -> Self:
        """A bulletin as it is shown."""
        row, path = seen.bulletin, bulletin_path(seen.bulletin.code)
        made = [one for one in (PDF, DOCX) if file_name(one, view.lang) in row.files]
        links = [
            *view.self_links(path, JSON, HTML, *made),
            *_to(view, seen.corrects, "predecessor-version"),
            *_to(view, seen.corrected_by, "successor-version"),
            view.link("/bulletins", "collection"),
        ]
        files = [
            BulletinFile(**_named(file), name=name, href=view.url(f"{path}/files/{name}"))
            for name, file in sorted(row.files.items())
        ]
        return cls.of(seen, view, corrected_by=seen.corrected_by, files=files, links=links)


class PublicBulletin(Bulletin):
    """A bulletin for those without an identity, who are not told who acted."""

    def as_json(self) -> dict[str, Any]:
        """Its members without those who acted."""
        hidden = {"created_by", "published_by", "edited_by"}
        return self.model_dump(mode="json", by_alias=True, exclude=hidden)


class BulletinWording(Document):
    """The words of a bulletin, without placeholders unless somebody wrote some."""

    title_zh: str
    title_en: str
    issuer_zh: str
    issuer_en: str
    note_zh: str
    note_en: str
    sections: list[Section]
    edited: Moment | None = Field(description="When they were last changed by hand")
    edited_by: str | None
    links: list[Link]

    @classmethod
    def of(cls, seen: SeenBulletin, wording: Words, view: View) -> Self:
        """The words of a bulletin as they are shown."""
        row = seen.bulletin
        path = bulletin_path(row.code)
        links = [*view.self_links(f"{path}/wording", JSON), view.link(path, "up", JSON.media_type)]
        told = {"edited": row.edited_at, "edited_by": row.edited_by, "links": links}
        return cls(**{**dict(wording), **told})


class Bulletins(Document):
    """A page of bulletins, those of the latest periods first."""

    template = "bulletins.html"

    bulletins: list[BulletinHead]
    links: list[Link]


class TemplateHead(Answered):
    """A version of a template, without its texts; nobody wrote that of the platform."""

    code: str
    version: int
    created_by: str | None
    created: Moment | None = Field(validation_alias="created_at")


class TemplateNamed(TemplateHead):
    """A version of a template as lists have it."""

    name: str
    links: list[Link]

    @classmethod
    def of(cls, stored: StoredTemplate, view: View) -> Self:
        """A template by its name."""
        template = stored.template
        return cls.from_row(
            stored,
            name=Label(template.name_zh, template.name_en or template.name_zh).in_(view.lang),
            links=[view.link(template_path(stored.code), "item", version=stored.version)],
        )


class BulletinTemplate(TemplateHead, Document):
    """A version of a template; titles, notes and texts have placeholders."""

    name_zh: str
    name_en: str
    title_zh: str
    title_en: str
    issuer_zh: str
    issuer_en: str
    note_zh: str
    note_en: str
    sections: list[Section]
    links: list[Link]

    @classmethod
    def of(cls, stored: StoredTemplate, view: View) -> Self:
        """A template with its texts."""
        path = template_path(stored.code)
        links = [
            *view.self_links(path, JSON),
            view.link(f"{path}/versions", "version-history"),
            view.link("/bulletin-templates", "collection"),
        ]
        return cls.from_row(stored, **dict(stored.template), links=links)


class BulletinTemplates(Document):
    """The newest version of each template."""

    templates: list[TemplateNamed]
    links: list[Link]


class TemplateVersions(Document):
    """Versions of a template, the newest first."""

    versions: list[TemplateNamed]
    links: list[Link]


def bulletin_path(code: str) -> str:
    """Where a bulletin is, for ever."""
    return f"/bulletins/{quote(code, safe='')}"


def template_path(code: str) -> str:
    """Where a template is."""
    return f"/bulletin-templates/{quote(code, safe='')}"


def file_name(kind: Format, lang: Lang) -> str:
    """The file of a bulletin in a format and language."""
    return f"{kind.name}_{lang}"


def _named(file: Mapping[str, Any]) -> dict[str, Any]:
    return {name: file[name] for name in ("media_type", "bytes", "sha256")}


def _to(view: View, code: str | None, rel: str) -> list[Target]:
    return [] if code is None else [view.link(bulletin_path(code), rel, JSON.media_type)]


CODE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$"
CURSOR = re.compile(r"(\d{4}-\d{2}-\d{2})-(\d{1,18})")


class BulletinsQuery(PageQuery):
    """Parameters of the list of bulletins."""

    region: str | None = Field(
        None, pattern=CODE, description="Only bulletins of this region and those below it"
    )
    state: Literal["draft", "published"] | None = Field(
        None, description="Only bulletins in this state"
    )
    first: Rfc3339Date | None = Field(None, description="Only bulletins of days from this one on")
    last: Rfc3339Date | None = Field(None, description="Only bulletins of days up to this one")
    limit: int = Field(10, ge=1, le=1_000, description="Bulletins on a page")
    before: str | None = Field(
        None, max_length=30, description="Where the page begins, from the link `next`"
    )

    @field_validator("before")
    @classmethod
    def check_cursor(cls, value: str | None) -> str | None:
        """One that a link gave."""
        if value is not None and CURSOR.fullmatch(value) is None:
            raise ValueError("must be taken from the link `next` / 须取自 next 链接")
        return value

    @property
    def place(self) -> tuple[date, int] | None:
        """The last day and id of the bulletin before the page.

        Raises:
            InvalidInput: there is no such day.
        """
        found = None if self.before is None else CURSOR.fullmatch(self.before)
        if found is None:
            return None
        try:
            return date.fromisoformat(found[1]), int(found[2])
        except ValueError as error:
            raise InvalidInput(
                "before must be taken from the link `next`",
                message_zh="before 须取自 next 链接",
                pointer="before",
            ) from error


class BulletinQuery(PageQuery):
    """Parameters of one bulletin."""

    f: str | None = format_field("json", "html", "pdf", "docx")


class TemplateQuery(PageQuery):
    """Parameters of one template."""

    version: int | None = Field(None, ge=0, le=1_000_000, description="Version; default the newest")


class VersionsQuery(PageQuery):
    """Parameters of the versions of a template."""

    limit: int = Field(10, ge=1, le=100, description="Versions on a page")
    before: int | None = Field(None, ge=1, le=1_000_000, description="Only versions before this")
