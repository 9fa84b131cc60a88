"""The guide as a site: it is built without a warning, and loads nothing from the network."""

import html.parser
import re
import subprocess

import pytest
from aiflow_server import SOURCE

SITE = SOURCE / "build/site"
LOADING = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}


@pytest.fixture(scope="module")
def site():
    done = subprocess.run([str(SOURCE / "scripts/docs")], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return SITE


class Loads(html.parser.HTMLParser):
    """Collects what a page makes a browser load, and where it leads."""

    def __init__(self):
        super().__init__()
        self.loads, self.leads = [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "a" and attributes.get("href"):
            self.leads.append(attributes["href"])
        loaded = attributes.get(LOADING.get(tag))
        if loaded and attributes.get("rel") not in ("canonical", "next", "prev"):
            self.loads.append(loaded)


def read(page):
    parser = Loads()
    parser.feed(page.read_text())
    return parser


def test_no_page_loads_from_the_network(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        foreign = [load for load in read(page).loads if re.match(r"(https?:)?//", load)]
        assert not foreign, f"{page}: {foreign}"
    for style in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import )['\"]?(https?:)?//", style.read_text()), style


def test_every_page_is_reached_from_the_first(site):
    seen, todo = set(), [site / "index.html"]
    while todo:
        page = todo.pop()
        if page in seen:
            continue
        seen.add(page)
        for link in read(page).leads:
            if not re.match(r"[a-z]+:|//|#", link):
                target = (page.parent / link.partition("#")[0]).resolve()
                assert target.exists(), f"{page}: {link}"
                if target.suffix == ".html":
                    todo.append(target)
    missing = {page.resolve() for page in site.rglob("*.html")} - {page.resolve() for page in seen}
    assert {page.name for page in missing} <= {"404.html"}, missing
