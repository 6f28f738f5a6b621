"""Telegrams of HJ 212-2017, the protocol by which monitoring devices in China push their data.

Bytes become frames (`frame`), frames packets (`packet`), split packets whole ones (`splitting`),
and whole packets readings (`readings`).
"""
