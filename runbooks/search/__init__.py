"""Search: one interface, SQLite's FTS5 and PostgreSQL's text search behind it.

``text``, ``languages``, ``vocabulary``, ``passages``, ``places``, ``ranking`` and ``snippets`` are
pure: both databases search the same words and sort the same way. ``index`` says when the derived
rows are written, ``index_documents`` what they say, ``entries`` writes them. ``databases`` and
``retrieval`` ask them, ``query`` puts an answer together from the live rows. No readiness is ever
kept in the index.
"""
