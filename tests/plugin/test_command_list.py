"""`irgate list`: every item once, with what it is for; every named solver, installed or not."""

import sys

import pytest
from items import SUITES, cases_of

from irgate_battery.cases.run_spec import RunSpec
from pytest_irgate.adapters import ADAPTERS
from pytest_irgate.command import listing, main


@pytest.fixture
def printed(capsys, monkeypatch):
    def run(*arguments, columns=160):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert main(["list", *arguments]) == 0
        return capsys.readouterr().out

    return run


def test_every_item_stands_there_with_its_purpose(printed):
    out = printed()
    for suite in SUITES:
        names = cases_of(RunSpec(), suite)
        section = out[out.index(f"{suite} ({len(names)}): ") :].split("\n\n")[0].splitlines()[1:]
        told = {line.split()[0]: line.split("  ")[-1].strip() for line in section}
        assert list(told) == list(names)
        assert all(len(purpose) > 20 for purpose in told.values())
    assert "fuzz (" in out
    (one,) = [line for line in out.splitlines() if "lena_affine_2d-bias30" in line]
    assert one.split()[1:3] == ["affine", "varying"]


def test_drawn_cases_have_a_purpose_too(printed):
    out = printed("--suite", "battery", "--cases", "60")
    drawn = [line for line in out.splitlines() if "-draw" in line]
    assert len(drawn) == 10
    assert all(line.rstrip() != line.split("  ")[0] and ":" in line for line in drawn)
    assert printed("--suite", "battery", "--cases", "60", "--seed", "1") != out


@pytest.mark.parametrize("columns", [80, 160])
def test_it_fits(printed, columns):
    for arguments in ([], ["--solvers"]):
        lines = printed(*arguments, columns=columns).splitlines()
        # A command to copy is not broken, whatever its length.
        assert max(len(line) for line in lines if "pip install" not in line) < columns
        assert all(line.isascii() for line in lines)


def test_only_the_suites_that_were_asked_for(printed):
    out = printed("--suite", "gradient,base")
    assert out.startswith("base (5)")
    assert "\n\ngradient (5)" in out
    assert "contract (" not in out


def test_solvers_are_listed_and_nothing_of_theirs_is_imported(printed, monkeypatch):
    before = set(sys.modules)
    out = printed("--solvers", columns=400)
    assert not {name for name in set(sys.modules) - before if "adapters." in name}
    for name, adapter in ADAPTERS.items():
        (line,) = [line for line in out.splitlines() if line.split()[:1] == [name]]
        assert adapter.about in line
        assert "installed" in line
    assert "bundled" in out
    assert "installed (torch " in out


def test_a_library_that_is_missing_is_said_with_how_to_get_it(printed, monkeypatch):
    monkeypatch.setattr(listing, "_libraries", lambda module: {"no_such_library": None})
    out = printed("--solvers", columns=400)
    assert 'not installed (python -m pip install "pytest-irgate[opencv]")' in out
    assert 'not installed (python -m pip install "pytest-irgate[bundled]")' in out


def test_of_the_distributions_of_a_module_the_extras_own_is_told(monkeypatch):
    parts = {"itk": ["itk-core", "itk-elastix", "itk-io"], "cv2": ["opencv-python"]}
    monkeypatch.setattr(listing.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(listing, "packages_distributions", lambda: parts)
    monkeypatch.setattr(listing, "version", lambda name: f"of {name}")
    monkeypatch.setattr(listing, "_libraries", lambda module: {"itk": None})
    assert listing._installed(ADAPTERS["itk-elastix"]) == "installed (itk-elastix of itk-elastix)"
    # Another build of the library than the extra's serves as well.
    monkeypatch.setattr(listing, "_libraries", lambda module: {"cv2": None})
    assert (
        listing._installed(ADAPTERS["opencv-ecc"]) == "installed (opencv-python of opencv-python)"
    )


def test_what_an_adapter_imports_is_read_from_its_text():
    assert set(listing._libraries("pytest_irgate.adapters.bundled")) == {"torch"}
    assert set(listing._libraries("pytest_irgate.adapters.opencv")) == {"cv2"}


def test_an_unknown_suite_is_one_line(capsys):
    with pytest.raises(SystemExit) as end:
        main(["list", "--suite", "nope"])
    assert end.value.code == 4
    assert capsys.readouterr().err.startswith(
        "irgate list: argument --suite: nope: no suite 'nope'"
    )
