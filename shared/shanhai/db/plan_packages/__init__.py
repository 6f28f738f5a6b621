"""Everything of a plan as rows that stand by themselves: read from one database, put into another.

A row refers to another by the place it has in the package, never by a number of the database.
"""
