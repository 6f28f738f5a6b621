"""A page as PDF, from the same HTML, with its fonts inside."""

from functools import lru_cache
from pathlib import Path

from shanhai.science.zoning.flag import Flag
from shanhai.vocabulary import Label

PANGO_PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")
"""The Debian packages that set the type."""


@lru_cache(maxsize=1)
def can_write_pdf() -> bool:
    """Whether the libraries that set the type are installed."""
    try:
        import weasyprint  # noqa: F401 - loads them
    except OSError:
        return False
    return True


def missing_pdf_warning() -> Flag:
    """What to say where the PDF had to be left out."""
    text = Label(
        f"未安装排版库，未生成 PDF 报告；请安装 {'、'.join(PANGO_PACKAGES)}",
        "the libraries that set type are not installed, so there is no report as PDF; install "
        f"the packages {', '.join(PANGO_PACKAGES)}",
    )
    return Flag("missing_pdf", text)


def write_pdf(path: Path, html: str) -> None:
    """Set `html` on A4 pages; equal pages are equal files.

    Nothing is fetched: a page holds all it shows. See `can_write_pdf`.

    Raises:
        ValueError: the page asks for something that it does not hold.
    """
    # Here, because it loads the libraries that set the type, which only this needs.
    from weasyprint import HTML
    from weasyprint.urls import FatalURLFetchingError, URLFetcher

    held = URLFetcher(allowed_protocols=["data"], fail_on_errors=True)
    try:
        HTML(string=html, url_fetcher=held).write_pdf(path)
    except FatalURLFetchingError as error:
        raise ValueError(f"a report holds all it shows: {error}") from error
