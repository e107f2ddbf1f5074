"""Documents: their sources, and the HTML that is rendered from them."""

# The version of the HTML that `render.render_document` returns. Increase it whenever the same text
# leads to different HTML: `migrate` then renders the stored documents again, and the database
# permits this one replacement (decision 0011).
RENDERER = 3
