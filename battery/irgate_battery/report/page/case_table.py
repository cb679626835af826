"""The table of all cases: a row each, made here, so that it reads without a script."""

from collections.abc import Iterable, Sequence

from irgate_battery.report.page.markup import Markup, element
from irgate_battery.report.page.overview import WORDS, status_of
from irgate_battery.report.page.page_case import PageCase
from irgate_battery.results import formatting
from irgate_battery.results.result_row import ResultRow, mean_distance

NONE = "-"
"""What has no fixture and no fault, in the lists to choose from."""


def case_table(cases: Sequence[PageCase], labels: Sequence[str]) -> Markup:
    """Return the table, with the controls that its script takes."""
    several = len(labels) > 1
    titles = ["Case", "Suite", "Fixture", "Model"]
    numbers = [] if several else ["To truth, px", "Tolerance, px", "RMSE ratio", "Time ratio"]
    runs = [*labels] if several else ["Status"]
    head = element(
        "tr",
        [_head(title) for title in titles],
        [_head(label) for label in runs],
        [_head(title, class_="number") for title in numbers],
        None if several else _head("Fault"),
    )
    rows = [_row(case, several=several) for case in cases]
    table = element("table", element("thead", head), element("tbody", rows), id="case-table")
    scroller = element(
        "div", table, class_="scroll", tabindex="0", role="region", aria_label="All cases"
    )
    legend = (
        "To truth: mean distance between the answer and the true transform. RMSE ratio and time "
        "ratio: the solver's over SimpleITK's."
    )
    if several:
        legend = "Under each solver: its status, and its mean distance to the truth in px."
    return element(
        "section",
        element("h2", f"All cases ({len(cases)})", id="cases"),
        _filters(cases),
        scroller,
        element("p", legend, class_="soft"),
        aria_labelledby="cases",
    )


def _head(title: str, **attributes: str) -> Markup:
    return element("th", title, scope="col", **attributes)


def _filters(cases: Sequence[PageCase]) -> Markup:
    """Return what narrows the table; it is hidden until there is a script."""
    statuses = dict.fromkeys(row.status for case in cases for row in case.there)
    choices = (
        ("Suite", "suite", [(case.suite, case.suite) for case in cases]),
        ("Fixture", "fixture", [(case.fixture or NONE, case.fixture or NONE) for case in cases]),
        ("Status", "status", [(status, WORDS.get(status, status)) for status in statuses]),
        ("Fault", "fault", [(fault, fault) for case in cases for fault in _faults(case)]),
    )
    search = element(
        "label",
        "Search",
        element("input", type="search", name="text", autocomplete="off", id="search"),
    )
    lists = [
        element(
            "label",
            title,
            element(
                "select",
                element("option", "all", value=""),
                [element("option", said, value=value) for value, said in dict(told).items()],
                name=name,
            ),
        )
        for title, name, told in choices
    ]
    clear = element("button", "Clear", type="button", id="clear")
    shown = element("p", "", id="shown", role="status", class_="soft")
    return element("form", search, lists, clear, shown, id="filters", hidden=True)


def _faults(case: PageCase) -> Iterable[str]:
    for row in case.there:
        if row.status != "passed":
            yield row.diagnosis or NONE


def _row(case: PageCase, *, several: bool) -> Markup:
    said = [
        element("p", row.message.removeprefix(f"{case.case}: "), class_="said soft")
        for row in case.there
        if row.status != "passed" and row.message
    ]
    link = element("a", case.case, href=f"#case={case.key}")
    cells = [
        element("th", link, None if several else said, scope="row", data_sort=case.case),
        element("td", case.suite),
        element("td", case.fixture or NONE),
        element("td", case.model or NONE),
    ]
    if several:
        cells += [_of_run(row) for row in case.rows]
    else:
        cells += _alone(case.there[0])
    return element(
        "tr",
        cells,
        data_case=case.key,
        data_suite=case.suite,
        data_fixture=case.fixture or NONE,
        data_status=" ".join(dict.fromkeys(row.status for row in case.there)),
        data_fault="\n".join(dict.fromkeys(_faults(case))),
    )


def _alone(row: ResultRow) -> Iterable[Markup]:
    times = row.seconds / row.oracle_seconds if row.seconds and row.oracle_seconds else None
    yield element("td", status_of(row), data_sort=row.status)
    yield _number(mean_distance(row), formatting.px)
    yield _number(row.tolerance_px, formatting.px)
    yield _number(row.ratio, formatting.ratio)
    yield _number(times, formatting.seconds)
    yield element("td", (row.diagnosis or NONE) if row.status != "passed" else "")


def _of_run(row: ResultRow | None) -> Markup:
    distance = None if row is None else mean_distance(row)
    text = "" if distance is None else f" {formatting.px(distance)}"
    sort = None if distance is None else repr(distance)
    return element("td", status_of(row), text, data_sort=sort or "")


def _number(value: float | None, form: object) -> Markup:
    assert callable(form)
    text = NONE if value is None else form(value)
    return element("td", text, class_="number", data_sort="" if value is None else repr(value))
