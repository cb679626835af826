"""A page of the docs with a part between two markers that a benchmark writes."""

from pathlib import Path

BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
"""What stands between them in the page is made by the command that the page names."""


def replace(path: Path, text: str) -> None:
    """Put `text` between the markers of the page.

    Raises:
        ValueError: the page has no such markers.

    """
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{path} has no lines {BEGIN.strip()} and {END.strip()}")
    path.write_text(f"{before}{BEGIN}\n{text}\n\n{END}{after}", encoding="utf-8")
