"""Search: one interface, with SQLite's FTS5 and PostgreSQL's text search behind it.

``text``, ``languages``, ``vocabulary``, ``passages``, ``places``, ``ranking`` and ``snippets`` are
pure, so both databases search the same words and sort in the same way. ``index`` decides when the
derived rows are written, ``index_documents`` what they contain, and ``entries`` writes them.
``databases`` and ``retrieval`` query them, and ``query`` composes an answer from the live rows. No
readiness is ever stored in the index.
"""
