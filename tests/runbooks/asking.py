"""How a test asks a page or the API, and reads what comes back."""

from functools import partial
from html.parser import HTMLParser

from governance.assurance.standings import standings
from portal.rest.urls import router
from runbooks.search import query

# The search as the pages ask it.
answer = partial(query.answer, standings=standings)

V1 = "/api/v1/"
LISTS = [f"{V1}{prefix}/" for prefix, _, _ in router.registry]
LIST = "/runbooks/"
FILTERS = ["readiness", "year", "declared", "layer", "cluster", "section", "situation", "text"]


def read(client, address, status=200):
    response = client.get(address)
    assert response.status_code == status, (address, response.content[:300])
    return response.json()


def rows(client, address):
    return read(client, address)["results"]


class Page(HTMLParser):
    """A page as a reader meets it: its words, its links, its headings, its banners."""

    def __init__(self, response):
        super().__init__()
        self.words, self.links, self.tags, self.banners, self.scripts = "", [], [], [], []
        self.feed(response.content.decode())

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "script" and (attributes.get("src") or "").startswith("/static/portal/"):
            return  # the portal's own, from its own files
        self.tags.append(tag)
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        if tag == "script":
            self.scripts.append(attributes.get("src"))
        classes = (attributes.get("class") or "").split()
        if "banner" in classes:
            self.banners += [name for name in classes if name.startswith("is-")]

    def handle_data(self, data):
        self.words = f"{self.words} {data}"


def page(client, address, status=200):
    response = client.get(address)
    assert response.status_code == status, address
    return Page(response)


def listed(client, query):
    """The titles in the list, in its order."""
    response = client.get(f"{LIST}?{query}")
    assert response.status_code == 200, query
    return [runbook.title for runbook in response.context["runbooks"]]


def banner(client, runbook):
    shown = page(client, runbook.get_absolute_url())
    return shown.banners, " ".join(shown.words.split())
