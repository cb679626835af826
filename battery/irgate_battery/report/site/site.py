"""A site, made of folders of reports: what its files hold, one after the other."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irgate_battery.cases.catalogue import Case
from irgate_battery.report.page.images import Images
from irgate_battery.report.page.markup import Markup
from irgate_battery.report.page.page import Surroundings, draft_of
from irgate_battery.report.remade import MadeCases
from irgate_battery.report.site.entries import CheckedRow, Entry, case_items, checked, read_entries
from irgate_battery.report.site.pages import case_page, index_page, solver_page
from irgate_battery.report.site.parts import asset
from irgate_battery.report.site.pictures import Sheet, difference_levels, full_scale
from irgate_battery.suites.suite import Item

DEFAULT_TITLE = "Registration, judged against SimpleITK"

IMAGES = "images.js"
"""The images of all cases, which the pages of the reports share."""


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

    Each case is made again once, and each image is stored once, for all solvers.

    Args:
        folder: with the reports.
        title: of its pages.
    Raises: EntryError; SavedReportError.
    """
    made = MadeCases()
    entries = tuple(checked(entry, made) for entry in read_entries(folder))
    items = case_items()
    yield SiteFile("site.css", f"{asset('page.css')}\n{asset('site.css')}")
    yield SiteFile("index.html", index_page(entries, items, title))
    for entry in entries:
        yield SiteFile(f"solver/{entry.name}/index.html", solver_page(entry, title))
    yield from _reports(entries, made)
    for item in items:
        yield from _case_files(item, entries, title)


def _reports(entries: Sequence[Entry], made: MadeCases) -> Iterator[SiteFile]:
    """Yield the images of all reports, and the page of each."""
    images = Images()
    drafts = {
        f"solver/{entry.name}/{version.name}.html": draft_of([version.run], images, made)
        for entry in entries
        for version in entry.versions
    }
    script, left_out = images.script()
    yield SiteFile(IMAGES, script)
    within = Surroundings("../../index.html", f"../../{IMAGES}")
    for path, draft in drafts.items():
        yield SiteFile(path, draft.html(Markup(), left_out, within))


def _case_files(item: Item[Case], entries: Sequence[Entry], title: str) -> Iterator[SiteFile]:
    """Yield the page of a case, and one file with the pictures of all who have an answer to it."""
    case, suite = item.subject, item.suite
    ranked = sorted(entries, key=lambda entry: _rank(entry.case(suite, case.id)))
    pictures: dict[str, NDArray[np.uint8]] = {}
    full = 0.0
    for entry in ranked:
        row = entry.case(suite, case.id)
        if row is None or row.again is None or row.row.transform is None:
            continue
        images = row.again.pair.images
        full = full_scale(row.again.found.truth_rmse)
        shape = (images.fixed.shape[0], images.fixed.shape[1])
        field = row.row.transform.displacement_on(shape)
        pictures[entry.name] = difference_levels(images, field, full)
    sheet = Sheet(pictures, full) if pictures else None
    if sheet:
        yield SiteFile(f"case/{case.id}.png", sheet.png())
    yield SiteFile(f"case/{case.id}.html", case_page(case, suite, ranked, sheet, title))


def _rank(row: CheckedRow | None) -> tuple[int, float]:
    """Order those who pass by their distance to the truth, then who fail, then who were skipped."""
    if row is None or not row.asked:
        return 2, 0.0
    far = row.row.tre_px
    return 0 if row.passed else 1, math.inf if far is None else far
