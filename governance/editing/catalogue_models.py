"""Registration of the catalogue's models with the ledger."""

from governance.ledger.registry import register
from runbooks.models import Cluster, CodeReference, Document, Layer, Runbook, Section, Situation

register(Runbook, named_by="slug", children=("aliases",))
register(Cluster, named_by="slug")
register(Layer, named_by="slug")
register(Section, named_by="slug", exclude=("note_html",), children=("entries",))
register(Situation, named_by="slug", children=("steps",))
register(CodeReference, named_by="path")
register(
    Document,
    named_by=lambda document: f"{document.path}@{document.short_sha256}",
    exclude=("text", "html", "contents"),
)
