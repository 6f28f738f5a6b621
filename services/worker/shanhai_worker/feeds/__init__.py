"""Observations that come by other ways than HTTP: telegrams of HJ 212 and messages of MQTT."""
