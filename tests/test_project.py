"""What a newcomer meets: the wheel, the sdist, and the two commands of the README."""

import re
import subprocess
import sys
import tarfile
import zipfile

import pytest

PACKAGES = {"pytest_irgate", "irgate_fixtures", "irgate_battery", "irgate_solver"}


@pytest.fixture(scope="module")
def wheel(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, request.config.rootpath],
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path).namelist()


def test_the_wheel_has_four_packages_and_nothing_else(wheel):
    top = {name.partition("/")[0] for name in wheel}
    (metadata,) = [name for name in top if name.endswith(".dist-info")]
    assert top - {metadata} == PACKAGES


def test_the_wheel_has_what_the_packages_need(wheel):
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel)
    assert "irgate_battery/suites/base.py" in wheel
    assert any(name.startswith("irgate_battery/") and name.endswith(".json") for name in wheel)
    assert any(name.endswith("licenses/LICENSE") for name in wheel)


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
    for name in ("tests/support/items.py", "docs/diagnosis.md", "benchmarks/run.py", "tox.ini"):
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
