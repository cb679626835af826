"""The sections that only count, and how a long line is broken."""

from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.text import Line, counts, number, wrapped


def row(case="a", status="passed", **figures):
    return ResultRow(case, "battery", case, status=status, **figures)


def test_a_figure_that_does_not_exist_is_a_dash_and_zero_is_a_figure():
    assert (number(None, ".2f"), number(0.0, ".2f")) == ("-", "0.00")


def test_all_good():
    assert list(counts("battery", [row(), row("b")], 80)) == [Line("battery: 2 passed", "good")]


def test_what_is_undecided_is_not_good():
    assert list(counts("battery", [row(), row("b"), row("c", "xfailed")], 80)) == [
        Line("battery: 2 passed, 1 xfailed", "open")
    ]


def test_what_was_skipped_is_told_with_its_reason_once():
    skipped = [row(case, "skipped", message="no init") for case in "cd"]
    rows = [row(), *skipped, row("e", "skipped", message="no mask at all"), row("f", "skipped")]
    assert list(counts("battery", rows, 80)) == [
        Line("battery: 1 passed, 4 skipped", "open"),
        Line("  2 skipped: no init", "open"),
        Line("  1 skipped: no mask at all", "open"),
        Line("  1 skipped: no reason given", "open"),
    ]
    long = [row("e", "skipped", message=f"{'x' * 30} {'y' * 30}")]
    assert list(counts("battery", long, 1))[2:] == [Line(f"{'':13}{'y' * 30}", "open")]


def test_what_is_bad_is_named_with_its_figures():
    figures = {"ratio": 1.5, "tre_px": 0.25, "tolerance_px": 0.1}
    rows = [
        row("a", "failed", **figures),
        row("b"),
        row("c", "missing"),
        row("d", "failed", recovered=0, tried=10),
        row("e", "error", relative_error=0.012),
    ]
    assert list(counts("battery", rows, 80)) == [
        Line("battery: 1 error, 2 failed, 1 missing, 1 passed", "bad"),
        Line("  a: failed (ratio 1.500, 0.250 px from the truth, tolerance 0.100 px)", "bad"),
        Line("  c: missing", "bad"),
        Line("  d: failed (0 of 10 came back)", "bad"),
        Line("  e: error (relative error 1.2e-02)", "bad"),
    ]


def test_five_are_named_and_the_others_counted():
    def said(bad, *others):
        rows = [*(row(f"c{n}", "failed") for n in range(bad)), *others]
        return [line.text for line in counts("x", rows, 80)]

    five = [f"  c{n}: failed" for n in range(5)]
    assert said(5) == ["x: 5 failed", *five]
    for status in ("passed", "xfailed"):
        others = said(7, row("p", status))
        assert others == [f"x: 7 failed, 1 {status}", *five, "  ... and 2 more"]
    # Where all failed, the names would be all there are.
    assert said(7) == ["x: 7 failed"]
    skipped = row("s", "skipped", message="no init")
    assert said(7, skipped) == ["x: 7 failed, 1 skipped", "  1 skipped: no init"]


def test_a_line_is_broken_between_words_under_its_first_letter():
    assert list(wrapped("head: ", f"{'word ' * 9}end", "open", 50)) == [
        Line(f"head: {'word ' * 8}word"[:50].rstrip(), "open"),
        Line("      end", "open"),
    ]


def test_a_text_gets_forty_characters_however_narrow_the_terminal_is():
    text = f"{'x' * 19} {'y' * 20} {'z' * 3}"
    assert [line.text for line in wrapped("", text, "plain", 1)] == [text[:40], "zzz"]
    assert next(line.text for line in wrapped("", f"x{text}", "plain", 1)) == "x" * 20
    # What is one word stays one.
    assert [line.text for line in wrapped("", "x" * 60, "plain", 1)] == ["x" * 60]
    assert [line.text for line in wrapped("", text, "plain", 39)] == [text[:40], "zzz"]
    assert [line.text for line in wrapped("", text, "plain", 44)] == [text]
