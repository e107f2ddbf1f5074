"""Stored texts are shown anew when the renderer changes: whoever changes it must say so."""

import hashlib

from runbooks.documents import RENDERER
from runbooks.documents.rendering.render import render_document
from tests.runbooks.documents.forge.constructs import all_documents

# Without what is coloured: a newer Pygments may colour in another way, and may wait for the next
# version of ours.
DIGEST_OF_VERSION = {3: "4311774c5cb703b3c09ad8f090ef1254214222268438dbcebda7cb989b16a8f2"}


def test_other_html_for_the_same_texts_is_another_version():
    digest = hashlib.sha256()
    for family, texts in all_documents().items():
        for text in texts:
            if family != "code" and "```bash" not in text and "````sh" not in text:
                digest.update(render_document(text, document_path="docs/x.md").html.encode())
    assert DIGEST_OF_VERSION[RENDERER] == digest.hexdigest(), (
        "Raise runbooks.documents.RENDERER and note the new digest."
    )
