"""SQLite backend of Django, changed so that no read takes a lock."""
