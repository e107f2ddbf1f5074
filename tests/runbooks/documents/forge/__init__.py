"""The structure of a document on a forge: GitHub's own parser, as an oracle in tests only."""
