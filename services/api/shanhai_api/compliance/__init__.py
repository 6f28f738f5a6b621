"""Checks of lines and rules, exceptions from them, and the register of lines."""
