"""Is this text a runbook at all, or a file that only satisfies a link? Pure: imports no Django."""

import re

# A short text that says so of itself, in English or German.
SAYS_SO = re.compile(
    r"\b(stub|placeholder|platzhalter|dummy|link[- ]?check|docs?[- ]?gates?|moved to|verschoben nach)\b", re.I
)
COMMENT = re.compile(r"<!--.*?-->", re.S)
MOST_WORDS_OF_A_STUB = 60


def is_stub(text: str) -> bool:
    """Whether nobody could follow the text: it has only headings, or is short and calls itself a stub.

    :param text: the Markdown text of a document.
    """
    body = COMMENT.sub("", text)
    words = [
        word
        for line in body.splitlines()
        if not line.lstrip().startswith(("#", "---", "==="))
        for word in re.findall(r"\w+", line)
    ]
    return not words or (len(words) <= MOST_WORDS_OF_A_STUB and bool(SAYS_SO.search(body)))
