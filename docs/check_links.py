"""check_links.py SITE: does every link and picture within a built site lead somewhere?

Sphinx checks what it resolves itself; this reads what a browser gets, HTML outputs of notebooks included.
Links that leave the site are for `make links`.
"""
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page links to, and the places in it that can be linked to."""

    def __init__(self, text):
        super().__init__()
        self.links, self.places, self.without_alt = [], {""}, 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.places |= {attributes.get("id"), attributes.get("name")}
        self.links += [attributes[key] for key in ("href", "src") if attributes.get(key)]
        self.without_alt += tag == "img" and "alt" not in attributes


def faults(site):
    """A sentence for every link that leads nowhere, and every page with pictures that have no alt."""
    site = Path(site).resolve()
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))
             if "_static" not in path.parts}  # the theme keeps templates there
    for path, page in pages.items():
        name = path.relative_to(site)
        if page.without_alt:
            yield f"{name}: {page.without_alt} pictures have no alt"
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                yield f"{name}: {link} leads to no file"
            elif target in pages and unquote(parts.fragment) not in pages[target].places:
                yield f"{name}: {link} leads to a page without that place"


if __name__ == "__main__":
    found = sorted(set(faults(sys.argv[1])))
    print(*found, sep="\n", file=sys.stderr)
    sys.exit(bool(found))
