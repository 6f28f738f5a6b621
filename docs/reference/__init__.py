"""The reference pages of the documentation, made from the code: `python -m docs.reference docs`.

Each page is committed, so that it can be read where the code is read; a test compares them.
"""
