"""What several settings are made of."""

from typing import Annotated

from pydantic import Field

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
SHORTEST_SECRET = 32
Port = Annotated[int, Field(ge=1, le=65535)]
