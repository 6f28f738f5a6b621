"""A template of bulletins: what they are called, who issues them, their sections and words.

Texts are written in a small language of placeholders (`publish_bulletin.document.language`).
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from shanhai.validation import StrictModel, broken_at

SectionKind = Literal[
    "text",
    "summary",
    "indicators",
    "observations",
    "water",
    "air",
    "series",
    "map",
    "alerts",
    "leads",
    "projects",
    "balances",
    "settlements",
    "mines",
]
"""What a section shows below its text: a table, a map, charts; of `text`, `summary` nothing."""
TEXT_LIMIT = 4_000
MOST_SECTIONS = 30

Line = Annotated[
    str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Text = Annotated[
    str, StringConstraints(max_length=TEXT_LIMIT, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")
]

EnglishLine = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A line in English; where it is empty, the Chinese one is shown in its place."""


class Section(StrictModel):
    """A section: its heading, its text, and what it shows."""

    kind: SectionKind
    heading_zh: Line
    heading_en: EnglishLine = ""
    text_zh: Text = ""
    text_en: Text = ""


class Words(StrictModel):
    """The words of a bulletin in their order; titles, notes and texts may have placeholders."""

    title_zh: Line = Field(description="Title of bulletins in Chinese / 公报标题")
    title_en: EnglishLine = Field(
        "", description="Title of bulletins in English / 公报标题（英文）"
    )
    issuer_zh: Line = Field(description="Issuing body in Chinese / 发布单位")
    issuer_en: EnglishLine = Field("", description="Issuing body in English / 发布单位（英文）")
    note_zh: Text = Field("", description="Note at the end in Chinese / 文末说明")
    note_en: Text = Field("", description="Note at the end in English / 文末说明（英文）")
    sections: list[Section] = Field(
        min_length=1, max_length=MOST_SECTIONS, description="Sections in their order / 章节"
    )

    @model_validator(mode="after")
    def check_sections(self) -> Self:
        """What is computed is shown once."""
        kinds = [one.kind for one in self.sections if one.kind != "text"]
        twice = sorted({kind for kind in kinds if kinds.count(kind) > 1})
        if twice:
            rule = f"kind {', '.join(twice)} is there twice / 章节重复：{'、'.join(twice)}"
            raise broken_at("sections", rule=rule)
        return self


class Template(Words):
    """A template: words for bulletins to come, under a name."""

    name_zh: Line = Field(description="Name in Chinese / 中文名称")
    name_en: EnglishLine = Field("", description="Name in English / 英文名称")
