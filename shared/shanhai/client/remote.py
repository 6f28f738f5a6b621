"""Jobs and collections of the API, and what becomes of them in other libraries."""

from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from shanhai.client.steps import (
    Driven,
    JobEvents,
    Method,
    Mode,
    Pause,
    Progress,
    Steps,
    Work,
    next_of,
)
from shanhai.errors import ShanhaiError, Unavailable
from shanhai.vocabulary import JobStatus, Label

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from xarray import DataArray

    from shanhai.client.core import ClientCore, Query
    from shanhai.client.schemas import StatusInfo

PAGE = 1000
EVENTS = "text/event-stream"
CRS84 = "OGC:CRS84"


ENDED = {
    JobStatus.FAILED: Label("失败", "failed"),
    JobStatus.DISMISSED: Label("已取消", "dismissed"),
}
"""How a job without a result ends."""


class JobFailed(ShanhaiError):
    """A job ended without a result; `problem` is its state."""

    title = Label("任务失败", "Job failed")


class _RemoteThing(Driven[Mode]):
    def __init__(self, api: "ClientCore[Mode]", url: str) -> None:
        self.url, self._api = url, api

    def _drive(self, steps: Steps[Any]) -> Any:
        return self._api._drive(steps)


class RemoteJob(_RemoteThing[Mode]):
    """A job of the API, at its `url`."""

    @property
    def id(self) -> str:
        """The job's id."""
        return self.url.rpartition("/")[2]

    @Method
    def status(self, /) -> Steps["StatusInfo"]:
        """How the job stands."""
        return self._api._content(self._api._request("GET", self.url))

    @Method
    def wait(self, /, progress: Progress | None = None) -> Steps["StatusInfo"]:
        """Follow the job's events to its end, and return how it stands then.

        Args:
            progress: Told the percentage and the message whenever one of them has changed.

        Raises:
            JobFailed: the job failed or was dismissed; the message says why.
        """
        events, url = JobEvents(progress), f"{self.url}/events"
        while not events.ended:
            known = {} if events.last is None else {"Last-Event-ID": events.last}
            request = self._api._request("GET", url, headers={"Accept": EVENTS, **known})
            try:
                yield from self._api._send(request, events.take, events.begin)
            except Unavailable:
                if known.get("Last-Event-ID") == events.last:
                    raise
            if not events.ended:
                yield Pause(1.0)
        if events.status["status"] != JobStatus.SUCCESSFUL:
            raise _failure(events.status, (yield from self._in_chinese(events.status)))
        return cast("StatusInfo", events.status)

    def _in_chinese(self, status: Mapping[str, Any]) -> Steps[Mapping[str, Any]]:
        """How the job ended, in Chinese; as it is told already where that cannot be had."""
        asked = self._api._request("GET", self.url, headers={"Accept-Language": "zh"})
        try:
            return cast("Mapping[str, Any]", (yield from self._api._content(asked)))
        except ShanhaiError:
            return status

    @Method
    def results(self, /) -> Steps[dict[str, Any]]:
        """What the job made: values as they are, files as links."""
        return self._api._content(self._api._request("GET", f"{self.url}/results", {"f": "json"}))

    @Method
    def download(self, output: str, target: Path | str, /) -> Steps[None]:
        """Save one output."""
        return self._api._save(f"{self.url}/results/{output}", target)

    @Method
    def to_xarray(self, output: str, /) -> Steps["DataArray"]:
        """One output that is a raster, as `ApiClient.to_xarray`."""
        return opened(self._api, f"{self.url}/results/{output}")


class RemoteCollection(_RemoteThing[Mode]):
    """A collection of features, whose items are at `url`."""

    @Method
    def download(self, target: Path | str, /, **query: "Query") -> Steps[None]:
        """Save what the query leaves, in the format that `f` names."""
        return self._api._save(self.url, target, query)

    @Method
    def to_geodataframe(
        self, /, *, crs: str | int = CRS84, **query: "Query"
    ) -> Steps["GeoDataFrame"]:
        """All features that the query leaves, easting first in any system; needs geopandas."""
        library = _needed("geopandas")
        features: list[Any] = []
        url: str | None = self._api._address(self.url, {"limit": PAGE, **query})
        while url is not None:
            page = yield from self._api._content(self._api._request("GET", url))
            features += page["features"]
            url = next_of(page, url)
        frame: GeoDataFrame = yield Work(partial(_frame, library, features, crs))
        return frame


def opened(
    api: "ClientCore[Any]", path: str, query: Mapping[str, "Query"] | None = None
) -> Steps["DataArray"]:
    """The GeoTIFF at a path as an array in memory."""
    library = _needed("rioxarray")
    with TemporaryDirectory(prefix="shanhai-") as folder:
        file = Path(folder) / "raster.tif"
        yield from api._save(path, file, query)
        array: DataArray = yield Work(partial(_array, library, file))
    return array


def _failure(status: Mapping[str, Any], in_chinese: Mapping[str, Any]) -> JobFailed:
    job, how = status["jobID"], ENDED[JobStatus(status["status"])]
    error = JobFailed(
        f"job {job} {how.en}: {status.get('message')}",
        message_zh=f"任务 {job} {how.zh}：{in_chinese.get('message')}",
    )
    error.problem = status
    return error


def _needed(library: str) -> Any:
    try:
        return import_module(library)
    except ImportError as error:
        extra = "install it, or shanhai with the extra `client`"
        raise ImportError(f"{library} is not installed: {extra} · 未安装 {library}") from error


def _array(library: Any, file: Path) -> "DataArray":
    with library.open_rasterio(file, masked=True) as found:
        array: DataArray = found.load()
    return array


def _frame(library: Any, features: Sequence[Any], crs: str | int) -> "GeoDataFrame":
    # Here, because who follows a job has no need of it.
    from shapely.geometry import shape

    shapes = [one["geometry"] and shape(one["geometry"]) for one in features]
    rows = [one["properties"] for one in features]
    codes = [one["id"] for one in features]
    frame: GeoDataFrame = library.GeoDataFrame(rows, geometry=shapes, index=codes, crs=CRS84)
    return frame if crs == CRS84 else frame.to_crs(crs)
