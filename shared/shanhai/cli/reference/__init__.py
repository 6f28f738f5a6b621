"""The reference pages of the documentation, made from the code: `python -m shanhai.cli.reference`.

Each page is committed, so that it can be read where the code is read; a test compares them.
"""
