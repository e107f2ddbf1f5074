"""E-mail about a change, sent after the commit and never while a lock or a transaction is held.

A mail server that does not answer delays the sender by ``EMAIL_TIMEOUT`` seconds, and nobody else.
"""

import logging
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction

logger = logging.getLogger(__name__)


def send_after_commit(*, subject: str, body: str, to: Iterable[str]) -> None:
    """Send an e-mail to each address when the transaction commits; at once if there is none.

    Nothing is sent if the transaction is rolled back. An e-mail that cannot be sent is logged and
    stops neither the change nor the request: the change log records the change in any case.

    :param to: addresses; each gets an e-mail of its own and does not see the others. Empty ones are
        skipped.
    """
    line = " ".join(subject.split())
    messages = [EmailMessage(subject=line, body=body, to=[one]) for one in dict.fromkeys(to) if one]
    if messages:
        transaction.on_commit(lambda: _send(messages), robust=True)


def _send(messages: Sequence[EmailMessage]) -> None:
    """Send over one connection, so that a server that does not answer is waited for once."""
    try:
        get_connection(timeout=settings.EMAIL_TIMEOUT).send_messages(messages)
    except (OSError, ValueError) as error:  # smtplib's errors are OSErrors
        # The addresses are personal data, so only their number is logged.
        logger.error("%d e-mail(s) not sent: %s: %s", len(messages), messages[0].subject, error)
