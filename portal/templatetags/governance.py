"""Template tags that show governance on catalogue pages, which must not import ``governance``."""

from django import template

from governance.ledger.labels import labelled_changes
from governance.signoff.choices import DEPENDENCE_TEXTS
from governance.signoff.policy import Dependence
from runbooks.choices import REASON_TEXTS
from runbooks.validity import Reason

register = template.Library()


@register.filter
def dependence_texts(codes: str) -> list[str]:
    """Return why a review was not independent, in the reader's language.

    :param codes: values of ``Dependence``, separated by spaces; unknown ones are skipped.
    """
    return [
        str(DEPENDENCE_TEXTS[Dependence(code)]) for code in codes.split() if code in set(Dependence)
    ]


@register.filter
def verdict_text(reason: str) -> str:
    """Return the text of a reason in the reader's language.

    :param reason: a value of ``Reason``.
    """
    return str(REASON_TEXTS[Reason(reason)])


register.filter("in_words", labelled_changes)
