"""The ecosystem services of the method, in the order of the vocabulary.

Apart from the package, because whoever wants one of its declarations must not load every method.
"""

from importlib import import_module

from shanhai.science.ecoservices.method import Ecoservice
from shanhai.vocabulary import ECOSERVICES as TERMS
from shanhai.vocabulary import codes

ECOSERVICES: tuple[Ecoservice, ...] = tuple(
    Ecoservice(code, import_module(f"{__package__}.{code}").METHODS) for code in codes(TERMS)
)
"""A new service is one module, called as its code, and one term of the vocabulary."""
