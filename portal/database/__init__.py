"""Database backends with the portal's changes."""
