"""The house keeps its cut: suites are named in one place, and limits stand in one table."""

import ast
from pathlib import Path

import irgate_battery
import irgate_fixtures
import irgate_solver
import pytest_irgate
from irgate_battery.suites.registry import REGISTRY

PACKAGES = (irgate_battery, irgate_fixtures, irgate_solver, pytest_irgate)
NAMES = {entry.name for entry in REGISTRY}

OTHER_MEANINGS = {
    # An option that is called as a suite is: --irgate-pair, --irgate-pack, --irgate-fuzz.
    ("pytest_irgate/options.py", "pair"),
    ("pytest_irgate/options.py", "fuzz"),
    ("pytest_irgate/run_options.py", "pair"),
    ("pytest_irgate/run_options.py", "fuzz"),
    ("pytest_irgate/item_runner.py", "fuzz"),
    ("pytest_irgate/command/check.py", "pair"),
    ("pytest_irgate/options.py", "pack"),
    ("pytest_irgate/run_options.py", "pack"),
    ("pytest_irgate/command/check.py", "pack"),
    ("pytest_irgate/command/listing.py", "pack"),
    ("pytest_irgate/command/show.py", "pack"),
    # A subcommand.
    ("pytest_irgate/command/pack.py", "pack"),
    # An extra of this distribution.
    ("pytest_irgate/extras.py", "fuzz"),
    # A key of the JSON report and of a digest: the battery's version.
    ("irgate_battery/cases/catalogue.py", "battery"),
    ("irgate_battery/report/report.py", "battery"),
    ("irgate_battery/report/saved_report.py", "battery"),
    ("irgate_battery/report/schema.py", "battery"),
    ("irgate_battery/report/merging.py", "battery"),
    # A function, and the id of a user's pair whose file has no usable name.
    ("irgate_fixtures/__init__.py", "pair"),
    ("irgate_battery/cases/image_file.py", "pair"),
}
"""Literals that are written as a suite's name and mean something else."""


def sources():
    """Yield each source file of the four packages: its path from the source root, its tree."""
    for package in PACKAGES:
        root = Path(package.__file__).parent
        for path in sorted(root.rglob("*.py")):
            yield path.relative_to(root.parent).as_posix(), ast.parse(path.read_text("utf-8"))


def docstrings(tree):
    """The nodes that are docstrings, of definitions and of constants."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for child in body if isinstance(body, list) else ():
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                yield child.value


def literals(tree):
    skipped = set(docstrings(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in skipped:
            yield node.value


def test_no_file_but_its_own_names_a_suite():
    own = {f"irgate_battery/suites/{name}.py": name for name in NAMES}
    found = {
        (path, literal)
        for path, tree in sources()
        if path != "irgate_battery/suites/registry.py"
        for literal in literals(tree)
        if literal in NAMES and own.get(path) != literal
    }
    assert found == OTHER_MEANINGS


DECIDE_NOTHING = {
    "irgate_battery/oracle/plausibility.py": {"STRUCTURE"},
    "irgate_battery/judge/landmark_error.py": {"PERCENTILE"},
    "irgate_battery/report/comparison/side_by_side.py": {"SAME_IMAGES", "SAME_ORACLE"},
    "irgate_battery/report/comparison/table_model.py": {"HEAD_WIDTH"},
    "irgate_battery/report/saved_report.py": {"LONGEST_NUMBER"},
    "irgate_battery/report/figure.py": {"COLUMNS", "WRAP", "DPI"},
    "irgate_battery/report/figure_panels.py": {"PITCH_PX", "ROOM", "TAIL", "LEAST_END"},
    "irgate_battery/report/last_line.py": {"_MOST_NAMED", "NOTHING_JUDGED"},
    "irgate_battery/report/alike.py": {"MOST_NAMED"},
    "irgate_battery/report/comparison/against_baseline.py": {"_MOST_NAMED"},
    "irgate_battery/report/site/pages.py": {"MOST_BROKEN"},
    "irgate_battery/report/site/pictures.py": {"ACROSS", "OF_FLOOR", "STEPS"},
    "irgate_battery/results/suite_results.py": {"MOST_NAMED"},
    "irgate_battery/report/github.py": {"MOST_FAILURES", "MOST_ANNOTATIONS", "LONGEST_SAID"},
    "irgate_battery/report/page/charts.py": {"LEAST", "MOST_COLOURS"},
    "irgate_battery/report/page/images.py": {"FIELD_STEP_PX", "FINE", "MOST_CHARACTERS", "TRIES"},
    "irgate_battery/report/page/overview.py": {"MOST_FAILURES"},
    "irgate_battery/report/page/page.py": {"LONGEST_LABEL"},
    "irgate_battery/report/provenance.py": {"WAITS_S"},
    "irgate_battery/report/report.py": {"SCHEMA"},
    "irgate_battery/results/stored_transform.py": {
        "GRID_ERROR_PX",
        "AFFINE_ERROR_PX",
        "AFFINE_DECIMALS",
        "GRID_DECIMALS",
        "LEAST_NODES",
    },
    "irgate_battery/results/row_table.py": {"_LEAST_COLUMNS"},
    "irgate_battery/judge/signed_error.py": {"LEAST_PIXELS"},
    "irgate_battery/results/systematic.py": {"LEVER_PX", "ZERO_PX"},
    "irgate_battery/results/text.py": {"_NARROWEST", "_MOST_NAMED"},
    "irgate_battery/suites/contract_checks/units.py": {"LEVELS"},
    "irgate_battery/suites/derivatives.py": {
        "SHORT_STEP",
        "STEP",
        "SMOOTH_PX",
        "BORDER_PX",
        "COLLINEAR",
        "SCALED",
    },
    "irgate_battery/suites/drawn_problems.py": {
        "SHIFT_PX",
        "TURN_DEG",
        "STRETCH",
        "PERSPECTIVE",
        "BEND_PX",
        "TRUSTED",
    },
    "irgate_battery/suites/evaluation.py": {"_MOST_SAID"},
    "irgate_battery/suites/fixed_problems.py": {"SEED", "BEND_PX", "ROUGH_TURN_DEG", "ROUGH_SIGMA"},
    "irgate_battery/suites/symmetries.py": {"FRAME"},
    "irgate_battery/suites/recovery.py": {"STOPPED_PX", "CENTRE_ROOM"},
}
"""Numbers outside the table: they set up an image, a derivative or a page, or choose between the
names of a fault. None of them decides whether something passes."""

JUDGING = ("judge/", "suites/", "results/", "report/", "oracle/plausibility.py")


def judging():
    for path, tree in sources():
        stage = path.removeprefix("irgate_battery/")
        if stage != path and stage.startswith(JUDGING) and not stage.endswith("limits.py"):
            yield path, tree


def is_number(node):
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def test_no_number_that_decides_stands_outside_the_table_of_limits():
    found = {}
    for path, tree in judging():
        for node in tree.body:
            if isinstance(node, ast.Assign) and is_number(node.value):
                found.setdefault(path, set()).update(target.id for target in node.targets)
    assert found == DECIDE_NOTHING


def test_no_comparison_holds_a_limit_of_its_own():
    """`tre_px > 0.05` in the middle of a function would be a limit that no table shows."""
    found = {
        (path, ast.unparse(node))
        for path, tree in judging()
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        for side in (node.left, *node.comparators)
        if is_number(side) and isinstance(side.value, float)
    }
    assert found == set()
