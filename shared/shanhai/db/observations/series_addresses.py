"""Rows that name Datastreams: under which property, and in which unit, each is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.sensorthings.identifiers import Kept, kept_series
from shanhai.monitoring.observation import Batch, Rejection, Texts

UNKNOWN_PROPERTY = (
    "names an observed property that is not there; /properties lists them",
    "所指观测要素不存在；清单见 /properties",
)
Address = tuple[str, str]
"""Codes of station and property, as a Datastream's id has them."""


async def as_kept(
    session: AsyncSession, batches: Sequence[Batch]
) -> list[tuple[Batch, list[Rejection]]]:
    """Each batch with its rows as their Datastreams are kept, and the rows of properties there are
    not: feeds may call a property otherwise, a Datastream has one id."""
    addresses = [_addresses(batch) for batch in batches]
    known = await kept_series(session, {one for rows in addresses for one in rows})
    return [_kept(batch, rows, known) for batch, rows in zip(batches, addresses, strict=True)]


def _addresses(batch: Batch) -> list[Address]:
    stations, properties = (
        [column.distinct[number] for number in column.number.tolist()]
        for column in (batch.station, batch.property)
    )
    return [*zip(stations, properties, strict=True)]


def _kept(
    batch: Batch, addresses: Sequence[Address], known: Mapping[Address, Kept]
) -> tuple[Batch, list[Rejection]]:
    found = [known.get(address) for address in addresses]
    there = [one for one in found if one is not None]
    which = np.array([one is not None for one in found], np.bool_)
    strangers = [
        Rejection(int(index), "/property", *UNKNOWN_PROPERTY) for index in batch.index[~which]
    ]
    kept = replace(
        batch if which.all() else batch.take(which),
        property=Texts.of([one.property_code for one in there]),
        unit=Texts.of([one.unit or "" for one in there]),
    )
    return kept, strangers
