"""Django's SQLite backend, whose reads take no lock."""
