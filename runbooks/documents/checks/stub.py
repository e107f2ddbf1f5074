"""Recognise stubs: documents that only exist to make a link valid. Pure: imports no Django."""

import re

# Words in English or German by which a short text calls itself a stub.
SAYS_SO = re.compile(
    r"\b(stub|placeholder|platzhalter|dummy|link[- ]?check|docs?[- ]?gates?|moved "
    r"to|verschoben nach"
    r"|todo|tbd|coming soon|work in progress|to be written|not yet written|folgt "
    r"(?:noch|später|in kürze)|noch zu schreiben"
    r"|intentionally (?:left )?(?:empty|blank)|absichtlich leer)\b",
    re.I,
)
COMMENT = re.compile(r"<!--.*?-->", re.S)
FRONT_MATTER = re.compile(r"\A\ufeff?---\r?\n.*?\n---\r?\n", re.S)
LINK = re.compile(r"\[[^\]\n]{0,300}\]\([^)\n]{0,1000}\)|<?https?://[^\s>]{1,1000}>?")
# A step to follow, or something to type: however short, it is an instruction.
STEP = re.compile(r"^\s*(?:(?:\d+[.)]|[-*+] \[[ xX]\])[^\S\n].*\w|(?:```|~~~).*\n[^`~]*\w)", re.M)
MAX_WORDS_OF_A_STUB = 60
MAX_WORDS_OF_A_POINTER = 8


def is_stub(text: str) -> bool:
    """Return whether a text has nothing that anyone could follow.

    Such a text has only headings, is short and calls itself a stub, or is nothing but a link to
    another place. A text with a step is not a stub ("add a dummy order" is an instruction), unless
    the step calls itself one ("1. TODO").

    :param text: the Markdown text of a document.
    """
    body = FRONT_MATTER.sub("", COMMENT.sub("", text))
    words = _words(body)
    if not words:
        return True
    if STEP.search("\n".join(line for line in body.splitlines() if not SAYS_SO.search(line))):
        return False
    says_so = len(words) <= MAX_WORDS_OF_A_STUB and bool(SAYS_SO.search(body))
    return says_so or (
        bool(LINK.search(body)) and len(_words(LINK.sub("", body))) <= MAX_WORDS_OF_A_POINTER
    )


def _words(text: str) -> list[str]:
    return [
        word
        for line in text.splitlines()
        if not line.lstrip().startswith(("#", "---", "==="))
        for word in re.findall(r"\w+", line)
    ]
