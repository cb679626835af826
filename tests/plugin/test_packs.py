"""`--irgate-pack` and `irgate pack`: a verdict of its own, the hard gate untouched, named packs."""

import json
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest
from own_pack import KINDS, answers, edited, write_pack

from irgate_battery.cases.pack_values import PackError
from pytest_irgate import packs
from pytest_irgate.command import main
from pytest_irgate.user_cache import pack_folder


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """The pack, never changed."""
    return write_pack(tmp_path_factory.mktemp("own"))


@pytest.fixture
def run(gate, pytester, own):
    """Run the pack suite alone, on a solver that is off by so many px."""

    def judged(*args, off=0.0, **more):
        spec = answers(own, pytester.path, off)
        given = ("--irgate-pack", str(own.folder), "--irgate-solver", spec)
        return gate(*given, *args, solver="", **{"suites": "pack", **more})

    return judged


COUNT = len(KINDS) - 1
"""All but the homography, which a solver that declares nothing is not asked for."""


def test_a_pack_has_a_section_and_a_verdict_beside_the_gate(run, pytester):
    result = run("--irgate-json", "r.json")
    result.assert_outcomes(passed=COUNT, skipped=1)
    assert result.ret == 0
    told = f"not evaluated ({COUNT} of {len(KINDS)} ran)"
    result.stdout.fnmatch_lines(
        ["pack case*", "own-text * passed", "licence: CC0-1.0 *", f"packs * - * {told}"]
    )
    result.stdout.no_fnmatch_line("irgate: *PASS*")
    report = json.loads((pytester.path / "r.json").read_text("utf-8"))
    assert report["verdicts"]["packs"]["status"] == "not_evaluated"
    assert report["verdicts"]["hard_gate"]["status"] == "not_evaluated"


def test_half_a_pixel_off_fails_the_run(run):
    result = run(off=0.5)
    result.assert_outcomes(failed=COUNT, skipped=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"packs *FAIL 0 of {len(KINDS)} within their tolerance*"])


def test_workers_give_the_same_report(run, report_of):
    run("--irgate-json", "a.json", "-n", "0")
    run("--irgate-json", "b.json", "-n", "2")
    assert report_of("a.json") == report_of("b.json")


def test_a_pack_of_ini_counts_from_it_and_stands_back_behind_named_suites(gate, pytester, own):
    write_pack(pytester.path / "mine")
    pytester.makeini("[pytest]\nirgate_pack = mine\n")
    asked = ("--collect-only", "-q", "-p", "no:cacheprovider")
    result = gate(*asked, suites="contract,pack", solver="knowing")
    assert sum("pack.py::" in line for line in result.outlines) == len(KINDS)
    result = gate(*asked, suites="contract", solver="knowing")
    assert not any("pack.py::" in line for line in result.outlines)


def test_no_pack_no_suite(gate):
    result = gate("--collect-only", "-q", suites="pack")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*no pack is named; add --irgate-pack teeth/*"])


def test_a_mistake_ends_the_run_in_one_line(gate, pytester):
    pack = write_pack(pytester.path / "mine")
    edited(pack.folder, "tolerance = 0.1", "tolerence = 0.1")
    result = gate("--irgate-pack", "mine", suites="pack")
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: --irgate-pack {pack.file}: case 'text': 'tolerence'*"])
    result.stderr.no_fnmatch_line("*Traceback*")


# --- the command --------------------------------------------------------------------------------


def test_a_new_pack_runs_at_once_and_is_never_written_over(tmp_path, capsys):
    folder = tmp_path / "teeth"
    assert main(["pack", "new", str(folder)]) == 0
    assert f"irgate pack check {folder}" in capsys.readouterr().out
    assert main(["pack", "check", str(folder)]) == 0
    assert "1 of 1 cases without a doubt" in capsys.readouterr().out
    before = (folder / "pack.toml").read_bytes()
    assert main(["pack", "new", str(folder)]) == 4
    assert "is there already; expected another folder" in capsys.readouterr().err
    assert (folder / "pack.toml").read_bytes() == before


def test_check_doubts_a_truth_and_says_what_cannot_be_read(tmp_path, capsys):
    pack = write_pack(tmp_path / "own")
    edited(pack.folder, '"two-rows.txt"', "[[1, 0, -3.2], [0, 1, 1.4]]")
    (pack.folder / "itk-fixed.npy").write_bytes(b"none")
    assert main(["pack", "check", str(pack.folder)]) == 1
    out = capsys.readouterr().out
    assert "  two-rows: translation, doubted\n      truth: the images match worse under it" in out
    assert "than under its inverse: it maps moving to fixed points" in out
    assert "  itk: rigid, doubted\n      fixed image" in out
    assert f"{len(KINDS) - 2} of {len(KINDS)} cases without a doubt" in out


def test_list_and_show_know_a_pack(own, tmp_path, capsys):
    given = ["--pack", str(own.folder)]
    assert main(["list", "--suite", "pack", *given]) == 0
    assert "own-points-mm" in capsys.readouterr().out
    for case in ("own-itk", "own-points"):
        picture = tmp_path / f"{case}.png"
        assert main(["show", case, *given, "-o", str(picture)]) == 0
        assert picture.stat().st_size > 0
    assert main(["show", "own-itc", *given]) == 4
    assert "they have own-itk" in capsys.readouterr().err


# --- packs with a name --------------------------------------------------------------------------


def test_a_folder_comes_before_a_name_and_a_wrong_name_lists_the_known(tmp_path):
    (tmp_path / "skimage").mkdir()
    assert packs.folder_of("skimage", tmp_path) == tmp_path / "skimage"
    with pytest.raises(PackError, match=r"nothing: no folder and no pack .* skimage, landmarks"):
        packs.folder_of("nothing", tmp_path)
    with pytest.raises(PackError, match="it is empty"):
        packs.folder_of(" ", tmp_path)


def test_an_entry_point_gives_a_folder_or_one_line(monkeypatch, tmp_path):
    def installed(value):
        point = EntryPoint("teeth", value, packs.ENTRY_POINTS)
        monkeypatch.setattr(packs, "installed_packs", lambda: {"teeth": point})

    installed("pathlib:Path.cwd")
    monkeypatch.chdir(tmp_path)
    assert packs.folder_of("teeth", tmp_path) == tmp_path
    installed("no_such_module:folder")
    with pytest.raises(PackError, match=r"teeth: no_such_module:folder, .* gives no folder"):
        packs.folder_of("teeth", tmp_path)


def test_a_pack_without_its_library_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("pytest_irgate.extras.is_installed", lambda library: False)
    with pytest.raises(PackError, match=r"not installed; python -m pip install .*\[packs\]"):
        packs.folder_of("skimage", tmp_path)


def test_a_pack_is_written_anew(tmp_path):
    def write(folder):
        (folder / "a.txt").write_text("new", "utf-8")

    (tmp_path / "teeth").mkdir()
    (tmp_path / "teeth" / "a.txt").write_text("damaged", "utf-8")
    assert pack_folder("teeth", write, tmp_path) == tmp_path / "teeth"
    assert (tmp_path / "teeth" / "a.txt").read_text("utf-8") == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["teeth"]


@pytest.mark.parametrize("name", packs.PACKS)
def test_the_packs_of_this_distribution_hold_and_state_their_licences(name, tmp_path):
    pytest.importorskip("skimage")
    # Warnings of scikit-image are its own.
    code = (
        "import sys, pathlib; from pytest_irgate.packs import {0}; {0}.write(pathlib.Path({1!r}))"
    )
    subprocess.run([sys.executable, "-c", code.format(name, str(tmp_path))], check=True)
    text = (tmp_path / "pack.toml").read_text("utf-8")
    assert main(["pack", "check", str(tmp_path)]) == 0
    assert "licence" in text
