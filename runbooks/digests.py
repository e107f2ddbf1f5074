"""The sha256 of a text, as it is stored, shown and hashed into the ledger."""

import hashlib


def sha256_of_text(text: str) -> str:
    """Return the sha256 of the text's UTF-8 bytes in hexadecimal digits.

    :raises UnicodeEncodeError: the text contains half a surrogate pair.
    """
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
