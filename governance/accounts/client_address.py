"""Where a request comes from, as far as it can be known."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

# A provider gives one household or one server a whole /64 of IPv6: whoever has it has all of it.
IPV6_PREFIX = 64
WITH_PORT = re.compile(r"(?P<v4>[0-9.]+):[0-9]+|\[(?P<v6>[0-9a-fA-F:.%a-z]+)\](?::[0-9]+)?")


def client_address(request: HttpRequest) -> str:
    """Return the IP address that a request comes from; empty where there is none (a Unix socket).

    Each proxy adds the address of whoever spoke to it to the end of ``X-Forwarded-For``. With *n*
    trusted proxies (``TRUSTED_PROXIES``), the *n*-th entry from the end was written by the
    outermost of them; everything before it was sent by the client, who may write anything there.
    With 0 the header is ignored. Where the header has fewer entries than there are proxies, or the
    entry is not an address, the request came another way: the address is the connection's own.
    """
    own = _address(request.META.get("REMOTE_ADDR", ""))
    proxies = settings.TRUSTED_PROXIES
    if not proxies:
        return own
    entries = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    return (_address(entries[-proxies]) if len(entries) >= proxies else "") or own


def client_network(request: HttpRequest) -> str | None:
    """Return what attempts are counted by: the IPv4 address, or the first address of the IPv6 /64.

    None where the address is not known.
    """
    address = client_address(request)
    if not address:
        return None
    known = ipaddress.ip_address(address)
    if known.version == 4:  # noqa: PLR2004 - IP version 4
        return address
    return str(ipaddress.ip_network((known, IPV6_PREFIX), strict=False).network_address)


def _address(text: str) -> str:
    """Return an address in its usual spelling, without port and zone; empty where it is none."""
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
