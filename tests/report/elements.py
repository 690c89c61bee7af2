"""A page as a browser takes it apart."""

import re
from html.parser import HTMLParser


class Elements(HTMLParser):
    """Every element of a page with its attributes; the words outside scripts and styles."""

    def __init__(self, page):
        super().__init__()
        self.found, self.words, self.open = [], "", []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in ("img", "meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.words += data + " "

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def words(page):
    return re.sub(r"\s+", " ", Elements(page).words)
