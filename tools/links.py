"""Try the links of the built pages that lead outside, and name those that lead nowhere.

A link works, is broken (its site says that there is no such page, or there is no such site), or is
unsure: sites that refuse robots or are slow are not called broken. Links inside the book are not
tried here: `make test` follows them all, without a network.
"""

import html
import re
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import unquote
from urllib.request import Request, urlopen

from book import SITE

LINK = re.compile(r"""<a\b[^>]*?\bhref=["']([^"']*)["']""")
ANCHOR = re.compile(r"""\b(?:id|name)=["']([^"']*)["']""")
SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
GONE, NO_SITE = (404, 410), "there is no such site"
SECONDS = 20


def pages(site):
    """Each page's path and text, without scripts."""
    for path in sorted(site.rglob("*.html")):
        yield path, SCRIPT.sub("", path.read_text(encoding="utf-8"))


def outside(site):
    """Every address outside the site, with the first page that links to it."""
    found = {}
    for path, text in pages(site):
        for address in map(html.unescape, LINK.findall(text)):
            if address.startswith(("http://", "https://")):
                found.setdefault(address.partition("#")[0], path.relative_to(site).as_posix())
    return found


def lost(site):
    """Links inside the site that lead to no file or to no place on its page, as `page: link`."""
    anchors = {path: set(map(html.unescape, ANCHOR.findall(text))) for path, text in pages(site)}
    for path, text in pages(site):
        for link in sorted(set(map(html.unescape, LINK.findall(text)))):
            if re.match(r"[a-z]+:|#?$", link):
                continue
            file, _, anchor = unquote(link).partition("#")
            target = Path(path.parent, file).resolve() if file else path
            if not target.is_file() or (anchor and target.suffix == ".html" and anchor not in anchors[target]):
                yield f"{path.relative_to(site).as_posix()}: {link}"


def ask(address):
    """What became of an outside link: (works, broken, unsure or unreachable; why)."""
    request = Request(address, headers={"User-Agent": "Mozilla/5.0 (a book's link check)"})
    try:
        with urlopen(request, timeout=SECONDS) as answer:
            return "works", str(answer.status)
    except HTTPError as error:
        return "broken" if error.code in GONE else "unsure", f"answers {error.code}"
    except URLError as error:
        unknown = isinstance(error.reason, socket.gaierror) and error.reason.errno == socket.EAI_NONAME
        return "unreachable", NO_SITE if unknown else str(error.reason)
    except (OSError, ValueError) as error:
        return "unreachable", str(error)


def judge(tried):
    """(exit code, lines to print) for a list of (address, page that has it, answer, why)."""
    if tried and all(answer == "unreachable" for _, _, answer, _ in tried):
        return 2, [f"saddles: none of {len(tried)} links leads to a site that can be reached: "
                   "without a network nothing was checked."]
    lines, counts = [], {"works": 0, "broken": 0, "unsure": 0}
    for address, page, answer, why in tried:
        if answer == "unreachable":  # others could be reached, so it is not the network
            answer = "broken" if why == NO_SITE else "unsure"
        counts[answer] += 1
        if answer != "works":
            lines.append(f"{answer}: {address} on {page} ({why})")
    total = ", ".join(f"{count} {answer}" for answer, count in counts.items())
    return int(counts["broken"] > 0), [*lines, f"{len(tried)} outside links: {total}"]


def main():
    if not (SITE / "index.html").exists():
        sys.exit("saddles: there are no pages whose links could be tried: run `make book` first.")
    found = outside(SITE)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, found))
    code, lines = judge([(*link, *answer) for link, answer in zip(found.items(), answers)])
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
