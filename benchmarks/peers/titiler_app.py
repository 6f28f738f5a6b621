"""The smallest application of titiler.core: its own router and nothing else.

It runs in an environment of its own, which has titiler.core and nothing of the product.
"""

from fastapi import FastAPI
from titiler.core.factory import TilerFactory

app = FastAPI()
app.include_router(TilerFactory().router)
