"""The address of the client that sent a request."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

# Providers assign a whole IPv6 /64 to one household or server, so all its addresses count as one.
IPV6_PREFIX = 64
WITH_PORT = re.compile(r"(?P<v4>[0-9.]+):[0-9]+|\[(?P<v6>[0-9a-fA-F:.%a-z]+)\](?::[0-9]+)?")


def client_address(request: HttpRequest) -> str:
    """Return the client's IP address, or an empty string if there is none (a Unix socket).

    Each proxy appends the address of its peer to ``X-Forwarded-For``. With *n* trusted proxies
    (``TRUSTED_PROXIES``), the outermost of them wrote the *n*-th entry from the end. The client
    controls all entries before it. With 0 trusted proxies the header is ignored. If the header has
    fewer entries than there are proxies, or if the entry is not an address, the request did not
    pass through the proxies, and the address of the connection is used.
    """
    own = _address(request.META.get("REMOTE_ADDR", ""))
    proxies = settings.TRUSTED_PROXIES
    if not proxies:
        return own
    entries = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    return (_address(entries[-proxies]) if len(entries) >= proxies else "") or own


def client_network(request: HttpRequest) -> str | None:
    """Return the key by which attempts are counted, or None if the address is unknown.

    The key is the IPv4 address itself, or the first address of the IPv6 /64.
    """
    address = client_address(request)
    if not address:
        return None
    known = ipaddress.ip_address(address)
    if known.version == 4:  # noqa: PLR2004 - IP version 4
        return address
    return str(ipaddress.ip_network((known, IPV6_PREFIX), strict=False).network_address)


def _address(text: str) -> str:
    """Return an address in canonical form without port and zone, or an empty string if invalid."""
    text = text.strip()
    with_port = WITH_PORT.fullmatch(text)
    if with_port:
        text = with_port["v4"] or with_port["v6"]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
