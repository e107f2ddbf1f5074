"""Guessing is limited, and no stranger locks a person out for good."""

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from axes.models import AccessAttempt
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone

from governance import ledger
from governance.accounts.client_address import client_address, client_network
from governance.accounts.known_devices import COOKIE, MAX_PEOPLE
from governance.accounts.lockout import MAX_ROWS_PER_HOUR
from governance.accounts.sign_in_limits import ADDRESS_LIMIT, NAME_LIMIT, PAUSE
from governance.accounts.tokens import create_api_token
from governance.assurance.standings import standing_of
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from tests import cast
from tests.portal.test_access import basic

pytestmark = pytest.mark.django_db

LIMIT = django_settings.AXES_FAILURE_LIMIT
STRANGER, HOME, PROXY = "203.0.113.9", "198.51.100.7", "10.0.0.2"


def try_to_sign_in(
    name, password="wrong", *, client=None, address=STRANGER, forwarded=None, door="/login/"
):
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    data = {"username": name, "password": password}
    return (client or Client()).post(door, data, headers=headers, REMOTE_ADDR=address).status_code


def signs_in(name, **options):
    return try_to_sign_in(name, cast.PASSWORD, **options) == 302


def lock_out(name, **options):
    return [try_to_sign_in(name, **options) for _ in range(LIMIT)][-1]


# ---- whose address


def request_from(address, forwarded=None):
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    return RequestFactory().get("/", headers=headers, REMOTE_ADDR=address)


@pytest.mark.parametrize(
    ("proxies", "own", "forwarded", "wanted"),
    [
        (0, STRANGER, None, STRANGER),
        (0, STRANGER, HOME, STRANGER),
        (1, PROXY, STRANGER, STRANGER),
        (1, PROXY, f"{HOME}, {STRANGER}", STRANGER),
        (2, PROXY, f"{HOME}, {STRANGER}, 10.0.0.3", STRANGER),
        (2, PROXY, f"{HOME},{STRANGER}:4711,10.0.0.3", STRANGER),
        (1, PROXY, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, PROXY, "::ffff:203.0.113.9", STRANGER),
        # Not by way of all the proxies, or not an address: what the header says is a stranger's
        # word.
        (2, PROXY, HOME, PROXY),
        (1, PROXY, None, PROXY),
        (1, PROXY, "unknown", PROXY),
        (1, PROXY, f"{HOME},", PROXY),
        (1, PROXY, "", PROXY),
        (0, "", HOME, ""),
        (1, "", STRANGER, STRANGER),
    ],
)
def test_the_address_is_what_the_outermost_trusted_proxy_saw(
    settings, proxies, own, forwarded, wanted
):
    settings.TRUSTED_PROXIES = proxies
    assert client_address(request_from(own, forwarded)) == wanted


@pytest.mark.parametrize(
    ("address", "network"),
    [
        (STRANGER, STRANGER),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::ffff%eth0", "2001:db8:1:2::"),
        ("::ffff:203.0.113.9", STRANGER),
        ("", None),
    ],
)
def test_attempts_are_counted_by_what_one_attacker_has(address, network):
    assert client_network(request_from(address)) == network


# ---- by name and address


@pytest.mark.parametrize("door", ["/login/", "/admin/login/"])
def test_a_name_is_locked_from_the_address_alone_that_guessed(people, door):
    assert lock_out("sue", door=door) == 429
    assert not signs_in("sue", address=STRANGER)
    assert signs_in("sue", address=HOME, door=door)


def test_a_forged_header_gives_nobody_a_new_address(people, settings):
    settings.TRUSTED_PROXIES = 0
    for number in range(LIMIT):
        try_to_sign_in("rita", forwarded=f"192.0.2.{number}")
    assert not signs_in("rita", forwarded="192.0.2.200")
    settings.TRUSTED_PROXIES = 1
    for number in range(LIMIT):
        try_to_sign_in("otto", address=PROXY, forwarded=f"192.0.2.{number}, {STRANGER}")
    assert not signs_in("otto", address=PROXY, forwarded=f"192.0.2.200, {STRANGER}")


def test_behind_a_proxy_a_stranger_locks_nobody_else_out(people, settings):
    settings.TRUSTED_PROXIES = 1
    assert lock_out("rita", address=PROXY, forwarded=STRANGER) == 429
    assert signs_in("rita", address=PROXY, forwarded=HOME)
    # Who pretends to be the victim is still counted as who they are.
    lock_out("otto", address=PROXY, forwarded=f"{HOME}, {STRANGER}")
    assert signs_in("otto", address=PROXY, forwarded=HOME)


def test_one_ipv6_network_is_one_attacker(people):
    for number in range(LIMIT):
        try_to_sign_in("rita", address=f"2001:db8:0:1::{number:x}")
    assert not signs_in("rita", address="2001:db8:0:1:ffff::1")
    assert signs_in("rita", address="2001:db8:0:2::1")


def test_another_browser_is_not_another_attacker(people):
    for number in range(LIMIT):
        Client(headers={"user-agent": f"browser {number}"}).post(
            "/login/", {"username": "rita", "password": "wrong"}, REMOTE_ADDR=STRANGER
        )
    assert not signs_in("rita")
    assert AccessAttempt.objects.count() == 1


def test_trying_on_does_not_prolong_a_lock(people):
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        lock_out("rita")
    with time_machine.travel(start + timedelta(minutes=14), tick=False):
        assert try_to_sign_in("rita") == 429
    with time_machine.travel(start + timedelta(minutes=16), tick=False):
        assert signs_in("rita")


# ---- by address, over all names


def test_a_thousand_names_are_not_sprayed_and_a_victim_elsewhere_signs_in(people):
    answers = [try_to_sign_in(f"name-{number}") for number in range(ADDRESS_LIMIT + 30)]
    assert answers[: ADDRESS_LIMIT - 1] == [200] * (ADDRESS_LIMIT - 1)
    assert set(answers[ADDRESS_LIMIT - 1 :]) == {429}
    assert AccessAttempt.objects.count() == ADDRESS_LIMIT, "what is refused leaves no row"
    assert not signs_in("rita", address=STRANGER), "the password is not looked at"
    assert signs_in("rita", address=HOME)


def test_an_account_of_ones_own_does_not_open_the_way_to_spray_on(people):
    for number in range(ADDRESS_LIMIT - 1):
        try_to_sign_in(f"name-{number}")
    assert signs_in("otto")
    assert try_to_sign_in("name-x") == 429


def test_the_api_counts_with_the_sign_in_page(people):
    for number in range(ADDRESS_LIMIT):
        Client(headers=basic(f"name-{number}", "wrong")).get(
            "/api/v1/runbooks/", REMOTE_ADDR=STRANGER
        )
    answer = Client(headers=basic("otto")).get("/api/v1/runbooks/", REMOTE_ADDR=STRANGER)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert not signs_in("otto", address=STRANGER)
    assert (
        Client(headers=basic("otto")).get("/api/v1/runbooks/", REMOTE_ADDR=HOME).status_code == 200
    )


# ---- by name, over all addresses


def attack_from_everywhere(name, times=NAME_LIMIT):
    for number in range(times):
        try_to_sign_in(name, address=f"192.0.{number // 250}.{number % 250}")


def test_a_name_that_is_tried_from_everywhere_is_slowed_and_not_locked(people):
    assert timedelta(seconds=30) >= PAUSE, "a pause that a person can wait for"
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        attack_from_everywhere("rita")
        assert not signs_in("rita", address=HOME)
        assert signs_in("otto", address=HOME)
    with time_machine.travel(start + PAUSE + timedelta(seconds=1), tick=False):
        assert signs_in("rita", address=HOME)


def test_where_a_person_has_signed_in_before_no_stranger_locks_them_out(people):
    laptop = Client()
    assert signs_in("rita", client=laptop, address=HOME)
    laptop.post("/logout/")
    attack_from_everywhere("rita")
    lock_out("rita", address=HOME)
    for number in range(ADDRESS_LIMIT):
        try_to_sign_in(f"name-{number}", address=HOME)
    assert not signs_in("rita", address=HOME), "a device that nobody knows waits"
    assert signs_in("rita", client=laptop, address=HOME)


def test_a_known_device_is_counted_by_itself(people):
    laptop = Client()
    assert signs_in("rita", client=laptop, address=HOME)
    laptop.post("/logout/")
    assert lock_out("rita", client=laptop, address="192.0.2.1") == 429
    assert not signs_in("rita", client=laptop, address="192.0.2.2"), "wherever it goes"
    assert signs_in("rita", address=HOME), "which locks no other device"


def test_a_device_is_known_for_who_has_signed_in_on_it_alone(people):
    desk = Client()
    for name in ("otto", "rita"):
        assert signs_in(name, client=desk)
        desk.post("/logout/")
    attack_from_everywhere("rita")
    attack_from_everywhere("otto")
    attack_from_everywhere("ada")
    assert not signs_in("ada", client=desk)
    assert signs_in("otto", client=desk)
    assert "rita" not in desk.cookies[COOKIE].value


def test_a_device_forgets_who_signed_in_longest_ago(people):
    desk = Client()
    names = [f"person-{number}" for number in range(MAX_PEOPLE + 1)]
    for name in names:
        cast.make_person(name)
        assert signs_in(name, client=desk)
        desk.post("/logout/")
    attack_from_everywhere(names[0])
    attack_from_everywhere(names[1])
    assert not signs_in(names[0], client=desk)
    assert signs_in(names[1], client=desk)


@pytest.mark.parametrize("forged", ["", "x", "a:b:c", "eyJkZXZpY2UiOiJ4IiwicGVvcGxlIjpbXX0:1:1"])
def test_a_forged_cookie_makes_no_known_device(people, forged):
    for number in range(LIMIT):
        client = Client()
        client.cookies[COOKIE] = f"{forged}{number if forged else ''}"
        try_to_sign_in("rita", client=client)
    assert not signs_in("rita")


def test_the_cookie_of_a_device_is_out_of_reach_of_scripts(people):
    client = Client()
    assert COOKIE not in client.get("/login/").cookies
    try_to_sign_in("rita", client=client)
    assert COOKIE not in client.cookies, "a failed sign-in makes no known device"
    assert signs_in("rita", client=client)
    assert client.cookies[COOKIE]["httponly"]
    assert client.cookies[COOKIE]["samesite"] == "Lax"


def test_where_no_address_is_known_nobody_is_locked_out_by_it(people):
    lock_out("rita", address="")
    assert signs_in("rita", address="")


# ---- what is left behind


def test_strangers_cannot_fill_the_change_log(people):
    for number in range(MAX_ROWS_PER_HOUR + 5):
        cast.make_person(f"person-{number}")
        lock_out(f"person-{number}", address=f"192.0.2.{number}")
    rows = ChangeLogEntry.objects.filter(action=Action.SIGN_IN_LOCKED)
    assert rows.count() == MAX_ROWS_PER_HOUR
    later = timezone.now() + timedelta(minutes=20)
    with time_machine.travel(later, tick=False):
        lock_out("person-0")
    assert rows.count() == MAX_ROWS_PER_HOUR, "one row for an account in an hour"
    assert ledger.verify().is_whole


def test_old_failures_leave_no_row_in_the_table(people):
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        for number in range(20):
            try_to_sign_in(f"name-{number}")
    with time_machine.travel(start + timedelta(minutes=16), tick=False):
        try_to_sign_in("rita")
    assert AccessAttempt.objects.count() == 1


def test_strangers_do_not_lock_the_signing(people, sign_in):
    """Only the account's own session gets to the form that asks for the password again."""
    attack_from_everywhere("rita")
    runbook = cast.make_runbook()
    ready = cast.make_ready(runbook)
    assert standing_of(ready).is_live_ready


# ---- API tokens


def ask_with(token, address=STRANGER):
    return Client(headers={"authorization": f"Bearer {token}"}).get(
        "/api/v1/runbooks/", REMOTE_ADDR=address
    )


def test_a_flood_of_wrong_tokens_ends_and_stops_nobody_elses_sync(people):
    _, token = create_api_token(user=people["otto"], by=ledger.SYSTEM)
    answers = [ask_with(f"rgp_{number}").status_code for number in range(40)]
    assert answers == [401] * 30 + [429] * 10
    assert ask_with("rgp_x", address=HOME).status_code == 401
    assert ask_with(token).status_code == 200, "not even a right token from the same address"


# ---- unlock


def unlock(*words):
    out = StringIO()
    call_command("unlock", *words, stdout=out)
    return out.getvalue()


def test_an_administrator_unlocks_a_sign_in_and_the_change_log_tells(people):
    lock_out("rita")
    assert not signs_in("rita")
    assert (
        unlock("rita", "--as", "sue") == f"Unlocked rita: {LIMIT} failed sign-ins are forgotten.\n"
    )
    row = ChangeLogEntry.objects.get(action=Action.SIGN_IN_UNLOCKED)
    assert (row.actor, row.subject) == ("sue", "user:rita")
    assert row.changes == {"failed_sign_ins": {"before": LIMIT, "after": 0}}
    assert signs_in("rita")


def test_an_address_is_unlocked_with_the_name_where_that_is_asked_for(people):
    for number in range(ADDRESS_LIMIT - 1):
        try_to_sign_in(f"name-{number}")
    try_to_sign_in("rita")
    unlock("rita")
    try_to_sign_in("rita")
    assert not signs_in("rita")
    assert f"{ADDRESS_LIMIT} failed sign-ins" in unlock("rita", "--address")
    assert signs_in("rita")
    assert (
        ChangeLogEntry.objects.filter(action=Action.SIGN_IN_UNLOCKED, actor="(system)").count() == 2
    )


def test_what_is_not_locked_leaves_no_row(people):
    assert "was not locked" in unlock("rita")
    assert not ChangeLogEntry.objects.filter(action=Action.SIGN_IN_UNLOCKED).exists()


def test_accounts_are_unlocked_in_the_admin_too(people, sign_in):
    form = {"action": "unlock", "_selected_action": [people["rita"].pk]}
    for _ in range(2):
        lock_out("rita")
        page = sign_in("sue").post("/admin/auth/user/", form, follow=True)
        assert "Unlocked: rita." in page.content.decode()
    assert signs_in("rita")
    assert ChangeLogEntry.objects.filter(action=Action.SIGN_IN_UNLOCKED, actor="sue").count() == 2
    page = sign_in("sue").post("/admin/auth/user/", form, follow=True)
    assert "None of these accounts was locked." in page.content.decode()


def test_whoever_may_not_change_accounts_unlocks_none(people, sign_in):
    lock_out("rita")
    form = {"action": "unlock", "_selected_action": [people["rita"].pk]}
    for name in ("ed", "rita", "ada"):
        sign_in(name).post("/admin/auth/user/", form, follow=True)
    assert not signs_in("rita")


@pytest.mark.parametrize("words", [("nobody",), ("rita", "--as", "nobody")])
def test_a_name_that_no_account_has_is_told(people, words):
    with pytest.raises(CommandError, match=r"no .*account named 'nobody'"):
        unlock(*words)


def test_an_account_that_is_not_active_stays_out(people):
    lock_out("rita")
    User.objects.filter(username="rita").update(is_active=False)
    assert "not active" in unlock("rita")
    assert not signs_in("rita")


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_moment_are_all_counted(people):
    from concurrent.futures import ThreadPoolExecutor

    def guess(_):
        try:
            return try_to_sign_in("rita")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(guess, range(LIMIT + 6)))
    assert set(answers) <= {200, 429}
    assert not signs_in("rita")
