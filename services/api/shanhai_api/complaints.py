"""`/complaints`: what anybody reports of a place, with photos; and what a case knows of it."""

import asyncio
import hashlib
import os
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Header, Request
from pydantic import Field

from shanhai.db import comments
from shanhai.db.cases import complaints
from shanhai.db.cases.queries import find_case
from shanhai.db.cases.transitions import demand_handler
from shanhai.db.engine import read_today
from shanhai.db.features.geometry import read_shape
from shanhai.errors import UnsupportedFile
from shanhai.isolation import run_apart
from shanhai.validation import Rfc3339Date, Words
from shanhai.vocabulary import CASE_STATES, LEAD_KINDS
from shanhai_api import notices
from shanhai_api.kit import answers
from shanhai_api.kit.body import Body, JsonBody, read_blocks
from shanhai_api.kit.dependencies import KnownReader, Read, Write, Writer
from shanhai_api.kit.routing import Route

router = APIRouter(tags=["participation"], route_class=Route)
PURPOSE = "complaints"
MOST_PHOTO_BYTES = 10 * 1024**2
PHOTO_TIME_S = 20


class NewComplaint(Body):
    """What somebody reports of a place."""

    kind: Literal[
        "construction", "mining", "clearing", "cultivation", "filling", "dumping", "road", "other"
    ] = Field(description="What it looks like")
    text: Words = Field(description="What was seen, as plain text")
    seen_on: Rfc3339Date = Field(description="Day it was seen; within the last year")
    place: dict[str, Any] = Field(description="GeoJSON point, in longitude, latitude")
    accuracy_m: float = Field(
        15, ge=1, le=500, allow_inf_nan=False, description="How far off the place may be, in metres"
    )
    name: notices.ShortText | None = Field(None, description="Who reports; kept apart")
    contact: notices.ShortText | None = Field(None, description="Telephone or mail; kept apart")
    address: notices.ShortText | None = Field(None, description="Where they live; kept apart")
    work: notices.SolvedWork | None = Field(None, description="Needed without an account")


class ComplaintKind(answers.Answered):
    """What something looks like."""

    code: Annotated[str, answers.one_of(LEAD_KINDS)]
    name: str
    name_zh: str
    name_en: str


class ComplaintForm(answers.Document):
    """What a complaint tells, and its limits."""

    template = "complaints.html"
    stored = False

    taken: bool = Field(description="Whether complaints are taken without an account")
    kinds: list[ComplaintKind]
    today: date
    most_photos: int
    most_photo_bytes: int
    links: list[answers.Link]


class ComplaintKept(answers.Document):
    """A complaint that was taken."""

    stored = False
    secrets = frozenset({"receipt"})

    state: Literal["received"] = "received"
    receipt: answers.Maybe[str] = Field(
        None, description="By which state and answer are read at `/receipts`; told once"
    )


class PhotoKept(answers.Document):
    """A photo that was taken, without what the camera wrote beside it."""

    stored = False

    photos: int = Field(description="How many the complaint has now")


class CaseComplaint(answers.Document):
    """The complaint of a case, for those who handle it; without who reported."""

    stored = False

    case: str
    state: Annotated[str, answers.one_of(CASE_STATES)]
    text: str
    photos: int
    reported_at: answers.Moment = Field(validation_alias="created_at")
    answer: str | None
    answered_at: answers.Moment | None
    links: list[answers.Link]


@router.get("/complaints", summary="What can be complained of, and the form for it")
async def show_form(read: Read[Writer]) -> answers.Answer[ComplaintForm]:
    """Show the kinds and limits of complaints; as a page, the form, and one for receipts."""
    kinds = [
        ComplaintKind(
            code=one.code,
            name=one.label.in_(read.lang),
            name_zh=one.label.zh,
            name_en=one.label.en,
        )
        for one in LEAD_KINDS
    ]
    links = [*read.self_links("/complaints"), read.link("/complaints/challenge", "related")]
    secret = read.state.configuration.participation.secret.get_secret_value()
    shown = ComplaintForm(
        taken=bool(secret),
        kinds=kinds,
        today=await read_today(read.session),
        most_photos=complaints.MOST_PHOTOS,
        most_photo_bytes=MOST_PHOTO_BYTES,
        links=links,
    )
    return answers.Answer(shown, headers={"Content-Security-Policy": notices.SCRIPTED})


@router.get("/complaints/challenge", summary="A challenge for whoever complains without an account")
async def set_challenge(read: Read[Writer]) -> notices.WorkChallenge:
    """Set a challenge; it can be used once, for a complaint, until it expires."""
    return notices.challenge_for(read, PURPOSE)


@router.post("/complaints", summary="Complain of something at a place", status_code=201)
async def post_complaint(write: Write[Writer], body: JsonBody[NewComplaint]) -> ComplaintKept:
    """Take a complaint by anybody; it becomes a case of the region it lies in."""
    shape = await read_shape(body.place, kind="geometry-point", pointer="/place")
    await notices.demand_work(write, PURPOSE, body.work)
    settings = write.state.configuration
    new = complaints.ComplaintContents(
        body.kind, body.text, body.seen_on, shape.wkb, body.accuracy_m
    )
    receipt = await complaints.open_complaint(
        write.session,
        new,
        comments.PersonTold(body.name, body.contact, body.address),
        caller=write.caller,
        request_id=write.request_id,
        verify_days=settings.cases.verify_days,
        retention_days=settings.participation.retention_days,
    )
    return ComplaintKept(receipt=receipt)


async def read_photo(request: Request) -> bytes:
    """The bytes of a photo."""
    sent = b"".join([block async for block in read_blocks(request, limit=MOST_PHOTO_BYTES)])
    request.state.body_sha256 = hashlib.sha256(sent).hexdigest()
    return sent


@router.post(
    "/complaints/photos",
    summary="Add a photo to a complaint",
    status_code=201,
    response_model=PhotoKept,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The bytes of a JPEG, PNG or WebP of at most 10 MiB",
            "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def post_photo(
    write: Write[Writer],
    sent: Annotated[bytes, Depends(read_photo)],
    receipt: Annotated[str, Header(description="The receipt of the complaint", max_length=200)],
) -> PhotoKept:
    """Take a photo, made anew from its pixels: place, time and camera written in it are dropped."""
    notices.count_sent(write)
    store = write.state.store
    path = store.scratch()
    try:
        await asyncio.to_thread(_write, path, await _redrawn(sent))
        stored = await asyncio.to_thread(store.put, path, suffix=".jpg")
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)
    number = await complaints.add_photo(write.session, receipt, stored, request_id=write.request_id)
    return PhotoKept(photos=number)


async def _redrawn(sent: bytes) -> bytes:
    """A photo made anew from its pixels, by a program that can do nothing else.

    Raises:
        UnsupportedFile: it is no picture of a kind that is accepted, or has too many pixels.
    """
    try:
        code, made = await run_apart("shanhai.photos", sent, time_s=PHOTO_TIME_S)
    except TimeoutError as error:
        en, zh = f"takes more than {PHOTO_TIME_S} s to read", f"读取超过 {PHOTO_TIME_S} 秒"
        raise _refused(en, zh) from error
    if code == os.EX_DATAERR:
        why = orjson.loads(made)
        raise _refused(why["en"], why["zh"])
    if code != os.EX_OK:
        raise _refused("cannot be read", "无法读取")
    return made


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _refused(en: str, zh: str) -> UnsupportedFile:
    return UnsupportedFile(f"the photo {en}", message_zh=f"照片{zh}", pointer="")


@router.get("/cases/{case}/complaint", summary="The complaint of a case")
async def show_complaint(read: Read[KnownReader], case: str) -> CaseComplaint:
    """Show what was reported, to those who see the case; who reported is asked for apart."""
    seen = await find_case(read.session, case, read.caller.viewer)
    found = await complaints.find_complaint(read.session, seen)
    links = [
        *read.self_links(f"/cases/{seen.code}/complaint"),
        read.link(f"/cases/{seen.code}", "up"),
    ]
    return CaseComplaint.from_row(found, case=seen.code, state=seen.state, links=links)


@router.get("/cases/{case}/contact", summary="Who complained")
async def show_contact(write: Write[Writer], case: str) -> notices.CommentContact:
    """Tell those who handle the case whom to ask; each reading is in the audit log."""
    seen = await find_case(write.session, case, write.caller.viewer)
    demand_handler(write.caller, seen)
    found = await complaints.find_complaint(write.session, seen)
    row = await comments.tell_contact(write.session, seen.code, write.act, complaint_id=found.id)
    return notices.CommentContact.from_row(row)


@router.delete("/cases/{case}/contact", summary="Delete who complained", status_code=204)
async def delete_contact(write: Write[Writer], case: str) -> None:
    """Delete name and contact at the wish of whoever complained; the case stays."""
    seen = await find_case(write.session, case, write.caller.viewer)
    demand_handler(write.caller, seen)
    found = await complaints.find_complaint(write.session, seen)
    await comments.forget_contact(write.session, seen.code, write.act, complaint_id=found.id)
