"""The service of the other tests of SensorThings, for each file of these."""

from tests.service.api.test_sensorthings import client, filled, service

__all__ = ["client", "filled", "service"]
