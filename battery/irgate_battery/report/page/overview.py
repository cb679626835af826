"""What the page opens on: verdict, diagnosis, failures, and where several runs stand."""

from collections import Counter
from collections.abc import Iterable, Sequence

from irgate_battery.report.comparison.side_by_side import Comparison
from irgate_battery.report.own_tests import OwnTest
from irgate_battery.report.page.markup import Markup, element, joined
from irgate_battery.report.page.page_case import PageCase
from irgate_battery.report.page.saved_run import SavedRun
from irgate_battery.results import formatting
from irgate_battery.results.compared import Cell
from irgate_battery.results.result_row import BAD, ResultRow, mean_distance
from irgate_battery.results.text import Tone
from irgate_battery.results.verdict import Verdict

MOST_FAILURES = 12
"""That are told before the table, which has them all."""

MARKS: dict[str, str] = {"good": "✓", "bad": "✗", "open": "\N{EN DASH}", "plain": "", "head": ""}
"""Beside a tone's colour, for those who do not see it."""

TONES: dict[str, Tone] = {
    "passed": "good",
    "failed": "bad",
    "error": "bad",
    "missing": "bad",
    "skipped": "open",
    "xfailed": "open",
}
WORDS = {"xfailed": "fails as expected"}
"""Of statuses."""

VERDICT_TONES: dict[str, Tone] = {"pass": "good", "fail": "bad", "not_evaluated": "open"}
VERDICT_WORDS = {"pass": "holds", "fail": "fails", "not_evaluated": "not evaluated"}


def toned(text: str, tone: Tone) -> Markup:
    """Return a word with its tone's mark and colour."""
    mark = element("span", MARKS[tone] + " ", aria_hidden="true") if MARKS[tone] else None
    return element("span", mark, text, class_=f"toned {tone}")


def status_of(row: ResultRow | None) -> Markup:
    """Return a row's status; a run without the case has none."""
    if row is None:
        return toned("not in this run", "open")
    return toned(WORDS.get(row.status, row.status), TONES[row.status])


def headline(runs: Sequence[SavedRun], labels: Sequence[str]) -> Markup:
    """Return the verdict of each run, its diagnosis, and what it was measured on."""
    alone = len(runs) == 1
    cards = [
        element("article", _verdict(run, label, alone=alone), class_=f"run {run.tone}")
        for run, label in zip(runs, labels, strict=True)
    ]
    return element("div", cards, class_="runs")


def _verdict(run: SavedRun, label: str, *, alone: bool) -> Iterable[Markup]:
    word = element("p", toned(run.word, run.tone), class_="word")
    name = element("h2", run.name if alone else label, class_="who")
    yield element("div", name, word, class_="verdict")
    yield element("p", _counts(run.saved.rows), class_="counts")
    yield element("p", _sentence(run.reason), class_="reason")
    if run.diagnosis:
        title = element("strong", "Diagnosis")
        yield element("p", title, " ", _sentence(run.diagnosis), class_="diagnosis")
    facts = [
        element("div", element("dt", name), element("dd", text))
        for name, text in run.about.items()
        if text
    ]
    summary = element("summary", "When, where, on what")
    yield element("details", summary, element("dl", facts), class_="about")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _counts(rows: Sequence[ResultRow]) -> Iterable[Markup | str]:
    counts = Counter(str(row.status) for row in rows)
    yield f"{len(rows)} items: "
    told = [status for status in TONES if counts[status]]
    for place, status in enumerate(told):
        yield ", " if place else ""
        yield toned(f"{counts[status]} {WORDS.get(status, status)}", TONES[status])


def failures(cases: Sequence[PageCase], labels: Sequence[str]) -> Markup | None:
    """Return the cases that fail a run, with what is said of them; `None` where none does."""
    failed = [case for case in cases if case.fails]
    if not failed:
        return None
    shown = [element("li", _failure(case, labels)) for case in failed[:MOST_FAILURES]]
    rest = len(failed) - len(shown)
    more = element("p", f"{rest} more in the table below.", class_="soft") if rest else None
    title = element("h2", f"Failures ({len(failed)})", id="failures")
    items = element("ul", shown, class_="failures")
    return element("section", title, items, more, aria_labelledby="failures")


def _failure(case: PageCase, labels: Sequence[str]) -> Iterable[Markup]:
    link = element("a", case.case, href=f"#case={case.key}")
    yield element("div", link, " ", element("span", case.suite, class_="soft"))
    told = []
    for row, label in zip(case.rows, labels, strict=True):
        if row is not None and row.status in BAD:
            who = element("strong", f"{label}: ") if len(labels) > 1 else None
            said = row.message.removeprefix(f"{case.case}: ")
            told.append(element("p", who, said or row.status, class_="said"))
    yield element("div", told)


def verdicts(runs: Sequence[SavedRun], labels: Sequence[str]) -> Markup:
    """Return a table of the verdicts: one row each, one column a run."""
    kinds: dict[str, Verdict] = {}
    for run in runs:
        for verdict in run.verdicts:
            kinds.setdefault(verdict.name, verdict)
    heads = ["Verdict", *(labels if len(runs) > 1 else ["Says"])]
    head = element("tr", [element("th", title, scope="col") for title in heads])
    rows = [
        element(
            "tr",
            element("th", verdict.title, scope="row"),
            [element("td", _one_verdict(run, verdict.name)) for run in runs],
        )
        for verdict in kinds.values()
    ]
    table = element("table", element("thead", head), element("tbody", rows), class_="verdicts")
    scroller = element(
        "div", table, class_="scroll", tabindex="0", role="region", aria_label="Each verdict"
    )
    title = element("h2", "Verdicts", id="verdicts")
    return element("section", title, scroller, aria_labelledby="verdicts")


def _one_verdict(run: SavedRun, name: str) -> Iterable[Markup | str]:
    found = [verdict for verdict in run.verdicts if verdict.name == name]
    if not found:
        yield "-"
        return
    tone, word = VERDICT_TONES[found[0].status], VERDICT_WORDS[found[0].status]
    asked = run.saved.asked
    if found[0].misses_target(strict=asked is not None and asked.strict):
        tone, word = "open", "over its target"
    yield toned(word, tone)
    undecided = found[0].status == "not_evaluated"
    told = found[0].undecided if undecided else found[0].reason
    yield element("span", told, class_="soft said")


def own_tests(runs: Sequence[SavedRun]) -> Markup | None:
    """Return a table of what tests of the user's own measured; `None` where there are none."""
    tests = [test for run in runs for test in run.saved.own_tests]
    if not tests:
        return None
    titles = ("Solver", "Suite", "Case", "Status", "To truth, px", "RMSE ratio")
    head = element("tr", [element("th", title, scope="col") for title in titles])
    rows = [_own_test(test) for test in tests]
    table = element("table", element("thead", head), element("tbody", rows), class_="own-tests")
    scroller = element(
        "div", table, class_="scroll", tabindex="0", role="region", aria_label="Own tests"
    )
    title = element("h2", f"Own tests ({len(tests)})", id="own-tests")
    legend = "Tests of the project's own that ran beside the gate. No verdict counts them."
    foot = element("p", legend, class_="soft")
    return element("section", title, scroller, foot, aria_labelledby="own-tests")


def _own_test(test: OwnTest) -> Markup:
    row = test.row
    distance = mean_distance(row)
    figures = (
        "-" if distance is None else formatting.px(distance),
        "-" if row.ratio is None else formatting.ratio(row.ratio),
    )
    told = row.message if row.status != "passed" and row.message else None
    said = element("p", told, class_="said soft") if told else None
    return element(
        "tr",
        element("th", test.solver.spec or test.solver.name or "unknown", scope="row"),
        element("td", row.suite),
        element("td", row.case, said),
        element("td", status_of(row)),
        [element("td", figure, class_="number") for figure in figures],
    )


def side_by_side(compared: Comparison) -> Markup:
    """Return the summary of several runs: figures over whole suites, the oracle's beside them."""
    columns = compared.summary.columns
    head = element(
        "tr", element("th", "figure", scope="col"), [_head(column) for column in columns]
    )
    bodies = [
        element(
            "tbody",
            element("tr", element("th", section.title, colspan=len(columns) + 1, scope="rowgroup")),
            [
                element(
                    "tr",
                    element("th", row.title, scope="row"),
                    [
                        _cell(cell, is_best=place in row.best())
                        for place, cell in enumerate(row.cells)
                    ],
                )
                for row in section.table_rows
            ],
        )
        for section in compared.summary.sections
    ]
    table = element("table", element("thead", head), bodies, class_="summary")
    label = "Each figure of each run"
    scroller = element("div", table, class_="scroll", tabindex="0", role="region", aria_label=label)
    key = (
        "★ best of its row; in parentheses: over fewer cases than its neighbours, and not "
        "ranked; - : not there."
    )
    notes = [element("li", f"{note[:1].upper()}{note[1:]}.") for note in compared.notes]
    return element(
        "section",
        element("h2", "Side by side", id="side-by-side"),
        scroller,
        element("p", key, class_="soft"),
        element("ul", notes, class_="soft") if notes else None,
        aria_labelledby="side-by-side",
    )


def _head(title: str) -> Markup:
    return element("th", title, scope="col", class_="number")


def _cell(cell: Cell, *, is_best: bool) -> Markup:
    text: str = f"({cell.text})" if cell.partial else cell.text
    star = element("span", " ★", title="best of its row") if is_best else None
    bold = element("strong", text) if is_best else text
    return element("td", joined([bold, star]), class_=f"number {cell.tone}")
