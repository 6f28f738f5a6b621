"""How often Python looks for cycles of objects nobody holds.

The parsed geometry of ten thousand positions is as many lists, none in a cycle. With the usual
thresholds reading it made the collector look through all modules, routes and models as well, which
took three times as long as the check of compliance that was asked for.
"""

import gc

YOUNG = 50_000
"""Objects made, less those freed, after which the young ones are looked through."""
OLDER = 20
"""How often that happens before older ones are."""


def settle() -> None:
    """Take what is there for permanent; call it once, when all is imported and put together."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, OLDER, OLDER)
