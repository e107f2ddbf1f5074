"""A person at the real server, without a browser: follows links, fills forms, keeps cookies."""

import json
import re
from html import unescape
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, Request, build_opener


class Visitor:
    """One person with their own cookies."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.cookies = CookieJar()
        self.opener = build_opener(HTTPCookieProcessor(self.cookies))
        self.status, self.body = 0, ""

    def get(self, path: str) -> str:
        """The page's text without tags."""
        return self._open(Request(urljoin(self.server, path)))

    def json(self, path: str):
        """An answer of the API."""
        self._open(Request(urljoin(self.server, path)))
        return json.loads(self.body)

    def post(self, path: str, **values) -> str:
        """Send a form to ``path`` with the page's CSRF token."""
        token = next((cookie.value for cookie in self.cookies if cookie.name == "csrftoken"), "")
        data = urlencode({"csrfmiddlewaretoken": token, **values}, doseq=True).encode()
        return self._open(Request(urljoin(self.server, path), data, {"Referer": self.server}))

    def hidden(self, name: str) -> str:
        """The value of a hidden field on the page."""
        value = self.hidden_or_none(name)
        assert value is not None, f"no hidden field {name}"
        return value

    def hidden_or_none(self, name: str) -> str | None:
        """The same, or None where the page has no such field."""
        found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', self.body)
        return unescape(found[1]) if found else None

    def sign_in(self, username: str, password: str) -> None:
        """Through the portal's own sign-in page."""
        self.get("/login/")
        self.post("/login/", username=username, password=password, next="/")
        assert "sessionid" in {cookie.name for cookie in self.cookies}, f"{username} was not let in"

    def _open(self, request: Request) -> str:
        try:
            with self.opener.open(request, timeout=30) as response:
                self.status, self.body, self.url = (
                    response.status,
                    response.read().decode(),
                    response.url,
                )
        except HTTPError as error:
            self.status, self.body, self.url = error.code, error.read().decode(), error.url
        return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", self.body)))
