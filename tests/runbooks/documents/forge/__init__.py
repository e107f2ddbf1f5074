"""What a forge makes of a document, to compare with: GitHub's own parser, as an oracle in tests only."""
