"""A site, made of folders of reports: what its files hold, one after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from irgate_battery.cases.catalogue import Case
from irgate_battery.report.page.page import page_of
from irgate_battery.report.site.entries import Entry, case_items, checked, read_entries
from irgate_battery.report.site.pages import asset, case_page, index_page, solver_page
from irgate_battery.report.site.pictures import difference_picture
from irgate_battery.suites.suite import Item

DEFAULT_TITLE = "Registration, judged against SimpleITK"


@dataclass(frozen=True)
class SiteFile:
    """One file.

    Attributes:
        path: below the site's folder, with `/`.
        content: of it.
    """

    path: str
    content: str | bytes


def site(folder: Path, title: str = DEFAULT_TITLE) -> Iterator[SiteFile]:
    """Make a site from a folder of `NAME/VERSION.json`.

    Args:
        folder: with the reports.
        title: of its pages.
    Raises: EntryError; SavedReportError.
    """
    entries = tuple(checked(entry) for entry in read_entries(folder))
    items = case_items()
    yield SiteFile("site.css", f"{asset('page.css')}\n{asset('site.css')}")
    yield SiteFile("index.html", index_page(entries, items, title))
    for entry in entries:
        yield SiteFile(f"solver/{entry.name}/index.html", solver_page(entry, title))
        for version in entry.versions:
            yield SiteFile(f"solver/{entry.name}/{version.name}.html", page_of([version.run]))
    for item in items:
        yield from _case_files(item, entries, title)


def _case_files(item: Item[Case], entries: Sequence[Entry], title: str) -> Iterator[SiteFile]:
    case, suite = item.subject, item.suite
    drawn = set()
    for entry in entries:
        row = entry.case(suite, case.id)
        if row is None or row.again is None or row.row.transform is None:
            continue
        images = row.again.pair.images
        shape = (images.fixed.shape[0], images.fixed.shape[1])
        picture = difference_picture(images, row.row.transform.displacement_on(shape))
        drawn.add(entry.name)
        yield SiteFile(f"case/{case.id}/{entry.name}.png", picture)
    yield SiteFile(f"case/{case.id}.html", case_page(case, suite, entries, frozenset(drawn), title))
