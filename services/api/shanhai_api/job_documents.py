"""What a caller is told of a job, in the language of the request and with links that keep it."""

from typing import Any

from shanhai.db.tables.job import Job
from shanhai.jobs.results import output_link, results_document, status_info
from shanhai.processes.kit.contract import OutputSpec
from shanhai_api.view import View


def told_status(job: Job, view: View) -> dict[str, Any]:
    """The statusInfo of a job."""
    return status_info(job, base_url=view.base, lang=view.lang, kept=view.chosen_lang)


def told_results(job: Job, view: View) -> dict[str, Any]:
    """The results of a successful job."""
    return results_document(job, base_url=view.base, lang=view.lang, kept=view.chosen_lang)


def told_link(job: Job, output: OutputSpec, view: View) -> dict[str, Any]:
    """A link to one output of a job."""
    return output_link(job, output, base_url=view.base, lang=view.lang, kept=view.chosen_lang)
