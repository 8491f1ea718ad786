"""The built site on a phone: no page is wider than the screen. Pictures of some are left in build/phone.

    make phone
"""

import functools
import http.server
import shutil
import sys
import threading

from shared import BUILD, ROOT, chromium, skip, verdict

SITE = ROOT / "docs" / "_build" / "html"
SHOTS = BUILD / "phone"
SHOWN = ("index", "notebooks/00_start_here", "notebooks/04_scores_and_noise", "docs/recipes",
         "docs/api/stopping")
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1366, "height": 768}
WIDER = """() => {
  const wide = document.documentElement.clientWidth + 1, found = [];
  if (document.documentElement.scrollWidth <= wide) return [];
  for (const element of document.querySelectorAll("article *"))
    if (element.getBoundingClientRect().right > wide) found.push(element.textContent.trim().slice(0, 60));
  return found.length ? found : ["something outside the article"];
}"""


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def faults(page, url, name):
    page.set_viewport_size(PHONE)
    page.goto(f"{url}/{name}.html")
    page.wait_for_timeout(300)  # for the fonts and the theme's scripts
    said = [f"wider than {PHONE['width']} px: {text!r}" for text in page.evaluate(WIDER)[:3]]
    if name in SHOWN:
        for kind, size in {"phone": PHONE, "desktop": DESKTOP}.items():
            page.set_viewport_size(size)
            page.screenshot(path=SHOTS / f"{name.replace('/', '_')}_{kind}.png")
    return said


def main():
    if not (SITE / "index.html").exists():
        skip("there is no site in docs/_build/html (`make site` builds it; `make phone` does both).")
    launch = chromium()
    shutil.rmtree(SHOTS, ignore_errors=True)
    SHOTS.mkdir(parents=True)
    names = sorted(str(path.relative_to(SITE).with_suffix("")) for path in SITE.rglob("*.html")
                   if path.relative_to(SITE).parts[0] not in ("_static", "_modules"))
    handler = functools.partial(Handler, directory=SITE)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with launch() as browser:
        page = browser.new_context(is_mobile=True, viewport=PHONE).new_page()
        verdict({name: faults(page, f"http://127.0.0.1:{server.server_port}", name) for name in names})


if __name__ == "__main__":
    sys.exit(main())
