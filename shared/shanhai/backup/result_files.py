"""Result files: immutable and named by their content, so each is copied once."""

import os
import uuid
from pathlib import Path

import pyrage

from shanhai.backup.age_encryption import PARTIAL, BackupBroken, Digesting, seal, unseal
from shanhai.backup.repository import BackupFolder
from shanhai.storage.artifacts import sync_folder
from shanhai.storage.garbage_collection import URI, stored_files


def copy_objects(
    store: Path,
    folder: BackupFolder,
    recipient: pyrage.x25519.Recipient,
    known: dict[str, float],
) -> dict[str, int]:
    """Back up the files that are not there yet; all that there are, with sizes.

    A file removed from the store meanwhile is left out: nothing referred to it.

    Args:
        store: The artifact store's folder.
        folder: Where to.
        recipient: Whom they are encrypted for.
        known: When each file was stored last that has been looked for in the folder; it grows.
            A file that was pruned and is stored again is looked for again.
    """
    found: dict[str, int] = {}
    for file in stored_files(store):
        if known.get(file.uri) != file.modified:
            target = folder.object(file.uri)
            try:
                if not target.exists():
                    with (store / file.uri).open("rb") as source:
                        seal(source, target, recipient)
            except FileNotFoundError:
                continue
            known[file.uri] = file.modified
        found[file.uri] = file.bytes
    return found


def put_back_objects(
    folder: BackupFolder, store: Path, identity: pyrage.x25519.Identity
) -> tuple[int, int]:
    """Restore the files an artifact store lacks, each checked against its name; how many, bytes.

    Raises:
        BackupBroken: a file is not what its name says. Those before it have been restored.
    """
    number = total = 0
    for uri in sorted(folder.object_uris()):
        target = store / uri
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f"{uuid.uuid4().hex}{PARTIAL}")
        try:
            with aside.open("xb") as file:
                total += open_object(folder, uri, identity, Digesting(file))
                file.flush()
                os.fsync(file.fileno())
            aside.rename(target)
        finally:
            aside.unlink(missing_ok=True)
        sync_folder(target.parent)
        number += 1
    return number, total


def open_object(
    folder: BackupFolder, uri: str, identity: pyrage.x25519.Identity, target: Digesting
) -> int:
    """Decrypt a file and compare it with its name; its size.

    Raises:
        BackupBroken: it is not what its name says.
    """
    unseal(folder.object(uri), target, identity)
    match = URI.fullmatch(uri)
    if match is None or target.digest.hexdigest() != match[2]:
        raise BackupBroken(
            f"{folder.object(uri)} does not hold the file of that name",
            message_zh=f"{folder.object(uri)} 的内容与名称不符",
        )
    return target.size
