"""The rows of an import that passed, written in the transaction that ends its job."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import entity_named
from shanhai.db.features.bulk_validation import Rejected
from shanhai.db.features.bulk_write import BulkResult, write_many
from shanhai.db.queries.audit import Act
from shanhai.processes.import_features.contract import ImportFeaturesInputs
from shanhai.processes.import_features.findings import (
    ACCEPTED,
    read_accepted,
    written_properties,
)
from shanhai.processes.kit.publication import identity_of
from shanhai.processes.kit.task import Publication
from shanhai.vocabulary import Visibility


async def publish(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Write the rows that passed, or none of them."""
    inputs = ImportFeaturesInputs.model_validate(publication.task.inputs)
    values = publication.outcome.values
    if inputs.mode == "check":
        return {"summary": {**values["summary"], "verdict": "checked", "rejections": []}}
    partly = inputs.mode == "valid_rows"
    errors = len(values["rejected_rows"]) + values["general_errors"]
    if errors and not partly:
        return _verdict(values, BulkResult(), written=False)
    tally = await _write(session, publication, inputs, partly=partly)
    return _verdict(values, tally, written=partly or not tally.rejected)


async def _write(
    session: AsyncSession, publication: Publication, inputs: ImportFeaturesInputs, *, partly: bool
) -> BulkResult:
    values, entity = publication.outcome.values, entity_named(inputs.collection)
    properties = written_properties(entity, values["fields"])
    rows = read_accepted(
        publication.workspace / ACCEPTED, properties, frozenset(values["rejected_rows"])
    )
    return await write_many(
        session,
        entity,
        identity_of(publication.task),
        Act(publication.requested_by),
        properties,
        _unblocking(rows),
        shaped=values["shaped"],
        partly=partly,
        visibility=Visibility(inputs.visibility),
    )


async def _unblocking(
    blocks: Iterator[Sequence[Sequence[Any]]],
) -> AsyncIterator[Sequence[Sequence[Any]]]:
    """The blocks, each read in a thread."""
    while (block := await asyncio.to_thread(next, blocks, None)) is not None:
        yield block


def _verdict(values: dict[str, Any], tally: BulkResult, *, written: bool) -> dict[str, Any]:
    rejected = values["summary"]["rejected"] + tally.rejected
    verdict = "imported" if not rejected else "partly_imported" if written else "refused"
    return {
        "summary": {
            **values["summary"],
            "verdict": verdict if written else "refused",
            "rejected": rejected,
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
