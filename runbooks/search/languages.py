"""Stop words and endings of German and English. Pure: imports no Django.

There is one list of endings for both languages, because technical terms mix them: "blockieren",
"blockiert" and "blocked" have one stem. A Snowball stemmer of either language, or of one after the
other, gives three stems (docs/decisions/0028-search-libraries.md).
"""

# Words without meaning for a search. They count only in a question that has no other words.
STOP_WORDS = frozenset(
    """
    a an and are as at be been but by can could did do does doing for from get had has have how i
    if in into is it its just let may me my need no not of on or our should so that the their them
    then there these they this to up us was we were what when where which who why will with would
    you your about after again any been before please someone
    x ab aber alle allem allen aller alles als also am auch auf aus bei beim bin bis bist da dann
    das dass dem den der des deren dessen die dies diese diesem diesen dieser dieses doch dort du
    durch ein eine einem einen einer eines er es etwas für gegen geht gibt habe haben hat ich ihm
    ihn ihr im ins ist ja jetzt kann kein keine keinem keinen keiner man mein meine mich mir mit
    muss nach nicht nichts noch nun nur ob oder ohne sein sich sie sind so soll sollen sollte tun
    über um und uns unser unter vom von vor wann war warum was weil welche welchem welchen welcher
    welches wenn wer werden wie wieder will wir wird wo wohin wollen wurde zu zum zur
    """.split()
)

# German and English endings, longest first. At least four characters must remain.
ENDINGS = (
    "ierungen", "ierung", "ierten", "ierter", "iertes", "ierte", "ieren", "iert",
    "ungen", "ation", "ungs", "ings", "tion", "ung", "ing", "ion", "ern", "ten", "en", "er", "es",
    "em", "ed", "e", "n", "s",
)  # fmt: skip
MIN_STEM_LENGTH = 4


def stem(word: str) -> str:
    """Return a word without its ending. Identifiers and short words stay whole.

    >>> stem("blockierte"), stem("blocked"), stem("run_id")
    ('block', 'block', 'run_id')
    """
    if "_" in word:
        return word
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= MIN_STEM_LENGTH:
            return word[: -len(ending)]
    return word
