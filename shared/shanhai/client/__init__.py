"""A client of the services: `ApiClient`, and `AsyncApiClient` where its calls are awaited.

Its types are those of the OpenAPI documents: `schemas.pyi` is written by `docs/client_types.py`.
"""

from shanhai.client.core import ApiClient, AsyncApiClient, FilePart, Headers, Query, file_sha256
from shanhai.client.remote import JobFailed, RemoteCollection, RemoteJob
from shanhai.client.steps import Async, Progress, Sync

__all__ = [
    "ApiClient",
    "Async",
    "AsyncApiClient",
    "FilePart",
    "Headers",
    "JobFailed",
    "Progress",
    "Query",
    "RemoteCollection",
    "RemoteJob",
    "Sync",
    "file_sha256",
]
