"""The pages of a site: the table of all solvers, one page a solver, one page a case."""

from collections.abc import Iterable, Sequence
from statistics import median
from urllib.parse import quote

from irgate_battery.cases.catalogue import Case
from irgate_battery.report.page.markup import Child, Markup, element
from irgate_battery.report.site.entries import CheckedRow, Entry, Version
from irgate_battery.report.site.parts import NONE, cell, figure, link, page, table, tone
from irgate_battery.report.site.pictures import OF_FLOOR, Sheet, place_of
from irgate_battery.results import formatting
from irgate_battery.results.verdict import Verdicts
from irgate_battery.suites.base import HardGate
from irgate_battery.suites.suite import Item

MOST_BROKEN = 20
"""Rows that do not hold, named one by one."""


def index_page(entries: Sequence[Entry], items: Sequence[Item[Case]], title: str) -> str:
    """Return the table of all solvers."""
    common = solved_by_all(entries)
    ranked = sorted(entries, key=lambda entry: (-entry.passed, entry.name))
    verdicts = {entry.name: entry.verdicts() for entry in entries}
    heads = (
        "solver",
        "version",
        "cases passed",
        "failed",
        "hard gate",
        "rmse_vs_simpleitk_max",
        "median px",
        *([f"median px of the {len(common)} that all solved"] if common else []),
        "median s",
        "checked",
    )
    body = [
        (
            link(f"solver/{quote(entry.name)}/index.html", entry.name),
            entry.latest.name,
            cell(f"{entry.passed} of {len(items)}", entry.passed),
            cell(str(entry.failed), entry.failed),
            gate_cell(verdicts[entry.name]),
            figure(_headline(verdicts[entry.name]), "{:.1e}".format),
            figure(_median(entry.cases, "tre_px"), formatting.px),
            *([figure(_median(_of(entry, common), "tre_px"), formatting.px)] if common else []),
            figure(_median(entry.cases, "seconds"), formatting.seconds),
            checked_cell(entry),
        )
        for entry in ranked
    ]
    told = element(
        "p",
        "All but the times is judged anew from the transforms that an entry stores: a case counts "
        "as passed where its transform passes, and not where its report says so. Times are each "
        "entry's own, on its own machine. A click on a title sorts.",
    )
    content = [
        told,
        table("All solvers", heads, body),
        element("h2", "Cases: how many solve them, of those that were asked"),
        [_case_list(suite, entries, items) for suite in dict.fromkeys(i.suite for i in items)],
    ]
    return page(title, content, "")


def _case_list(
    suite: str, entries: Sequence[Entry], items: Sequence[Item[Case]]
) -> tuple[Markup, Markup]:
    """Return the cases of a suite, each with how many solve it of those that were asked."""
    told = []
    for item in items:
        if item.suite == suite:
            rows = [entry.case(suite, item.case) for entry in entries]
            solved = sum(row is not None and row.passed for row in rows)
            asked = sum(row is not None and row.asked for row in rows)
            address = f"case/{quote(item.case)}.html"
            told.append(element("li", link(address, item.case), f" ({solved} of {asked})"))
    return element("h3", suite), element("ul", told, class_="columns")


def solver_page(entry: Entry, title: str) -> str:
    """Return a solver's page: how it stands, and how it stood."""
    latest = entry.latest
    content: list[Child] = [
        element("p", link("../../index.html", "All solvers")),
        element("p", element("strong", f"{latest.run.word}: "), latest.run.reason),
    ]
    if latest.run.diagnosis:
        content.append(element("p", latest.run.diagnosis))
    content.append(element("p", _checked_sentence(entry)))
    if entry.broken:
        shown = [
            element("li", f"{row.row.suite} {row.row.case}: {row.trouble}")
            for row in entry.broken[:MOST_BROKEN]
        ]
        content.append(element("ul", shown))
    content.append(
        element("p", link(f"{quote(latest.name)}.html", "The whole report, with pictures"))
    )
    content.append(element("h2", "Versions"))
    heads = ("version", "started", "commit", "verdict", "items passed", "median px", "median s")
    body = [
        (
            link(f"{quote(version.name)}.html", version.name),
            (version.saved.provenance.started or NONE)[:10],
            (version.saved.provenance.commit or NONE)[:10],
            tone(version.run.word, version.run.tone),
            cell(f"{version.passed} of {len(version.saved.rows)}", version.passed),
            figure(version.median_px, formatting.px),
            figure(_median_of(version, "seconds"), formatting.seconds),
        )
        for version in reversed(entry.versions)
    ]
    content.append(table("Versions", heads, body))
    content.append(element("h2", "Cases"))
    content.append(
        table(
            "Cases",
            ("case", "outcome", "px to the truth", "ratio", "s", "judged anew"),
            [_case_row(row, "../../case/") for row in entry.cases],
        )
    )
    return page(f"{entry.name} ({title})", content, "../../")


def case_page(
    case: Case, suite: str, entries: Sequence[Entry], sheet: Sheet | None, title: str
) -> str:
    """Return a case's page: every solver's figures and picture.

    Args:
        case: of the catalogue.
        suite: its suite.
        entries: all.
        sheet: the pictures, of those whose answer was drawn; `None` where there is none.
        title: the site's.
    """
    rows = {entry.name: entry.case(suite, case.id) for entry in entries}
    heads = ("solver", "outcome", "px to the truth", "largest px", "ratio", "s", "judged anew")
    body = [
        (link(f"../solver/{quote(name)}/index.html", name), *_outcome(row))
        for name, row in rows.items()
    ]
    reports = {
        entry.name: f"../solver/{quote(entry.name)}/{quote(entry.latest.name)}.html"
        for entry in entries
    }
    pictures = [
        element(
            "li",
            element(
                "figure",
                _picture(case, sheet, number, f"difference after {name}: {_told(rows[name])}"),
                element(
                    "figcaption",
                    link(f"{reports[name]}#case={quote(case.id)}", name),
                    f": {_told(rows[name])}",
                ),
            ),
        )
        for number, name in enumerate(sheet.names if sheet else ())
        if sheet
    ]
    content: list[Child] = [
        element("p", link("../index.html", "All solvers")),
        element("p", f"{suite}, model {case.model}, intensity {case.intensity}", class_="soft"),
        element("p", f"It is there to show: {case.purpose}."),
        table("Solvers", heads, body),
    ]
    if sheet:
        content += [
            element("h2", "What is left between the images"),
            element(
                "p",
                f"moving(T(x)) - fixed(x): orange above, blue below, full colour at "
                f"{sheet.full:.2g} of the range, which is {OF_FLOOR:g} times the RMSE at the "
                "truth; grey is beyond what is measured. A name opens the case in that solver's "
                "report, with slider, flicker and arrows.",
            ),
            element("ul", pictures, class_="pictures"),
        ]
    return page(f"{case.id} ({title})", content, "../")


def _picture(case: Case, sheet: Sheet, number: int, told: str) -> Markup:
    """Return one picture of a sheet: the file through a window of the picture's size."""
    (x, y), (height, width) = place_of(number, sheet.shape), sheet.shape
    rows, across = sheet.layout
    whole = element(
        "image", href=f"{quote(case.id)}.png", width=width * across, height=height * rows
    )
    return element("svg", whole, viewBox=f"{x} {y} {width} {height}", role="img", aria_label=told)


def solved_by_all(entries: Sequence[Entry]) -> frozenset[tuple[str, str]]:
    """Return the cases that every entry passes, judged anew."""
    passed = [{_name(row) for row in entry.cases if row.passed} for entry in entries]
    return frozenset(set.intersection(*passed)) if passed else frozenset()


def gate_cell(verdicts: Verdicts) -> Markup:
    """Return what became of the hard gate."""
    status = getattr(verdicts, HardGate.name).status
    kinds = {"pass": "good", "fail": "bad", "not_evaluated": "open"}
    return tone(status.replace("_", " "), kinds[status])


def checked_cell(entry: Entry) -> Markup:
    """Say whether the entry holds."""
    if entry.broken:
        return tone(f"{len(entry.broken)} do not hold", "bad")
    held = sum(row.holds for row in entry.cases)
    return tone(f"{held} hold", "good" if held else "open")


def _checked_sentence(entry: Entry) -> str:
    held = sum(row.holds for row in entry.cases)
    told = f"{held} of {len(entry.cases)} cases were judged anew from their transforms and hold"
    if entry.broken:
        return f"{told}; {len(entry.broken)} do not:"
    rest = len(entry.cases) - held
    return f"{told}; {rest} hold no transform and do not claim to pass." if rest else f"{told}."


def _case_row(row: CheckedRow, cases: str) -> tuple[Child, ...]:
    name, *rest = (link(f"{cases}{quote(row.row.case)}.html", row.row.case), *_outcome(row))
    del rest[2]
    return (name, *rest)


def _outcome(row: CheckedRow | None) -> tuple[Child, ...]:
    if row is None:
        return (tone("not in its report", "open"), *[element("td", NONE, data_sort="")] * 4, NONE)
    said = row.row
    kinds = {"passed": "good", "failed": "bad", "error": "bad", "missing": "bad"}
    held: Child = NONE
    if row.holds:
        held = tone("holds", "good")
    elif row.trouble:
        held = tone(row.trouble, "bad")
    return (
        tone(said.status, kinds.get(said.status, "open")),
        figure(said.tre_px, formatting.px),
        figure(said.tre_max_px, formatting.px),
        figure(said.ratio, formatting.ratio),
        figure(said.seconds, formatting.seconds),
        held,
    )


def _of(entry: Entry, names: frozenset[tuple[str, str]]) -> list[CheckedRow]:
    return [row for row in entry.cases if _name(row) in names]


def _told(row: CheckedRow | None) -> str:
    if row is None or row.row.tre_px is None:
        return "no figure"
    return f"{row.row.status}, {formatting.px(row.row.tre_px)} px from the truth"


def _name(row: CheckedRow) -> tuple[str, str]:
    return row.row.suite, row.row.case


def _median(rows: Iterable[CheckedRow], field: str) -> float | None:
    there = [getattr(row.row, field) for row in rows if row.holds]
    values = [value for value in there if value is not None]
    return median(values) if values else None


def _median_of(version: Version, field: str) -> float | None:
    there = [getattr(row, field) for row in version.saved.rows if row.tre_px is not None]
    values = [value for value in there if value is not None]
    return median(values) if values else None


def _headline(verdicts: Verdicts) -> float | None:
    for verdict in verdicts:
        if verdict.headline:
            found: float | None = getattr(verdict, verdict.headline)
            return found
    return None
