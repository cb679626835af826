"""A badge says pass only where a run passed, and fail wherever something failed."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from saved_runs import GOOD, row, saved

from irgate_battery.cases.own_pairs import own_pairs
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.report import badge as module
from irgate_battery.report.badge import GREEN, GREY, RED, Badge

BAD_ROW = [replace(GOOD[0], status="failed", message="m"), *GOOD[1:]]


@pytest.mark.parametrize(
    ("rows", "changes", "message", "colour"),
    [
        (GOOD, {}, "pass, 5", GREEN),
        (BAD_ROW, {}, "fail, 1 of 5", RED),
        # What an item says goes before what its run says.
        (BAD_ROW, {"exit_status": 0}, "fail, 1 of 5", RED),
        ([replace(GOOD[0], status="missing"), *GOOD[1:]], {}, "fail, 1 of 5", RED),
        (GOOD, {"exit_status": 2}, "fail", RED),
        (GOOD[:3], {}, "not evaluated", GREY),
        (GOOD[:3], {"exit_status": 5}, "not evaluated", GREY),
        ([], {}, "not evaluated", GREY),
        (
            [*GOOD, row("battery", "c", status="xfailed", message="m")],
            {},
            "pass, 5 (1 waived)",
            GREEN,
        ),
    ],
)
def test_what_it_says(rows, changes, message, colour):
    found = Badge.of(saved("mine", rows, **changes))
    assert (found.message, found.colour) == (message, colour)


def test_a_hard_gate_that_fails_without_a_failed_item_is_red():
    rows = [replace(each, rmse=0.5) for each in GOOD]
    assert Badge.of(saved("mine", rows)).colour == RED


def test_what_the_run_s_last_line_calls_not_evaluated_is_grey():
    spec = RunSpec(pairs=own_pairs(["a.png,b.png"], Path.cwd()))
    skipped = row("pair", "a", status="skipped", message="it takes no mask")
    beside = saved("mine", [*GOOD, skipped], spec)
    assert Badge.of(beside) == Badge("not evaluated", GREY)
    # Own pairs that nobody asked to run decide nothing.
    assert Badge.of(saved("mine", GOOD, spec)) == Badge("pass, 5", GREEN)
    whole = saved("mine", [*GOOD, row("pair", "a")], spec)
    assert Badge.of(whole) == Badge("pass, 6", GREEN)
    # Under --irgate-strict a mean ratio over a part of the battery is none.
    alone = saved("mine", GOOD)
    assert Badge.of(replace(alone, asked=replace(alone.asked, strict=True))).colour == GREY


def test_the_picture_is_xml_that_says_it_in_words():
    picture = Badge("pass, 5 <&>", GREEN).svg()
    root = ElementTree.fromstring(picture)
    assert root.get("aria-label") == "irgate: pass, 5 <&>"
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")


def test_texts_lie_within_their_halves():
    root = ElementTree.fromstring(Badge("pass, 136", GREEN).svg())
    tag = "{http://www.w3.org/2000/svg}"
    whole = float(root.get("width"))
    left, right = (float(each.get("width")) for each in root.iter(f"{tag}rect") if each.get("fill"))
    (clip,) = [each for each in root.iter(f"{tag}rect") if not each.get("fill")]
    assert left + right == whole == float(clip.get("width"))
    begins = 0.0
    for half, text in zip((left, right), root.iter(f"{tag}text"), strict=True):
        assert float(text.get("x")) == pytest.approx(begins + half / 2)
        # Eight pixels beside it, and about as many a letter as the type needs.
        assert float(text.get("textLength")) == half - 16
        assert 5 <= (half - 16) / len(text.text) <= 8
        begins += half


def test_the_endpoint():
    told = json.loads(Badge("fail", RED).endpoint())
    assert told == {
        "schemaVersion": 1,
        "label": "irgate",
        "message": "fail",
        "color": RED[1:],
        "isError": True,
    }


def luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("name", ["GREEN", "RED", "GREY", "DARK"])
def test_white_can_be_read_on_each_colour(name):
    """WCAG 2.1, level AA: a contrast of 4.5."""
    assert 1.05 / (luminance(getattr(module, name)) + 0.05) >= 4.5
