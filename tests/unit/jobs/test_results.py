"""What clients see of a job."""

import re
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from shanhai.db.tables.job import Job
from shanhai.jobs.messages import out_of_time
from shanhai.jobs.results import REL_RESULTS, results_document, status_info
from shanhai.validation import rfc3339
from shanhai.vocabulary import Lang

BASE = "https://example.org/api"
ID = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
NOON = datetime(2025, 6, 1, 12, tzinfo=timezone(timedelta(hours=8)))
FILE = {"media_type": "text/html", "title_zh": "报告", "title_en": "Report", "bytes": 9}


def make_job(status: str, **values: Any) -> Job:
    return Job(
        **{
            "id": ID,
            "kind": "delineate-zones",
            "inputs": {},
            "status": status,
            "attempt": 1,
            "progress": 0,
            "created_at": NOON,
            "updated_at": NOON,
            **values,
        }
    )


def test_a_waiting_job_has_no_empty_members() -> None:
    info = status_info(make_job("accepted"), base_url=BASE, lang="en")
    assert info["jobID"] == str(ID)
    assert (info["type"], info["processID"]) == ("process", "delineate-zones")
    assert info["created"] == "2025-06-01T04:00:00.000Z"
    assert "started" not in info
    assert "finished" not in info
    assert REL_RESULTS not in {link["rel"] for link in info["links"]}


@pytest.mark.parametrize(
    ("inputs", "lang", "title"),
    [
        ({"name_zh": "退耕还湿", "name_en": "Wetlands back"}, "zh", "退耕还湿"),
        ({"name_zh": "退耕还湿", "name_en": "Wetlands back"}, "en", "Wetlands back"),
        ({"name_zh": "退耕还湿"}, "en", "退耕还湿"),
        ({"name_zh": {"odd": 1}}, "zh", None),
        ({"region": "banan"}, "zh", None),
    ],
)
def test_a_job_is_called_what_its_inputs_call_it(
    inputs: dict[str, Any], lang: Lang, title: str | None
) -> None:
    info = status_info(make_job("accepted", inputs=inputs), base_url=BASE, lang=lang)
    assert info.get("title") == title


def test_a_running_job_tells_its_stage_in_words() -> None:
    job = make_job("running", progress=40, stage="cluster", started_at=NOON)
    assert status_info(job, base_url=BASE, lang="zh")["message"] == "聚类"
    info = status_info(job, base_url=BASE, lang="en")
    assert (info["message"], info["stage"], info["progress"]) == ("Clustering", "cluster", 40)


def test_a_stage_nobody_named_is_shown_as_it_is() -> None:
    job = make_job("running", stage="odd")
    assert status_info(job, base_url=BASE, lang="zh")["message"] == "odd"


@pytest.mark.parametrize(("lang", "word"), [("zh", "超过限制"), ("en", "longer than the limit")])
def test_a_failed_job_says_why(lang: Any, word: str) -> None:
    job = make_job("failed", error=out_of_time(60).document())
    info = status_info(job, base_url=BASE, lang=lang)
    assert word in info["message"]
    assert info["exception"]["class"] == "resource"
    assert info["exception"]["detail"] == info["message"]


def test_results_are_values_and_links_to_the_declared_files() -> None:
    outputs = {"report": FILE, "ratio.cooling": FILE}
    job = make_job(
        "successful", result={"outputs": outputs, "values": {"scheme": "a.b", "other": 1}}
    )
    document = results_document(job, base_url=BASE, lang="zh")
    assert set(document) == {"scheme", "other", "report"}
    assert document["scheme"] == "a.b"
    assert document["report"]["href"] == f"{BASE}/jobs/{ID}/results/report"
    assert document["report"]["title"] == "报告"


def test_a_successful_job_links_to_its_results() -> None:
    info = status_info(make_job("successful", progress=100), base_url=BASE, lang="en")
    links = {link["rel"]: link["href"] for link in info["links"]}
    assert links[REL_RESULTS] == f"{BASE}/jobs/{ID}/results"
    assert links["self"] == f"{BASE}/jobs/{ID}"


def test_moments_are_shown_in_utc() -> None:
    assert rfc3339(None) is None
    assert re.fullmatch(r"2025-06-01T04:00:00\.000Z", rfc3339(NOON) or "")
