"""Alerts and the rules that raise them."""
