"""The rows of an import that passed, written in the transaction that ends its job."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import entity_named
from shanhai.db.features.bulk_validation import Rejected
from shanhai.db.features.bulk_write import BulkResult, write_many
from shanhai.db.features.entity import Entity, Property
from shanhai.db.features.sql_write import codes_in, ids_of
from shanhai.db.identity import Viewer
from shanhai.db.queries.audit import Act
from shanhai.processes.import_features.contract import ImportFeaturesInputs
from shanhai.processes.import_features.findings import (
    ACCEPTED,
    FINDINGS,
    read_accepted,
    read_findings,
    write_reports,
    written_properties,
)
from shanhai.processes.kit.publication import identity_of
from shanhai.processes.kit.task import OutputFile, Publication
from shanhai.vocabulary import Visibility

CODE_PLACE, VALUES_PLACE = 1, 5
"""Where a staged row has its code, and the first of its values."""
MOST_LEVELS = 50
"""Rows above each other in one file; places and parties have a handful."""


async def publish(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Write the rows that passed, or none of them; a check writes them and takes them back."""
    inputs = ImportFeaturesInputs.model_validate(publication.task.inputs)
    values, checked = publication.outcome.values, inputs.mode == "check"
    if "fields" not in values:  # a check could not read the rows
        return {"summary": {**values["summary"], "verdict": "checked", "rejections": []}}
    partly = inputs.mode != "all_or_nothing"
    errors = len(values["rejected_rows"]) + values["general_errors"]
    if errors and not partly:
        return _verdict(values, BulkResult(), written=False)
    tally = await _write(session, publication, inputs, partly=partly)
    told = _verdict(values, tally, written=partly or not tally.rejected)
    if checked:
        told["summary"]["verdict"] = "checked"
    if tally.rejections:
        await publication.store_again(
            await asyncio.to_thread(_complete, publication.workspace, told["summary"])
        )
    return told


def _complete(workspace: Path, summary: Mapping[str, Any]) -> list[OutputFile]:
    """The reports with what was found while writing."""
    rejections = [
        {**one, "severity": "error", "lon": None, "lat": None} for one in summary["rejections"]
    ]
    counts = {name: told for name, told in summary.items() if name != "rejections"}
    return write_reports(
        workspace, counts, lambda: chain(read_findings(workspace / FINDINGS), rejections)
    )


async def _write(
    session: AsyncSession, publication: Publication, inputs: ImportFeaturesInputs, *, partly: bool
) -> BulkResult:
    """Write the rows level by level, as those below refer to those above; all levels or none."""
    values, entity = publication.outcome.values, entity_named(inputs.collection)
    properties = written_properties(entity, values["fields"])
    identity = identity_of(publication.task)
    path, rejected = publication.workspace / ACCEPTED, frozenset(values["rejected_rows"])

    def rows() -> Iterator[list[tuple[Any, ...]]]:
        return read_accepted(path, properties, rejected)

    levels = await _levels_of(session, entity, properties, rows, identity.viewer)
    total = BulkResult()
    async with session.begin_nested() as savepoint:
        for level in range(max(levels.values(), default=0) + 1):
            tally = await write_many(
                session,
                entity,
                identity,
                Act(publication.requested_by),
                properties,
                _unblocking(_of_level(rows(), levels, level)),
                shaped=values["shaped"],
                partly=partly,
                visibility=Visibility(inputs.visibility),
                own=values["own"],
            )
            if tally.rejected and not partly:
                await savepoint.rollback()
                return tally
            total.add(tally)
        if inputs.mode == "check":
            await savepoint.rollback()
    return total


def _of_level(
    blocks: Iterator[list[tuple[Any, ...]]], levels: Mapping[str, int], level: int
) -> Iterator[list[tuple[Any, ...]]]:
    for block in blocks:
        yield [row for row in block if levels.get(row[CODE_PLACE], 0) == level]


async def _levels_of(
    session: AsyncSession,
    entity: Entity,
    properties: Sequence[Property],
    rows: Callable[[], Iterator[list[tuple[Any, ...]]]],
    viewer: Viewer,
) -> Mapping[str, int]:
    """The level of each row that refers to a new one of the same file; that of the others is 0."""
    places = [
        VALUES_PLACE + number
        for number, item in enumerate(properties)
        if item.refers_to == entity.name
    ]
    if not places:
        return {}
    above = await asyncio.to_thread(_references, rows(), places)
    new = set().union(*above.values())
    if new:
        new -= (await ids_of(session, entity.name, new, viewer)).keys()
    here = await asyncio.to_thread(_codes_among, rows(), new) if new else set()
    return levels_of({code: found for code, of in above.items() if (found := of & here)})


def _references(
    blocks: Iterator[list[tuple[Any, ...]]], places: Sequence[int]
) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in chain.from_iterable(blocks):
        given = [orjson.loads(row[place]) for place in places if row[place] is not None]
        codes = {code for one in given if one is not None for code in codes_in(one)}
        if codes:
            found[row[CODE_PLACE]] = codes
    return found


def _codes_among(blocks: Iterator[list[tuple[Any, ...]]], codes: set[str]) -> set[str]:
    return {row[CODE_PLACE] for row in chain.from_iterable(blocks)} & codes


def levels_of(above: Mapping[str, set[str]]) -> dict[str, int]:
    """How many rows stand above each that has some above it, at most `MOST_LEVELS`.

    Rows in a circle come last, where each is refused by what it refers to.
    """
    levels: dict[str, int] = {}
    waiting = dict(above)
    for level in range(1, MOST_LEVELS + 1):
        ready = [code for code, of in waiting.items() if not of & waiting.keys()]
        if level == MOST_LEVELS or not ready:
            return levels | dict.fromkeys(waiting, level)
        for code in ready:
            levels[code] = level
            del waiting[code]
    return levels


async def _unblocking(
    blocks: Iterator[Sequence[Sequence[Any]]],
) -> AsyncIterator[Sequence[Sequence[Any]]]:
    """The blocks, each read in a thread."""
    while (block := await asyncio.to_thread(next, blocks, None)) is not None:
        yield block


def _verdict(values: dict[str, Any], tally: BulkResult, *, written: bool) -> dict[str, Any]:
    summary = values["summary"]
    rejected = summary["rejected"] + tally.rejected
    by_rule = Counter(summary["by_rule"]) + Counter(tally.rules)
    verdict = "imported" if not rejected else "partly_imported" if written else "refused"
    return {
        "summary": {
            **summary,
            "verdict": verdict if written else "refused",
            "passed": summary["rows"] - rejected,
            "rejected": rejected,
            "by_rule": dict(sorted(by_rule.items())),
            "created": tally.created,
            "updated": tally.updated,
            "unchanged": tally.unchanged,
            "kept": dict(tally.kept),
            "rejections": [_told(item) for item in tally.rejections],
        }
    }


def _told(item: Rejected) -> dict[str, Any]:
    return {
        "row": item.row,
        "code": item.code,
        "rule": item.rule,
        "member": item.member,
        "detail": item.detail.en,
        "detail_zh": item.detail.zh,
    }
