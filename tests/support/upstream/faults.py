"""What an upstream does otherwise than it should, and what it was asked."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any


@dataclass(slots=True)
class Fault:
    """What happens to requests whose `HOST/PATH?QUERY` fits the pattern, `*` allowed."""

    pattern: str
    times: int | None = None
    """How many requests it spoils; None: all of them."""
    skip: int = 0
    """How many it lets pass before."""
    method: str = "*"
    status: int | None = None
    retry_after: str | None = None
    delay_s: float = 0.0
    bytes_per_second: float | None = None
    cut_after: int | None = None
    """Bytes of the body after which the connection ends."""
    ignore_range: bool = False
    etag: str | None = None
    redirect: str | None = None

    def strikes(self, method: str, address: str) -> bool:
        """Whether this request is spoilt; counts it."""
        if not (fnmatchcase(method, self.method) and fnmatchcase(address, self.pattern)):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            if self.times == 0:
                return False
            self.times -= 1
        return True


@dataclass(slots=True)
class Request:
    """One request and what was sent for it."""

    method: str
    address: str
    range: str | None
    status: int
    sent: int = 0


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of what a catalogue says of the items of a collection whose id fits."""

    collection: str
    item: str = "*"
    drop: bool = False
    new_id: str | None = None
    asset: str | None = None
    """The asset that gets another name or href."""
    new_asset: str | None = None
    href: str | None = None

    def apply(self, document: dict[str, Any]) -> dict[str, Any] | None:
        """The item as it is then, None if it is gone."""
        if document["collection"] != self.collection or not fnmatchcase(document["id"], self.item):
            return document
        if self.drop:
            return None
        if self.new_id is not None:
            document["id"] = self.new_id
        if self.asset is not None:
            asset = document["assets"].pop(self.asset)
            asset["href"] = self.href or asset["href"]
            document["assets"][self.new_asset or self.asset] = asset
        return document
