"""E-mail about a change follows the change: after the commit, or never."""

import logging

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection, transaction

from governance.mail import send_after_commit


@pytest.mark.django_db(transaction=True)
def test_mail_is_sent_after_the_commit_and_outside_of_the_transaction(monkeypatch):
    inside = []
    send = EmailBackend.send_messages
    monkeypatch.setattr(
        EmailBackend,
        "send_messages",
        lambda self, messages: inside.append(connection.in_atomic_block) or send(self, messages),
    )
    with transaction.atomic():
        send_after_commit(
            subject="A rule\nchanged", body="Look.", to=["a@x.example", "", "b@x.example"]
        )
        assert mail.outbox == []
    assert inside == [False]
    assert [(message.subject, message.to) for message in mail.outbox] == [
        ("A rule changed", ["a@x.example"]),
        ("A rule changed", ["b@x.example"]),
    ]


@pytest.mark.django_db(transaction=True)
def test_change_that_is_rolled_back_sends_no_mail():
    with transaction.atomic():
        send_after_commit(subject="A rule changed", body="Look.", to=["a@x.example"])
        transaction.set_rollback(True)
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_mail_server_that_refuses_stops_no_change_and_is_logged(monkeypatch, caplog):
    def refuse(self, messages):
        raise ConnectionRefusedError("no such server")

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    with caplog.at_level(logging.ERROR):
        send_after_commit(subject="A rule changed", body="Look.", to=["a@x.example"])
    assert "1 e-mail(s) not sent: A rule changed: no such server" in caplog.text
    assert "a@x.example" not in caplog.text
