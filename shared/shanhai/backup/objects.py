"""Result files: immutable and named by their content, so each is copied once."""

import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pyrage

from shanhai.backup.folder import BackupFolder
from shanhai.backup.sealing import PARTIAL, BackupBroken, Digesting, seal, unseal
from shanhai.storage.artifacts import sync_folder

URI = re.compile(r"objects/([0-9a-f]{2})/(\1[0-9a-f]{62})(\.[a-z0-9.]{1,20})?")


def stored_objects(store: Path) -> Iterator[tuple[str, int]]:
    """Addresses and sizes of the files in an artifact store; what others put there is left out."""
    for folder in sorted((store / "objects").glob("[0-9a-f][0-9a-f]")):
        with os.scandir(folder) as entries:
            for entry in entries:
                uri = f"objects/{folder.name}/{entry.name}"
                if URI.fullmatch(uri) and entry.is_file(follow_symlinks=False):
                    yield uri, entry.stat().st_size


def copy_objects(
    store: Path, folder: BackupFolder, recipient: pyrage.x25519.Recipient, known: set[str]
) -> dict[str, int]:
    """Back up the files that are not yet in `known`, which grows; all that there are, with sizes.

    A file removed from the store meanwhile is left out: nothing referred to it.
    """
    found: dict[str, int] = {}
    for uri, size in stored_objects(store):
        if uri not in known:
            try:
                with (store / uri).open("rb") as source:
                    seal(source, folder.object(uri), recipient)
            except FileNotFoundError:
                continue
            known.add(uri)
        found[uri] = size
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
