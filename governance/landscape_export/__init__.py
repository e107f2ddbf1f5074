"""Exporting the landscape: what the portal says, written over the file that was imported last."""

from governance.landscape_export.export import Export, export_landscape
from governance.landscape_export.wanted import wanted_landscape

__all__ = ["Export", "export_landscape", "wanted_landscape"]
