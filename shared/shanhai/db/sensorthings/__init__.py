"""SensorThings API 1.1, part 1 (OGC 18-088): its entities over the tables of monitoring."""
