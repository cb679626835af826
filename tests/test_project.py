"""What a newcomer meets: the wheel, the sdist, and the two commands of the README."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

PACKAGES = {"pytest_irgate", "irgate_fixtures", "irgate_battery", "irgate_solver"}


def build_wheel(root, folder, environment=None):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, root],
        check=True,
        capture_output=True,
        env=environment,
    )
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def wheel_path(request, tmp_path_factory):
    return build_wheel(request.config.rootpath, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def wheel(wheel_path):
    return zipfile.ZipFile(wheel_path).namelist()


def test_the_wheel_has_four_packages_and_nothing_else(wheel):
    top = {name.partition("/")[0] for name in wheel}
    (metadata,) = [name for name in top if name.endswith(".dist-info")]
    assert top - {metadata} == PACKAGES


def test_the_wheel_has_what_the_packages_need(wheel):
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel)
    assert "irgate_battery/suites/base.py" in wheel
    assert any(name.startswith("irgate_battery/") and name.endswith(".json") for name in wheel)
    assert any(name.endswith("licenses/LICENSE") for name in wheel)


def compiled(names):
    return sorted(name for name in names if name.endswith(".so"))


@pytest.mark.skipif(
    os.name != "posix" or not any(map(shutil.which, ("cc", "gcc", "clang"))),
    reason="there is no C compiler",
)
def test_the_wheel_holds_the_solvers_kernel_and_says_where_it_runs(wheel, wheel_path):
    assert "irgate_solver/libirgate_look.so" in compiled(wheel)
    assert all(name.startswith("irgate_solver/libirgate_look") for name in compiled(wheel))
    tag = wheel_path.stem.split("-", 2)[2]
    assert tag.startswith("py3-none-")
    assert tag != "py3-none-any"


def test_without_a_compiler_the_wheel_is_pure(request, tmp_path):
    nothing = tmp_path / "empty"
    nothing.mkdir()
    environment = {**os.environ, "PATH": str(nothing), "CC": ""}
    path = build_wheel(request.config.rootpath, tmp_path, environment)
    assert path.name.endswith("-py3-none-any.whl")
    assert compiled(zipfile.ZipFile(path).namelist()) == []


@pytest.fixture(scope="module")
def unpacked_sdist(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sdist")
    subprocess.run(
        [sys.executable, "-m", "build", "--sdist", "--outdir", folder, request.config.rootpath],
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.tar.gz")
    # Python 3.11.2, Debian's, has no filters; later releases want one.
    safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(path) as archive:
        archive.extractall(folder, **safely)
    return path.with_name(path.name.removesuffix(".tar.gz"))


def test_the_sdist_has_what_its_own_tests_read(unpacked_sdist):
    """It once left `.ci` out, and its own tests failed from it."""
    require_that_ci_runs_the_readmes_test_command(unpacked_sdist)
    files = "tests/support/items.py docs/diagnosis.md benchmarks/run.py tox.ini hatch_build.py"
    for name in files.split():
        assert (unpacked_sdist / name).is_file()


def test_ci_runs_the_readmes_test_command(request):
    require_that_ci_runs_the_readmes_test_command(request.config.rootpath)


def require_that_ci_runs_the_readmes_test_command(root):
    commands = re.findall(
        r"^    (python -m pip .*)$", (root / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(commands) == 2
    assert commands[1] in (root / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_readme_is_short_enough_to_be_read(request):
    words = (request.config.rootpath / "README.md").read_text(encoding="utf-8").split()
    assert len(words) < 500
