"""What docs/found.md says of released libraries: the gate still shows it, with these figures.

Where one of these fails after an update, the release has mended it: the page says until when.
"""

import re
import warnings
from pathlib import Path

import pytest
from items import evaluate

from pytest_irgate.spec import resolve

HERE = Path(__file__).parent

FOUND = (
    ("cv2", "opencv.py:ecc", "conditions", "clean-affine", "0.0115 px from the truth"),
    ("cv2", "opencv.py:ecc_border_hidden", "conditions", "clean-affine", "0.0476 px from the"),
    ("cv2", "opencv.py:multi_scale", "conditions", "moving_mask", "ignores the moving_mask"),
    ("cv2", "opencv.py:in_floats", "contract", "units", "uint8 from 0 to 250 (0.0387 px)"),
    ("cv2", "opencv.py:phase_correlate", "contract", "input_unchanged", "20480 of 20480 pixels"),
    ("cv2", "opencv.py:phase_correlate", "base", "synth_translate_2d", "0.257 px from the truth"),
    (
        "cv2",
        "opencv.py:phase_correlate_iterative",
        "conditions",
        "large500-translation",
        "297 px from the truth",
    ),
    (
        "cv2",
        "opencv.py:phase_correlate_iterative",
        "conditions",
        "both_odd-translation",
        "1.03 px from the truth",
    ),
    (
        "skimage",
        "scikit_image.py:phase",
        "base",
        "synth_translate_2d",
        "4.13 px from the truth on average",
    ),
    ("skimage", "skimage-flow", "contract", "units", "float32 from -1 to 1 (0.018 px)"),
    ("itk", "elastix.py:translation", "contract", "units", "float32 in Fortran's order"),
    ("ants", "antspy.py:seeded", "contract", "repeatable", "a different answer on each call"),
)
"""Module, SPEC, suite, item, and words of the message that the page quotes."""


@pytest.fixture(scope="module")
def page(request):
    return (request.config.rootpath / "docs" / "found.md").read_text(encoding="utf-8")


def solver(module, spec):
    pytest.importorskip(module, exc_type=ModuleNotFoundError)
    with warnings.catch_warnings():
        # What a library warns of while it loads is its own affair.
        warnings.simplefilter("ignore")
        return resolve(spec, HERE)


@pytest.mark.parametrize(
    ("module", "spec", "suite", "case", "words"),
    FOUND,
    ids=[f"{spec.replace('.py:', '-')}-{case}" for _, spec, _, case, _ in FOUND],
)
def test_the_gate_shows_it(module, spec, suite, case, words, page):
    assert words in page
    assert spec in page
    row = evaluate(suite, case, solver(module, spec)).row
    assert row.status == "failed"
    assert words in row.message


def test_the_blur_and_nothing_else_makes_ecc_fail():
    row = evaluate("conditions", "clean-affine", solver("cv2", "opencv.py:ecc_not_blurred")).row
    assert row.status == "passed"
    assert row.tre_px < 0.004


def test_every_solver_of_the_page_is_there(page):
    for name, attribute in re.findall(r"tests/found/(\w+)\.py:(\w+)", page):
        assert re.search(rf"^def {attribute}\(", (HERE / f"{name}.py").read_text("utf-8"), re.M)


def test_each_entry_says_version_command_and_output(page):
    entries = page.split("\n### ")[1:]
    assert len(entries) >= 10
    for entry in entries:
        title = entry.partition("\n")[0]
        assert re.search(r"\d+\.\d+", title), title
        assert "    pytest --irgate" in entry, title
        assert entry.count("\n    ") >= 2, title
