"""`shanhai import`: files, described folders and packs, through the API alone."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table

from shanhai.cli.kit import nested, parse_settings
from shanhai.client import ApiClient, FilePart, RemoteJob, Sync
from shanhai.data.pack import (
    DescribedData,
    Layer,
    is_described,
    open_pack,
    read_folder,
    read_regions,
)
from shanhai.data.regions import REGIONS
from shanhai.errors import Fault, Forbidden, InvalidInput, NotFound, ShanhaiError, Unauthenticated
from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.kit.dataset_description import (
    FEATURES,
    FeaturesDescription,
    parse_description,
    read_description,
)
from shanhai.settings import PublicSettings
from shanhai.validation import rule_in_chinese, rule_in_english
from shanhai.vocabulary import READ_BY, Visibility

REPORTS = {"report": ".report.json", "table": ".report.csv", "page": ".report.html"}
MOST_SHOWN = 20
UPLOADED = 50
"""Percent of an import that has passed when its file has arrived."""
MOST_NOTED = 3
"""Remarks on a raster that are shown."""
Hears = Callable[[float], object]
"""Is told percent."""


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What became of a file: `made`, `changed`, `unchanged`, `left out` or `refused`."""

    what: str
    note: str = ""


def import_described(client: ApiClient, path: Path, stated: Mapping[str, Any]) -> bool:
    """Register what a folder or pack describes, show a table of it, and tell whether all came.

    What fails does not keep the rest from coming. Run again, it goes on with what is missing.

    Args:
        client: Of the API.
        path: The folder or pack.
        stated: Inputs of every raster's import that take the place of what its description says.

    Raises:
        InvalidInput: the folder is not described, or the pack is none.
        Unauthenticated: the key is not known.
    """
    held = read_folder(path) if path.is_dir() else open_pack(path)
    table, refused = Table("file", "outcome", "note", title=str(path)), 0
    outcomes = _import_all(client, held, stated)
    if path.is_dir():
        outcomes = chain(outcomes, _import_features(client, path, stated))
    for name, outcome in outcomes:
        table.add_row(name, outcome.what, outcome.note)
        refused += outcome.what == "refused"
    Console().print(table)
    return not refused


def _import_all(
    client: ApiClient, held: DescribedData, stated: Mapping[str, Any]
) -> Iterator[tuple[str, ImportOutcome]]:
    """Import one thing after the other, with a bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        whole = bar.add_task("", total=len(held.layers) + (held.regions is not None))
        own = bar.add_task("", total=100)

        def tried(name: str, work: Callable[[Hears], ImportOutcome]) -> tuple[str, ImportOutcome]:
            bar.update(whole, description="all")
            bar.update(own, description=name, completed=0)
            try:
                return name, work(lambda percent: bar.update(own, completed=percent))
            except Unauthenticated:
                raise
            except ShanhaiError as error:
                return name, ImportOutcome("refused", _in_both(error))
            finally:
                bar.advance(whole)

        if (regions := held.regions) is not None:
            yield tried(REGIONS, partial(_import_regions, client, regions))
        for name, layer in held.layers.items():
            yield tried(name, partial(_import_layer, client, layer, stated))
    for name, fault in sorted(held.faults.items()):
        yield name, ImportOutcome("refused", f"{fault.detail} / {fault.detail_zh}")


def _import_features(
    client: ApiClient, folder: Path, stated: Mapping[str, Any]
) -> Iterator[tuple[str, ImportOutcome]]:
    """Import the files of features that a prepared folder describes."""
    for path in sorted(folder.glob(f"*{FEATURES}")):
        name = path.name
        try:
            said = parse_description(FeaturesDescription, name, path.read_bytes())
            name, of = said.file, {"collection": said.collection, "mapping": said.mapping, **stated}
            done = import_feature_file(client, folder / name, of, None)
            yield name, ImportOutcome("made", done)
        except Unauthenticated:
            raise
        except ShanhaiError as error:
            yield name, ImportOutcome("refused", _in_both(error))


def import_handed_over(
    client: ApiClient,
    path: Path,
    stated: Mapping[str, Any],
    region: str | None,
    answers: Path | None,
    settings: Sequence[str],
) -> bool:
    """Make a described folder of somebody's own files, and import it; whether all came."""
    # Imported late: GDAL and pyarrow take a second that other imports need not wait for.
    from shanhai.data.handed_over.asking import prepare_asking

    with TemporaryDirectory(prefix="shanhai-") as draft:
        if prepare_asking(path, Path(draft), region, answers, settings) is None:
            return False
        return import_described(client, Path(draft), stated)


def _in_both(error: ShanhaiError) -> str:
    told = (error.message, error.message_zh)
    return " / ".join(dict.fromkeys(told))


def _import_regions(client: ApiClient, outlines: FilePart, hears: Hears) -> ImportOutcome:
    """Make the regions that are missing and change those that differ, all of them or none."""
    features = read_regions(outlines)
    known = {}
    for one in features:
        code = one["properties"]["code"]
        try:
            known[code] = client.get("/collections/regions/items/{code}", code=code)["properties"]
        except NotFound:
            continue
    with TemporaryDirectory(prefix="shanhai-") as folder:
        file = Path(folder) / REGIONS
        file.write_text(json.dumps(_completed(features, known)), encoding="utf-8")
        # Outlines are for everybody, which has to be wished for.
        of = {"collection": "regions", "visibility": "public"}
        try:
            results = _run(client, "import-features", FilePart.whole(file), None, of, hears)
        except Forbidden:
            if len(known) < len(features):
                raise
            return ImportOutcome(
                "left out", "all are there; your key may not change them / 均已存在，无权修改"
            )
    return _told_of_regions(results["summary"])


def _completed(
    features: list[dict[str, Any]], known: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The outlines, in which what the file does not say of a region stays as it is.

    A city's file need not name its province, and must not take it away.
    """
    said = {name for one in features for name in one["properties"]}
    rows = []
    for one in features:
        given = {name: value for name, value in one["properties"].items() if value is not None}
        before = known.get(given["code"], {})
        kept = {name: before[name] for name in said & before.keys() if before[name] is not None}
        rows.append({**one, "properties": {**kept, **given}})
    return {"type": "FeatureCollection", "features": rows}


def _told_of_regions(summary: Mapping[str, Any]) -> ImportOutcome:
    if summary["verdict"] == "refused":
        first = [
            f"{one['code']} {one['member'] or ''}: {one['detail']} / {one['detail_zh']}"
            for one in summary["rejections"][:MOST_NOTED]
        ]
        rules = ", ".join(f"{rule} {count}" for rule, count in summary["by_rule"].items())
        return ImportOutcome("refused", "; ".join(first) or rules)
    counts = {name: summary[name] for name in ("created", "updated", "unchanged")}
    what = "made" if counts["created"] else "changed" if counts["updated"] else "unchanged"
    return ImportOutcome(what, ", ".join(f"{count} {name}" for name, count in counts.items()))


def _import_layer(
    client: ApiClient, layer: Layer, stated: Mapping[str, Any], hears: Hears
) -> ImportOutcome:
    """Import a raster unless the same bytes are registered under its code, read the same way."""
    described = layer.description
    if described.kind != "raster":
        return ImportOutcome("left out", "vector layers are no datasets / 矢量图层不登记为数据集")
    inputs = {**described.import_inputs(), **stated}
    asked = _checked(inputs, layer.data.name)
    before = _registered(client, described.code)
    if before is not None and _is_same(client, before, asked, described.sha256):
        return ImportOutcome("unchanged", described.code)
    results = _run(client, "import-dataset", layer.data, described.sha256, inputs, hears)
    if "dataset" not in results:
        return ImportOutcome("checked", json.dumps(results["summary"], ensure_ascii=False))
    notes = [f"{one['detail']} / {one['detail_zh']}" for one in results["warnings"][:MOST_NOTED]]
    return ImportOutcome(
        "made" if before is None else "changed", "; ".join([described.code, *notes])
    )


def _checked(inputs: Mapping[str, Any], name: str) -> dict[str, Any]:
    """All that is asked for, with what nobody states but its readers, before gigabytes are sent.

    Raises:
        InvalidInput: a rule is broken.
    """
    try:
        asked = CONTRACTS["import-dataset"].inputs.model_validate({**inputs, "upload": UUID(int=0)})
    except ValidationError as error:
        raise InvalidInput.of(
            [
                Fault(
                    name,
                    f"{'.'.join(map(str, one['loc']))}: {rule_in_english(one)}",
                    f"{'.'.join(map(str, one['loc']))}：{rule_in_chinese(one)}",
                )
                for one in error.errors(include_url=False)
            ]
        ) from error
    return asked.model_dump(mode="json", exclude={"upload", *READ_BY - asked.model_fields_set})


def _registered(client: ApiClient, code: str) -> Mapping[str, Any] | None:
    try:
        found = client.get("/collections/datasets/items/{code}", code=code)
    except NotFound:
        return None
    properties: Mapping[str, Any] = found["properties"]
    return properties


def _is_same(
    client: ApiClient, before: Mapping[str, Any], asked: Mapping[str, Any], sha256: str
) -> bool:
    if before["source_sha256"] != sha256:
        return False
    try:
        manifest: Any = client.get("/jobs/{job}/manifest", job=before["job"])
    except NotFound:  # Somebody else's: the bytes are the same, and that is all we can know.
        return True
    former = manifest["inputs"] | {name: before.get(name) for name in READ_BY}
    # Inputs that a release before ours did not have were what they are without being stated.
    return all(former[name] == value for name, value in asked.items() if name in former)


def _run(
    client: ApiClient,
    process: str,
    file: FilePart,
    sha256: str | None,
    inputs: Mapping[str, Any],
    hears: Hears,
) -> dict[str, Any]:
    """Send a file, go on where it was cut before, and run a process on it; its results."""
    upload = client.upload(
        file, sha256=sha256, progress=lambda sent, size: hears(UPLOADED * sent / max(size, 1))
    )
    # Asked for before a cut, the same job may still run.
    job = client.submit(process, {"upload": upload, **inputs}, unique=True)
    job.wait(lambda percent, _stage: hears(UPLOADED + percent * (100 - UPLOADED) / 100))
    return job.results()


def import_feature_file(
    client: ApiClient, path: Path, stated: Mapping[str, Any], reports: Path | None
) -> str:
    """Upload one file, have its rows imported, save the reports, and return what was done.

    Rows that were left out are told by a line each.

    Raises:
        InvalidInput: nothing was written, because of rows that cannot be.
    """
    job = run_on_upload(client, "import-features", path, stated)
    if reports is not None:
        reports.mkdir(parents=True, exist_ok=True)
        for name, ending in REPORTS.items():
            job.download(name, reports / f"{path.name}{ending}")
    summary = job.results()["summary"]
    if summary["verdict"] == "refused":
        raise InvalidInput(told_findings(_findings(client, job)), pointer=path.name)
    counts = (f"{summary[name]} {name}" for name in ("created", "updated", "unchanged", "rejected"))
    left_out = _findings(client, job) if summary["rejected"] else []
    return "\n".join([f"{summary['verdict']}: {', '.join(counts)}", *_first(left_out)])


def run_on_upload(
    client: ApiClient, process: str, path: Path, inputs: Mapping[str, Any]
) -> RemoteJob[Sync]:
    """Upload a file, run a process on it with a bar, and return the job when it has ended."""
    job = client.submit(process, {"upload": client.upload(path), **inputs})
    with Progress(transient=True) as bar:
        task = bar.add_task(path.name, total=100)
        job.wait(lambda done, _stage: bar.update(task, completed=done))
    return job


def _findings(client: ApiClient, job: RemoteJob[Sync]) -> Sequence[Mapping[str, Any]]:
    """Why rows were not written: the errors of the report."""
    found = client.get(f"{job.url}/results/report")["findings"]
    return [item for item in found if item["severity"] == "error"]


def told_findings(found: Sequence[Mapping[str, Any]]) -> str:
    """How many findings there are, and the first in a line each."""
    counted = "1 finding" if len(found) == 1 else f"{len(found)} findings"
    return "\n".join([f"nothing was written; {counted}", *_first(found)])


def _first(found: Sequence[Mapping[str, Any]]) -> list[str]:
    more = [f"  … and {len(found) - MOST_SHOWN} more"] if len(found) > MOST_SHOWN else []
    return [*(f"  {_line_of(item)}" for item in found[:MOST_SHOWN]), *more]


def _line_of(item: Mapping[str, Any]) -> str:
    """A finding: row, code, field, why, and the rule; row 0 is the whole file."""
    where = [f"row {item['row']}" if item["row"] else "the file"]
    where += [f"({item['code']})"] if item["code"] is not None else []
    where += [item["member"]] if item["member"] is not None else []
    return f"{' '.join(where)}: {item['detail']} [{item['rule']}]"


def import_paths(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            exists=True,
            help="Described folders, packs (*.zip), GeoTIFFs, or files of features.",
        ),
    ],
    key: Annotated[str, typer.Option(envvar="SHANHAI_API_KEY", help="API key, scope `jobs`.")],
    region: Annotated[str | None, typer.Option(help="Region code.")] = None,
    theme: Annotated[str | None, typer.Option(help="What the raster is about.")] = None,
    collection: Annotated[
        str | None, typer.Option(help="Collection the features belong to.")
    ] = None,
    mapping: Annotated[
        list[str] | None, typer.Option(help="Features: field=property; repeat.")
    ] = None,
    reports: Annotated[
        Path | None, typer.Option(file_okay=False, help="Features: folder for the reports.")
    ] = None,
    visibility: Annotated[
        Visibility | None, typer.Option(help="Who may read it; default: its region.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--set", help="Another input, or an answer on a folder, as name=value."),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Own files: TOML of answers; open questions go in."),
    ] = None,
    api: Annotated[str | None, typer.Option(help="Base URL; default SHANHAI_API_URL.")] = None,
) -> None:
    """Import through the API: folders and packs of described layers, rasters, or features.

    A folder that `shanhai data fetch` or `shanhai data demo` left, or a pack of it, gives its
    regions and every raster; run again, it goes on with what is missing. A folder of own files is
    looked at first, and what it does not say is asked for. Beside a raster a description
    `<name>.json` is honoured. Features need --collection.
    """
    own = {"region": region, "theme": theme, "visibility": visibility}
    folders = all(path.is_dir() and not is_described(path) for path in paths)
    given = {**own, **({} if folders else nested(parse_settings(option or []), {}))}
    stated = {name: value for name, value in given.items() if value is not None}
    whole = True
    with ApiClient(api or PublicSettings().api_url, key) as client:
        for path in paths:
            if path.is_dir() and not is_described(path):
                demand_none(collection=collection, theme=theme, mapping=mapping, reports=reports)
                shown = {} if visibility is None else {"visibility": visibility}
                whole &= import_handed_over(client, path, shown, region, answers, option or [])
                continue
            # A zipped shapefile is told from a pack by its collection.
            if path.is_dir() or (collection is None and path.suffix.lower() == ".zip"):
                demand_none(
                    collection=collection,
                    region=region,
                    theme=theme,
                    mapping=mapping,
                    reports=reports,
                )
                whole &= import_described(client, path, stated)
                continue
            if collection is not None:
                of = {"collection": collection, "mapping": parse_settings(mapping or [])}
                done = import_feature_file(client, path, {**of, **stated}, reports)
                typer.echo(f"{path.name}: {done}")
                continue
            typer.echo(f"{path.name}: {import_file(client, path, stated)}")
    if not whole:
        raise typer.Exit(1)


def demand_none(**options: object) -> None:
    """Refuse options that are for single files.

    Raises:
        InvalidInput: one is given.
    """
    for name, value in options.items():
        if value is not None:
            raise InvalidInput(
                f"--{name} is for single files; a folder or pack says itself what it holds",
                message_zh=f"--{name} 仅用于单个文件；文件夹和数据包自带说明",
                pointer=f"--{name}",
            )


def import_file(client: ApiClient, path: Path, stated: Mapping[str, Any]) -> str:
    """Upload one raster and have it imported; its dataset's code, or what a check tells of it."""
    sidecar = path.with_suffix(".json")
    # A file of features whose collection was forgotten may end like that itself.
    is_beside = sidecar != path and sidecar.exists()
    inputs = {**(read_description(sidecar).import_inputs() if is_beside else {}), **stated}
    for name in ("region", "theme"):
        if name not in inputs:
            raise InvalidInput(
                f"say the {name} of raster {path.name} with --{name}, or the collection of its"
                " features with --collection",
                message_zh=f"请用 --{name} 说明栅格 {path.name}，要素则用 --collection 指定集合",
                pointer=f"--{name}",
            )
    done = run_on_upload(client, "import-dataset", path, inputs).results()
    if "dataset" in done:
        return str(done["dataset"])
    return json.dumps(done["summary"], ensure_ascii=False)
