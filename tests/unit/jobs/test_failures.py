"""What an exception means for a job."""

import errno
import sqlite3
from contextlib import closing
from typing import get_args

import pytest

from shanhai.errors import (
    Fault,
    InternalError,
    InvalidInput,
    LimitExceeded,
    NotFound,
    Unavailable,
    UnsupportedFile,
)
from shanhai.jobs.messages import (
    TITLES,
    Failure,
    FailureClass,
    classify,
    lost,
    out_of_memory,
    out_of_time,
)

NOT_MAPPED_LIBRARY = "libgfortran.so.5: failed to map segment from shared object"


def raised_from(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def full_base() -> Exception:
    """What SQLite says when it may grow no more."""
    with closing(sqlite3.connect(":memory:")) as base:
        base.execute("CREATE TABLE filling (bytes BLOB)")
        base.execute("PRAGMA max_page_count = 4")
        with pytest.raises(sqlite3.OperationalError) as refused:
            base.execute("INSERT INTO filling VALUES (zeroblob(100000))")
    return refused.value


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidInput("no"), "invalid"),
        (UnsupportedFile("no"), "invalid"),
        (LimitExceeded("no"), "invalid"),
        (NotFound("no"), "invalid"),
        (InternalError("no"), "bug"),
        (Unavailable("no"), "transient"),
        (MemoryError(), "resource"),
        (raised_from(RuntimeError("in a library"), MemoryError()), "resource"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "resource"),
        (ImportError(NOT_MAPPED_LIBRARY), "resource"),
        (raised_from(ImportError("in numpy"), ImportError(NOT_MAPPED_LIBRARY)), "resource"),
        (ImportError("No module named 'nothing'"), "bug"),
        (OSError(errno.ENOSPC, "full"), "resource"),
        (OSError(errno.EDQUOT, "full"), "resource"),
        (OSError(errno.EFBIG, "too large"), "resource"),
        (raised_from(RuntimeError("in a library"), OSError(errno.ENOSPC, "full")), "resource"),
        (full_base(), "resource"),
        (sqlite3.OperationalError("no such table"), "bug"),
        (OSError(errno.EACCES, "denied"), "bug"),
        (ZeroDivisionError(), "bug"),
    ],
)
def test_each_error_has_a_class(error: Exception, kind: FailureClass) -> None:
    assert classify(error).kind == kind


def test_a_failure_survives_the_row() -> None:
    error = InvalidInput(
        "bad", message_zh="坏", pointer="/inputs/x", faults=[Fault("/inputs/y", "z")]
    )
    failure = classify(error)
    assert Failure.parse(failure.document()) == failure
    assert failure.document()["title_zh"] == "输入无效"
    assert [fault.pointer for fault in failure.faults] == ["/inputs/x", "/inputs/y"]


def test_the_text_of_an_unforeseen_error_stays_in_the_log() -> None:
    detail = classify(ValueError("/srv/secret")).detail
    assert "/srv/secret" not in detail.en + detail.zh
    assert "ValueError" in detail.en


def test_a_fault_of_the_platform_that_is_named_is_told() -> None:
    told = classify(InternalError("it returned area", message_zh="返回了 area")).document()
    assert (told["class"], told["title_zh"]) == ("bug", "内部错误")
    assert (told["detail"], told["detail_zh"]) == ("it returned area", "返回了 area")


def test_limits_are_named() -> None:
    assert "512 MB" in out_of_memory(512).detail.en
    assert "512 MB" in out_of_memory(512).detail.zh
    assert "3600 s" in out_of_time(3600).detail.en
    assert lost(5).detail.en.endswith("its lease ran out (tried 5 times)")


def test_every_class_has_a_title() -> None:
    assert set(TITLES) == set(get_args(FailureClass))
