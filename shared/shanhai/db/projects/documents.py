"""The documents of a project: what is kept of a file beside the file."""

import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.programmes import DOCUMENTS
from shanhai.db.engine import read_today
from shanhai.db.identity import Identity, demand_role
from shanhai.db.projects.queries import ProjectSeen, hold_project
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.project import ProjectMeasure
from shanhai.db.tables.provision import Document
from shanhai.errors import Fault, InvalidInput
from shanhai.monitoring.units import UNITS, conversion
from shanhai.science.units import convert
from shanhai.storage.artifacts import StoredArtifact
from shanhai.vocabulary import (
    DOCUMENT_KINDS,
    DocumentKind,
    Role,
    Visibility,
    broken_class_rule,
)

FORBIDDEN_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u2028\u2029\u202a-\u202e]')
RESERVED_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
MOST_NAME_BYTES = 200
MOST_DOCUMENTS = 10_000
RESULTS = frozenset({"monitoring", "effect_evaluation"})
"""Kinds of documents that tell a figure of a period."""
RESULT = ("period_from", "period_to", "quantity", "value", "unit")
UNIT_OF = """(SELECT coalesce(known.unit, '') FROM (
    SELECT 1, m.unit FROM project_measure m JOIN project p ON p.id = m.project_id
     WHERE p.code = :code AND p.deleted_at IS NULL AND m.measure = {quantity}
    UNION ALL SELECT 2, unit FROM indicator WHERE code = {quantity} AND deleted_at IS NULL
    UNION ALL SELECT 3, CASE WHEN unit_open THEN '' ELSE unit END FROM observed_property
     WHERE code = {quantity}) known (place, unit) ORDER BY known.place LIMIT 1)"""
"""SQL: the unit a quantity is counted in, empty for none; NULL where no such quantity is known."""
KINDS = {kind.code: kind for kind in DOCUMENT_KINDS}


@dataclass(frozen=True, slots=True)
class MonitoringResult:
    """The period and the figure that results of monitoring and evaluation tell."""

    period_from: date | None = None
    period_to: date | None = None
    quantity: str | None = None
    value: Decimal | None = None
    unit: str | None = None

    def attrs(self) -> dict[str, str]:
        """What is kept of it; decimals as they were written."""
        named = {name: getattr(self, name) for name in RESULT}
        return {name: str(value) for name, value in named.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Paper:
    """What is said of a file that is added."""

    filename: str
    media_type: str
    kind: str
    title_zh: str
    title_en: str | None = None
    measure: str | None = None
    visibility: Visibility = Visibility.REGION
    data_class: str | None = None
    data_grade: str | None = None
    result: MonitoringResult = MonitoringResult()


def kind_named(code: str) -> DocumentKind:
    """The kind of document of a code.

    Raises:
        InvalidInput: there is none.
    """
    if code in KINDS:
        return KINDS[code]
    listed = ", ".join(KINDS)
    raise InvalidInput(
        f"kind must be one of {listed}", message_zh=f"kind 须为 {listed}", pointer="kind"
    )


def checked_name(filename: str) -> str:
    """The name of a file, in one form of Unicode.

    Raises:
        InvalidInput: it is a path, or hides something.
    """
    name = unicodedata.normalize("NFC", filename).strip()
    bad = FORBIDDEN_IN_NAMES.search(name) or RESERVED_NAMES.fullmatch(name)
    if bad or not name or name.startswith(".") or len(name.encode()) > MOST_NAME_BYTES:
        raise InvalidInput(
            f"a file name of at most {MOST_NAME_BYTES} bytes is needed, without a path,"
            " control characters or a leading point",
            message_zh=f"文件名不得超过 {MOST_NAME_BYTES} 字节，不得含路径、控制字符或以点开头",
            pointer="filename",
        )
    return name


async def add_paper(
    session: AsyncSession,
    project_code: str,
    identity: Identity,
    act: Act,
    paper: Paper,
    file: StoredArtifact,
) -> Document:
    """Register a stored file as a document of a project.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        NotFound: there is no project it may know of.
        InvalidInput: the project has no such measure, or its class forbids the visibility.
        Conflict: the project has ended.
    """
    broken = broken_class_rule(paper.visibility, paper.data_class, paper.data_grade)
    if broken is not None:
        raise InvalidInput(broken[1].en, message_zh=broken[1].zh, pointer=f"/{broken[0]}")
    project = await demand_adder(session, project_code, identity, paper.kind)
    await _demand_measure(session, project, paper.measure)
    await demand_result(session, project.code, paper)
    row = Document(
        code=f"document-{secrets.token_hex(8)}",
        owner_collection="projects",
        owner_code=project.code,
        region_id=project.region_id,
        title_zh=paper.title_zh,
        title_en=paper.title_en,
        kind=paper.kind,
        filename=paper.filename,
        media_type=paper.media_type,
        bytes=file.bytes,
        sha256=file.sha256,
        uri=file.uri,
        visibility=paper.visibility,
        data_class=paper.data_class,
        data_grade=paper.data_grade,
        uploaded_by=act.actor,
        attrs={
            **({} if paper.measure is None else {"measure": paper.measure}),
            **paper.result.attrs(),
        },
    )
    session.add(row)
    await session.flush()
    kept = ("kind", "filename", "media_type", "bytes", "sha256", "title_zh", "title_en")
    record(
        session,
        act,
        "create",
        table=DOCUMENTS.table,
        object_id=row.code,
        after={
            "id": row.id,
            "project": project.code,
            "visibility": paper.visibility,
            "data_class": paper.data_class,
            "data_grade": paper.data_grade,
            **paper.result.attrs(),
            **{name: getattr(row, name) for name in kept},
        },
    )
    return row


async def demand_adder(
    session: AsyncSession, project_code: str, identity: Identity, kind: str
) -> ProjectSeen:
    """The project, for one who may add a document of a kind to it; refusals as with `add_paper`."""
    roles: frozenset[Role] = kind_named(kind).roles
    project = await hold_project(session, project_code, identity, roles)
    demand_role(identity, roles, project.region_id)
    query = select(func.count()).where(
        Document.owner_collection == "projects",
        Document.owner_code == project.code,
        Document.deleted_at.is_(None),
    )
    if int(await session.scalar(query) or 0) >= MOST_DOCUMENTS:
        raise InvalidInput(
            f"a project has at most {MOST_DOCUMENTS} documents",
            message_zh=f"一个项目至多 {MOST_DOCUMENTS} 份文件",
            pointer="",
        )
    return project


async def demand_result(session: AsyncSession, project_code: str, paper: Paper) -> None:
    """Refuse results that tell no period or no figure, or one of the future or of nothing known.

    Raises:
        InvalidInput: a member is missing or breaks a rule, or the unit does not convert.
    """
    told, today = paper.result, await read_today(session)
    faults = [
        Fault(name, f"{paper.kind} needs {name}", f"{paper.kind} 须载明 {name}")
        for name in RESULT
        if paper.kind in RESULTS and getattr(told, name) is None
    ]
    if told.period_from and told.period_to and told.period_to < told.period_from:
        faults.append(Fault("period_to", "must not be before period_from", "不得早于 period_from"))
    if told.period_to and told.period_to > today:
        faults.append(
            Fault("period_to", f"must not be after today, {today}", f"不得晚于今天 {today}")
        )
    counted_in = await session.scalar(
        text(f"SELECT {UNIT_OF.format(quantity=':quantity')}"),
        {"code": project_code, "quantity": told.quantity},
    )
    if told.quantity and counted_in is None:
        en = f"{told.quantity!r} is no measure of the project, no indicator, no observed property"
        faults.append(Fault("quantity", en, f"{told.quantity!r} 不是该项目的措施、指标或观测属性"))
    if told.unit and counted_in and figure_in(Decimal(1), told.unit, counted_in)[1] != counted_in:
        en = f"{told.unit!r} cannot be converted to {counted_in!r}"
        faults.append(Fault("unit", en, f"{told.unit!r} 不能换算为 {counted_in!r}"))
    if told.unit == "%" and told.value is not None and not 0 <= told.value <= 100:
        faults.append(Fault("value", "a share lies from 0 to 100 %", "占比须在 0 至 100 % 之间"))
    if faults:
        raise InvalidInput(
            "results must tell a figure of a period",
            message_zh="结果须载明时段与数值",
            faults=faults,
        )


def figure_in(value: Decimal, unit: str | None, wanted: str | None) -> tuple[Decimal, str | None]:
    """A figure in the unit its quantity is counted in; as it is told where it does not convert."""
    if not unit or not wanted:
        return value, unit
    try:
        return convert(value, unit, wanted), wanted
    except InvalidInput:
        how = conversion(unit, wanted) if wanted in UNITS else None
    if how is None:
        return value, unit
    by, more, of = map(Decimal, (how.numerator, how.offset, how.denominator))
    return (value * by + more) / of, wanted


async def _demand_measure(session: AsyncSession, project: ProjectSeen, measure: str | None) -> None:
    if measure is None:
        return
    query = select(ProjectMeasure.id).where(
        ProjectMeasure.project_id == project.id, ProjectMeasure.measure == measure
    )
    if await session.scalar(query) is None:
        raise InvalidInput(
            f"the project has no measure {measure!r}",
            message_zh=f"该项目没有措施 {measure!r}",
            pointer="measure",
        )
