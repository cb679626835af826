"""What the pages of a site are made of: the document around them, tables, cells, links."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from importlib import resources

from irgate_battery.report.page.markup import Child, Markup, element, joined
from irgate_battery.results import formatting

NONE = "-"
"""Where there is no figure."""


def page(title: str, content: Child, root: str) -> str:
    """Return a page. It loads the site's style, and the pictures beside it, and nothing else."""
    policy = (
        "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self' "
        f"'{_digest(asset('site.js'))}'; base-uri 'none'; form-action 'none'"
    )
    head = [
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        Markup(f'<link rel="stylesheet" href="{root}site.css">'),
    ]
    body = [
        element("header", element("h1", title), class_="top"),
        element("main", content),
        Markup(f"<script>{asset('site.js')}</script>"),
    ]
    whole = element("html", element("head", head), element("body", body), lang="en")
    return f"<!doctype html>\n{whole}\n"


def table(name: str, heads: Sequence[str], rows: Iterable[Sequence[Child]]) -> Markup:
    """Return a table that can be sorted.

    Args:
        name: what it lists, for those who hear it.
        heads: of its columns.
        rows: cells, the first of which names the row; what is no `td` yet becomes one.
    """
    titles = element("tr", [element("th", head, scope="col") for head in heads])
    body = [
        element("tr", element("th", first, scope="row"), [_as_cell(child) for child in rest])
        for first, *rest in rows
    ]
    whole = element("table", element("thead", titles), element("tbody", body), class_="sortable")
    return element(
        "div", whole, class_="scroll sheet", tabindex="0", role="region", aria_label=name
    )


def _as_cell(child: Child) -> Markup:
    made = joined(child)
    return made if made.startswith("<td") else element("td", made)


def cell(text: str, value: float) -> Markup:
    """Return a cell that is sorted by a number."""
    return element("td", text, data_sort=f"{value:.9g}")


def figure(value: float | None, form: formatting.Form) -> Markup:
    """Return a cell with a figure."""
    return element("td", NONE, data_sort="") if value is None else cell(form(value), value)


def link(address: str, text: str) -> Markup:
    """Return a link."""
    return element("a", text, href=address)


def tone(text: str, kind: str) -> Markup:
    """Return a text in a colour; the text says it too."""
    return element("span", text, class_=kind)


def asset(name: str) -> str:
    """Return a file of the site, or of the page of a report."""
    folder = "page" if name == "page.css" else "site"
    found = resources.files("irgate_battery").joinpath("report", folder, "assets", name)
    return found.read_text(encoding="utf-8")


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
