"""The page of one run or several, assembled from its parts: one file that needs no other.

Nothing of it is fetched, and nothing may be: its content policy names the digests of its one style
and its one script, and forbids all else. Data stand in elements that no browser executes, with
every `<` escaped; the script puts them into the page as text. A page of a site differs in one
thing: its images lie in a script of the site, which all its pages share.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from string import Template
from typing import Any

from irgate_battery.interface.outside_text import one_line
from irgate_battery.report.comparison.side_by_side import compare, labels_of
from irgate_battery.report.page import case_table, charts, drawing, overview
from irgate_battery.report.page.images import Images
from irgate_battery.report.page.markup import Markup, element, joined
from irgate_battery.report.page.page_case import PageCase, again, cases_of, drawn_again
from irgate_battery.report.page.saved_run import SavedRun
from irgate_battery.report.remade import MadeCases
from irgate_battery.report.row_figures import figures
from irgate_battery.results.result_row import ResultRow

GENERATOR = "irgate report"
"""By this a page is known as one of ours."""

SCRIPTS = (
    "data",
    "spline",
    "warp",
    "colour",
    "hatching",
    "views",
    "panel",
    "viewer",
    "state",
    "table",
    "case",
    "keys",
    "main",
)
"""In this order; they share one scope."""

LONGEST_LABEL = 40
"""Characters of a solver's name over a column."""


def is_page(head: str) -> bool:
    """Whether a file that begins so is a page of ours."""
    return f'<meta name="generator" content="{GENERATOR}">' in head


@dataclass(frozen=True)
class Surroundings:
    """The site that a page is a part of.

    Attributes:
        home: address of its first page.
        images: address of the script that holds the images of all its pages.

    """

    home: str
    images: str


@dataclass(frozen=True, eq=False)
class PageDraft:
    """A page but for its images, which several pages may share.

    Attributes:
        runs: one or several.
        labels: what they are called.
        cases: of all runs.
        compared: the runs side by side, where they are several.
        drawn: what the script draws of each case, by its key.

    """

    runs: Sequence[SavedRun]
    labels: Sequence[str]
    cases: Sequence[PageCase]
    compared: Any
    drawn: Mapping[str, dict[str, Any]]

    def html(
        self, pictures: Markup, left_out: frozenset[int], within: Surroundings | None = None
    ) -> str:
        """Return the page.

        Args:
            pictures: the elements that hold the images; none in a site.
            left_out: the numbers of images that there was no room for.
            within: the site that it is a part of.
        """
        data = {
            "runs": [{"label": label} for label in self.labels],
            "images_at": within.images if within else None,
            "cases": [
                _case(case, self.runs, self.drawn.get(case.key), left_out) for case in self.cases
            ],
        }
        told = zip(self.runs, self.labels, strict=True)
        title = ", ".join(f"{run.word}: {label}" for run, label in told)
        style = _asset("page.css")
        script = "\n".join(_asset(f"{name}.js") for name in SCRIPTS)
        script = f"(() => {{\n'use strict';\n{script}}})();"
        parts: dict[str, str] = {
            "policy": _policy(style, script, shared=within is not None),
            "generator": GENERATOR,
            "title": joined(f"{title} (irgate)"),
            "style": style,
            "home": element("a", "All solvers", href=within.home) if within else "",
            "kind": "alone" if len(self.runs) == 1 else "several",
            "headline": overview.headline(self.runs, self.labels),
            "sections": joined(_sections(self.runs, self.labels, self.cases, self.compared)),
            "data": _json(data),
            "images": element("script", "", src=within.images) if within else pictures,
            "script": script,
        }
        return Template(_asset("page.html")).substitute(parts)


def draft_of(runs: Sequence[SavedRun], images: Images, made: MadeCases | None = None) -> PageDraft:
    """Return the page of one run or several, but for its images.

    Args:
        runs: one or several.
        images: takes those that it draws.
        made: cases that were made again already; they grow.
    Raises: NotComparableError where the runs are not about the same cases.
    """
    saved = [run.saved for run in runs]
    compared = compare(saved) if len(runs) > 1 else None
    labels = [one_line(label, LONGEST_LABEL) for label in labels_of(saved)]
    cases = cases_of(runs)
    drawn = {
        case.key: drawing.drawing(case, saved[0].battery, images, made)
        for case in cases
        if case.one_call
    }
    return PageDraft(runs, labels, cases, compared, drawn)


def page_of(runs: Sequence[SavedRun]) -> str:
    """Return the page as HTML, with its images.

    Args:
        runs: one or several.
    Raises: NotComparableError where they are not about the same cases.
    """
    images = Images()
    draft = draft_of(runs, images)
    return draft.html(*images.markup())


def _sections(
    runs: Sequence[SavedRun], labels: Sequence[str], cases: Sequence[PageCase], compared: Any
) -> Iterable[Markup | None]:
    yield overview.failures(cases, labels)
    if compared is not None:
        yield overview.side_by_side(compared)
    drawn = [charts.distance_chart(cases, labels), charts.time_chart(cases, labels)]
    if any(drawn):
        title = element("h2", "Charts", id="charts")
        box = element("div", drawn, class_="charts")
        yield element("section", title, box, aria_labelledby="charts")
    yield overview.verdicts(runs, labels)
    yield case_table.case_table(cases, labels)
    yield overview.own_tests(runs)


def _case(
    case: PageCase, runs: Sequence[SavedRun], drawn: dict[str, Any] | None, left_out: frozenset[int]
) -> dict[str, Any]:
    if drawn and "why" not in drawn and left_out & set(drawing.numbers_in(drawn)):
        drawn = {"why": drawing.NO_ROOM}
    return {
        "key": case.key,
        "case": case.case,
        "suite": case.suite,
        "model": case.model,
        "intensity": case.pictured.intensity if case.pictured else None,
        "purpose": case.purpose,
        "own": case.own,
        "fails": case.fails,
        "rows": [
            None if row is None else _row(case, row, run)
            for row, run in zip(case.rows, runs, strict=True)
        ],
        "of_pair": _of_pair(case),
        "drawing": drawn,
    }


def _of_pair(case: PageCase) -> dict[str, dict[str, float | None]]:
    """Return the figures that belong to the pair, whoever was judged on it."""

    def first(name: str) -> float | None:
        values: Iterable[float | None] = (getattr(row, name) for row in case.there)
        return next((value for value in values if value is not None), None)

    return {
        "oracle": {"rmse": first("oracle_rmse"), "tre_px": first("oracle_tre_px")},
        "truth": {"rmse": first("truth_rmse")},
        "identity": {"rmse": first("identity_rmse")},
    }


def _row(case: PageCase, row: ResultRow, run: SavedRun) -> dict[str, Any]:
    return {
        "status": row.status,
        "word": overview.WORDS.get(row.status, row.status),
        "tone": overview.TONES[row.status],
        "message": row.message.removeprefix(f"{case.case}: "),
        "fault": row.diagnosis,
        "preparation": "; ".join(filter(None, (row.preparation, row.source, row.licence))),
        "rmse": row.rmse,
        "tre_px": row.tre_px,
        "oracle_distance_px": row.oracle_distance_px,
        "figures": [
            [figure.label, figure.text, figure.limit, figure.holds] for figure in figures(row)
        ],
        "again": again(row, run),
        "show": drawn_again(case, run),
    }


def _json(data: object) -> str:
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    # Neither `</script>` nor `<!--` may end or change the element that it stands in.
    return text.replace("<", "\\u003c")


def _policy(style: str, script: str, *, shared: bool) -> str:
    scripts = f"'{_digest(script)}'" + (" 'self'" if shared else "")
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src {scripts}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _asset(name: str) -> str:
    found = resources.files("irgate_battery").joinpath("report", "page", "assets", name)
    return found.read_text(encoding="utf-8")
