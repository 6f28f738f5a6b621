import asyncio

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shanhai.db.engine import is_of_data


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        KeyError("no"),
        asyncpg.NumericValueOutOfRangeError("22003"),
        asyncpg.CheckViolationError("23514"),
        asyncpg.DataError("invalid argument"),
        DBAPIError("INSERT", {}, asyncpg.NumericValueOutOfRangeError("22003")),
        DBAPIError("COPY", {}, asyncpg.DataError("invalid argument")),
    ],
)
def test_what_the_data_are_to_blame_for_is_not_brought_again(error: Exception) -> None:
    assert is_of_data(error)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ReadOnlySQLTransactionError("25006"),
        asyncpg.UndefinedTableError("42P01"),
        asyncpg.DeadlockDetectedError("40P01"),
        asyncpg.InterfaceError("closed"),
        DBAPIError("INSERT", {}, asyncpg.UndefinedTableError("42P01")),
        DBAPIError("COPY", {}, asyncpg.InterfaceError("closed")),
        PoolTimeout(),
        ConnectionError(),
        TimeoutError(),
        asyncio.CancelledError(),
    ],
)
def test_what_passes_is_brought_again(error: BaseException) -> None:
    assert not is_of_data(error)
