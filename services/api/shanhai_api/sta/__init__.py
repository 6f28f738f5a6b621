"""SensorThings API 1.1, part 1: the same stations and observations, for its clients."""
