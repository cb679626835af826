"""What the documentation's site has beyond its pages: README, gallery, a report, sources.

MkDocs calls these functions while it builds (`tox -e docs`). All that is made here comes from the
package: the gallery is `irgate show` of every case, the report is that of a solver with a fault.
"""

import contextlib
import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from irgate_battery.cases.catalogue import all_cases
from pytest_irgate.command import main as irgate

ROOT = Path(__file__).resolve().parent.parent

PAGES = {
    "index.md": "README.md",
    "architecture.md": "ARCHITECTURE.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
"""Pages that stand at the root of the repository."""

BROKEN = "off_centre"
"""A solver of the tests that turns about the wrong centre by half a pixel."""

CLICK_THROUGH = """\
# A report to click through

That of a solver with one fault: its parameters are right, and it composes them about N / 2 in place
of (N - 1) / 2, half a pixel away. Its pictures look right.

[Open the report](broken-solver-report.html)

{last}
"""

FOLDERS = "(?:tests|battery|solver|fixtures|pytest_irgate)"

SOURCE = re.compile(rf"\]\((?:\.\./)({FOLDERS}/[^)#]+)\)")
"""A link out of the pages, to a file of the repository."""


def on_files(files: Files, config: Any) -> Files:
    """Add what is made."""
    for name, path in PAGES.items():
        text = _moved((ROOT / path).read_text(encoding="utf-8"))
        files.append(File.generated(config, name, content=text))
    for page in (ROOT / "docs").glob("*.md"):
        for linked in SOURCE.findall(page.read_text(encoding="utf-8")):
            if files.get_file_from_path(f"source/{linked}.txt") is None:
                content = (ROOT / linked).read_bytes()
                files.append(File.generated(config, f"source/{linked}.txt", content=content))
    with tempfile.TemporaryDirectory() as folder:
        _add_gallery(files, config, Path(folder))
        _add_report(files, config, Path(folder))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Lead links to sources to the copies that the site has."""
    return SOURCE.sub(r"](source/\1.txt)", markdown)


def _moved(text: str) -> str:
    """Return a page of the root with its links as they are from among the pages."""
    text = re.sub(r"\]\(docs/([^)]+)\)", r"](\1)", text)
    for name, path in PAGES.items():
        text = text.replace(f"]({path})", f"]({name})")
    return re.sub(
        r"\]\(((?:tests|battery|solver|fixtures|pytest_irgate)/[^)]*)\)", r"](../\1)", text
    )


def _add_gallery(files: Files, config: Any, folder: Path) -> None:
    lines = ["# All cases", "", "Each as `irgate show CASE` draws it, at its true transform.", ""]
    for case in all_cases():
        drawn = folder / f"{case.id}.png"
        with contextlib.redirect_stdout(io.StringIO()):
            status = irgate(["show", case.id, "--output", str(drawn)])
        if status:
            raise RuntimeError(f"{case.id} was not drawn")
        name = f"gallery/{case.id}.png"
        files.append(File.generated(config, name, content=drawn.read_bytes()))
        lines += [f"## {case.id}", "", f"{case.purpose}.", "", f"![{case.id}]({name})", ""]
    files.append(File.generated(config, "gallery.md", content="\n".join(lines)))


def _add_report(files: Files, config: Any, folder: Path) -> None:
    page = folder / "report.html"
    spec = f"{ROOT / 'tests' / 'solvers' / BROKEN}.py:register"
    command = [sys.executable, "-m", "pytest_irgate", "check", spec, "--quiet", "--html", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not page.exists():
        raise RuntimeError(f"no report was written: {done.stderr}")
    files.append(File.generated(config, "broken-solver-report.html", content=page.read_bytes()))
    last = "\n>\n".join(f"> {line}" for line in done.stdout.strip().splitlines())
    text = CLICK_THROUGH.format(last=last)
    files.append(File.generated(config, "broken-solver.md", content=text))
