"""How statements are compiled that tests run as text."""

from sqlalchemy.dialects import postgresql

NAMED = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]  # SQLAlchemy has no types here
"""PostgreSQL, with parameters as `text` takes them."""
