"""Documents: where they come from, and the HTML that is made of them."""

# The version of what `render.render_document` makes of a text. Raise it whenever the same text
# becomes other HTML: `migrate` then renders the stored documents anew, and the database lets them
# be replaced this once (decision 0011).
RENDERER = 3
