"""Codes of closed lists as the inputs of processes name them."""

from typing import TYPE_CHECKING, Literal

from shanhai.vocabulary import ECOSERVICES, THEMES, codes

if TYPE_CHECKING:
    Theme = str
    ServiceId = str
else:
    Theme = Literal[*codes(THEMES)]
    """What an imported dataset can be about."""
    ServiceId = Literal[*codes(ECOSERVICES)]
    """An ecosystem service."""
