"""What the API says it answers."""

from functools import lru_cache

from fastapi import FastAPI
from fastapi.routing import APIRoute

from shanhai_api.app import add_routes
from shanhai_api.openapi import describe_31
from tests.support.declared import Declaration


@lru_cache
def declaration() -> Declaration:
    """The declaration of the API."""
    app = FastAPI()
    add_routes(app)
    return Declaration(describe_31(app, "http://api.test"), APIRoute)
