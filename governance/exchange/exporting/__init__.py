"""Export of the landscape: the current catalogue, written over the file that was imported last."""

from governance.exchange.exporting.export import Export, export_landscape
from governance.exchange.exporting.model import wanted_landscape

__all__ = ["Export", "export_landscape", "wanted_landscape"]
