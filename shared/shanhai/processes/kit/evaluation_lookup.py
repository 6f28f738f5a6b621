"""The datasets an evaluation, account or network reads, looked up and judged."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.jobs import RegionRow
from shanhai.errors import Fault
from shanhai.processes.kit.contract import Theme
from shanhai.processes.kit.evaluation_inputs import Alternatives, EvaluationTheme
from shanhai.processes.kit.lookups import describe_dataset, find_themes
from shanhai.processes.kit.task import DatasetTask
from shanhai.vocabulary import Label, label_of


def missing_faults(
    needs: Iterable[tuple[str, Alternatives]], available: Collection[str]
) -> list[Fault]:
    """A fault for every layer that is needed and not there, naming what needs it."""
    missing: dict[Alternatives, list[str]] = {}
    for reason, alternatives in needs:
        if not any(theme in available for theme in alternatives):
            missing.setdefault(alternatives, []).append(reason)
    return [_missing(themes, reasons) for themes, reasons in missing.items()]


def _missing(themes: Alternatives, reasons: Sequence[str]) -> Fault:
    by = ", ".join(dict.fromkeys(reasons))
    named = Label(
        " 或 ".join(label_of(theme).zh for theme in themes), " or ".join(map(str, themes))
    )
    return Fault(
        f"/inputs/datasets/{themes[0]}",
        f"{by} needs a dataset of {named.en}; none was given or found",
        f"{by} 缺少必需的数据集：{named.zh}",
    )


async def find_evaluated(
    session: AsyncSession,
    region: RegionRow,
    *,
    named: Mapping[EvaluationTheme, str],
    supplies: Mapping[Any, str],
    themes: Sequence[EvaluationTheme],
    needs: Sequence[tuple[str, Alternatives]],
) -> tuple[dict[str, DatasetTask], list[Fault]]:
    """Datasets by theme, and what is wrong: misfits, and layers that are needed and not there.

    Args:
        session: Where to look.
        region: The region.
        named: Datasets asked for.
        supplies: Computed supply by service; they come as the themes `supply.<service>`.
        themes: What is read where it exists.
        needs: What must be there, with what needs it.
    """
    found, faults = await find_themes(
        session,
        region,
        named=cast("Mapping[Theme, str]", named),
        required=(),
        optional=cast("Sequence[Theme]", themes),
    )
    computed, misfits = await find_themes(
        session,
        region,
        named=cast("Mapping[Theme, str]", {f"supply.{k}": code for k, code in supplies.items()}),
        required=(),
        optional=(),
    )
    faults += [
        replace(one, pointer=one.pointer.replace("/datasets/supply.", "/supplies/"))
        for one in misfits
    ]
    faults += missing_faults(needs, found)
    datasets = {theme: describe_dataset(one) for theme, one in (found | computed).items()}
    return datasets, faults
