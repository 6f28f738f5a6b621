"""The run whose numbers of the whole area another one takes over, so that the two compare."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from shanhai.errors import Fault, InvalidInput
from shanhai.processes.kit.contract import Inputs
from shanhai.processes.kit.task import ReferenceTask

ASSESSING = ("assess-ecoservices", "delineate-zones")
"""Processes whose manifests hold the numbers of an assessment."""

POINTER = "/inputs/normalisation"
FROM_FILE = "manifest"
"""What `from` says where the manifest is given with a run on files."""


def reference_of(manifest: Mapping[str, Any], name: str) -> ReferenceTask:
    """What of a manifest another run takes over.

    Args:
        manifest: Of an assessment or a zoning.
        name: What the other run's manifest shall call it: a job, or a file.

    Raises:
        InvalidInput: it is the manifest of another process, or no manifest.
    """
    process = manifest.get("process", ASSESSING[0])
    if process not in ASSESSING:
        raise _refused(
            f"{name} is of {process}; one of {' or '.join(ASSESSING)} is needed",
            f"{name} 为 {process} 的结果，须为 {' 或 '.join(ASSESSING)} 的结果",
        )
    numbers = manifest.get("parameters") or {}
    members = {**manifest, "name": name, "parameters": numbers.get("layers", [])}
    try:
        return ReferenceTask.model_validate(members)
    except ValidationError as error:
        missing = ", ".join(".".join(map(str, one["loc"])) for one in error.errors())
        raise _refused(
            f"{name} is no manifest of {' or '.join(ASSESSING)}; missing or wrong: {missing}",
            f"{name} 不是 {' 或 '.join(ASSESSING)} 的清单；缺少或有误：{missing}",
        ) from error


def read_reference(path: Path) -> ReferenceTask:
    """The reference in a manifest file.

    Raises:
        InvalidInput: the file is none.
    """
    try:
        manifest = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise _refused(
            f"{path.name} is no JSON: {error}", f"{path.name} 不是 JSON：{error}"
        ) from error
    if not isinstance(manifest, dict):
        raise _refused(f"{path.name} is no manifest", f"{path.name} 不是清单")
    return reference_of(manifest, path.name)


def _refused(message: str, message_zh: str) -> InvalidInput:
    return InvalidInput(message, message_zh=message_zh, pointer=f"{POINTER}/from")


def require_reference(inputs: Inputs, reference: ReferenceTask | None) -> None:
    """Refuse a reference that is asked for and not there, or that cannot be compared with.

    Raises:
        InvalidInput: all that differs is named.
    """
    asked = getattr(inputs, "normalisation", None)
    if asked is None:
        return
    if reference is None:
        fault = Fault(
            f"{POINTER}/from",
            f"is {asked.source}, but no manifest was given",
            f"为 {asked.source}，但未给出清单",
        )
        raise InvalidInput.of([fault])
    faults = _differences(inputs, reference, zones=getattr(asked, "zones", False))
    if faults:
        raise InvalidInput.of(faults)


def _differences(inputs: Inputs, reference: ReferenceTask, *, zones: bool) -> list[Fault]:
    faults = list[Fault]()
    own = _asked(inputs, "profile")
    if own != reference.profile:
        faults.append(_other("/inputs/profile", own, reference.profile))
    if not zones:
        return faults
    if reference.zone_model is None:
        text = f"asks for zones, but {reference.name} is of {reference.process} and has none"
        text_zh = f"要求沿用分区，但 {reference.name} 为 {reference.process} 的结果，没有分区"
        return [*faults, Fault(f"{POINTER}/zones", text, text_zh)]
    settled = reference.zone_model["settings"]
    for name, value in settled.items():
        own = getattr(_asked(inputs, "parameters"), name, None)
        if own != value:
            faults.append(_other(f"/inputs/parameters/{name}", own, value))
    return faults


def _asked(inputs: Inputs, name: str) -> Any:
    """A member that every process has which takes a reference."""
    return getattr(inputs, name)


def _other(pointer: str, own: object, former: object) -> Fault:
    return Fault(
        pointer,
        f"is {own}, and the reference was computed with {former}; they must be the same",
        f"为 {own}，而参照结果采用 {former}，二者须一致",
    )
