"""Search: one interface, SQLite's FTS5 and PostgreSQL's text search behind it.

``text``, ``vocabulary``, ``passages``, ``ranking`` and ``snippets`` are pure: both databases search
the same words and sort the same way. ``index`` keeps the derived rows, ``databases`` asks them,
``answer`` puts an answer together from the live rows. No readiness is ever kept in the index.
"""
