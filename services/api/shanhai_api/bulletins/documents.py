"""Bulletins and their templates as documents."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from shanhai.db.bulletins.queries import SeenBulletin
from shanhai.db.bulletins.templates import StoredTemplate
from shanhai.timestamps import rfc3339
from shanhai.vocabulary import BULLETIN_STATES, Lang
from shanhai_api.negotiation import HTML, JSON, Format
from shanhai_api.view import Link, View

Document = dict[str, Any]
PDF = Format("pdf", "application/pdf")
DOCX = Format("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document")
FORMATS = (JSON, HTML, PDF, DOCX)
STATE_NAMES = {term.code: term.label for term in BULLETIN_STATES}


def bulletin_path(code: str) -> str:
    """Where a bulletin is, for ever."""
    return f"/bulletins/{quote(code, safe='')}"


def template_path(code: str) -> str:
    """Where a template is."""
    return f"/bulletin-templates/{quote(code, safe='')}"


def describe_head(seen: SeenBulletin, view: View) -> Document:
    """A bulletin without what it tells."""
    row = seen.bulletin
    return {
        "code": row.code,
        "title": row.title_zh if view.lang == "zh" else row.title_en,
        "region": seen.region,
        "region_name": seen.region_zh if view.lang == "zh" else seen.region_en,
        "plan": seen.plan,
        "first": row.first_day.isoformat(),
        "last": row.last_day.isoformat(),
        "year": row.last_day.year,
        "issue": row.issue,
        "version": row.version,
        "corrects": seen.corrects,
        "state": row.state,
        "state_name": STATE_NAMES[row.state].in_(view.lang),
        "public": row.is_public,
        "created": rfc3339(row.created_at),
        "published": rfc3339(row.published_at),
        "links": [view.link(bulletin_path(row.code), "item", JSON.media_type)],
    }


def describe_bulletin(seen: SeenBulletin, view: View, *, known: bool) -> Document:
    """A bulletin with all it tells, and its files with their hashes.

    Args:
        known: Whether the reader has an identity, and may know who acted.
    """
    row = seen.bulletin
    path = bulletin_path(row.code)
    former = [] if seen.corrects is None else [_to(view, seen.corrects, "predecessor-version")]
    later = [] if seen.corrected_by is None else [_to(view, seen.corrected_by, "successor-version")]
    who = {"created_by": row.created_by, "published_by": row.published_by} if known else {}
    return {
        **describe_head(seen, view),
        **who,
        "corrected_by": seen.corrected_by,
        "template": row.template,
        "template_version": row.template_version,
        "job": str(row.job_id),
        "files": [describe_file(name, one, path, view) for name, one in sorted(row.files.items())],
        "content": row.content,
        "links": [
            *_self_links(view, path, row.files),
            *former,
            *later,
            view.link("/bulletins", "collection"),
        ],
    }


def describe_file(name: str, file: Mapping[str, Any], path: str, view: View) -> Document:
    """A file of a bulletin: what it is, its hash, and where."""
    return {
        "name": name,
        "media_type": file["media_type"],
        "bytes": file["bytes"],
        "sha256": file["sha256"],
        "href": view.url(f"{path}/files/{name}"),
    }


def describe_template(stored: StoredTemplate, view: View) -> Document:
    """A version of a template."""
    template, path = stored.template, template_path(stored.code)
    return {
        **_template_head(stored, view),
        **template.model_dump(mode="json"),
        "links": [
            *view.self_links(path, JSON),
            view.link(f"{path}/versions", "version-history"),
            view.link("/bulletin-templates", "collection"),
        ],
    }


def list_of_templates(stored: list[StoredTemplate], view: View) -> list[Document]:
    """Templates by name."""
    return [
        {
            **_template_head(one, view),
            "name": one.template.name_zh if view.lang == "zh" else one.template.name_en,
            "links": [view.link(template_path(one.code), "item", version=one.version)],
        }
        for one in stored
    ]


def file_name(kind: Format, lang: Lang) -> str:
    """The file of a bulletin in a format and language."""
    return f"{kind.name}_{lang}"


def _template_head(stored: StoredTemplate, view: View) -> Document:
    return {
        "code": stored.code,
        "version": stored.version,
        "created_by": stored.created_by,
        "created": rfc3339(stored.created_at),
    }


def _self_links(view: View, path: str, files: Mapping[str, Any]) -> list[Link]:
    """The bulletin in its formats, as far as they could be made."""
    made = [one for one in (PDF, DOCX) if file_name(one, view.lang) in files]
    return view.self_links(path, JSON, HTML, *made)


def _to(view: View, code: str, rel: str) -> Link:
    return view.link(bulletin_path(code), rel, JSON.media_type)
