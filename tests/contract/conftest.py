import pytest
from fastapi import FastAPI

from shanhai_api.app import add_routes


@pytest.fixture(scope="module")
def routed_app() -> FastAPI:
    """The routes of the API, with nothing behind them."""
    app = FastAPI()
    add_routes(app)
    return app
