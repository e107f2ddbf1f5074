"""A kept connection is closed by the sender, not by the server during a request."""

from itertools import pairwise

from run import SERVER_OPTIONS

# Seconds for which common proxies keep an idle connection to the server behind them, by default.
MAX_OF_PROXIES_LENGTH = 120  # Caddy; Traefik 90, nginx 60


def test_the_server_keeps_an_idle_connection_for_longer_than_any_proxy():
    options = dict(pairwise(SERVER_OPTIONS))
    assert int(options["--keep-alive"]) > MAX_OF_PROXIES_LENGTH
