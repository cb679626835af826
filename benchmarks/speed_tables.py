"""The tables of what `speed.py` measured, and into the documentation with them.

    python benchmarks/speed_tables.py benchmarks/results/speed.json [docs/solver.md]

With a page, replaces what stands there between `<!-- speed: PART -->` and `<!-- end -->`, for each
part; without one, prints all tables.
"""

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TARGETS = (0.05, 0.005)
"""Mean distances to the truth, px, to which the least time is told."""
BLOCK = re.compile(r"<!-- speed: ([a-z ]+) -->\n.*?<!-- end -->", re.DOTALL)


def table(part: str, found: Mapping[str, Any]) -> str:
    """Return one part as Markdown, with the load of the machine."""
    figures = found["parts"][part]
    made = _reached(figures) if part == "reach" else _plain(figures)
    before, after = figures["load"]
    rounds = "" if part == "memory" else f", {found['rounds']} rounds"
    said = f"{found['kernel']}{rounds}, load of the machine {before:g} before and {after:g} after"
    return f"{made}\n\n({said}.)"


def _plain(figures: Mapping[str, Any]) -> str:
    """Return times, with distances in brackets where there are some; or memory."""
    values = figures.get("ms") or figures["MiB"]
    digits = 2 if "ms" in figures else 0
    columns = list(dict.fromkeys(column for row in values.values() for column in row))
    rows = []
    for row, cells in values.items():
        shown = [f"{cells[c]:.{digits}f}" if c in cells else "" for c in columns]
        away = figures.get("px", {}).get(row, {})
        shown = [
            f"{cell} ({away[column]:.4f})" if column in away else cell
            for column, cell in zip(columns, shown, strict=True)
        ]
        rows.append([row, *shown])
    return _markdown(["", *columns], rows)


def _reached(figures: Mapping[str, Any]) -> str:
    """Return, for each peer, the least time of a setting that comes near enough, ms."""
    pairs = {name: each for name, each in figures.items() if name != "load"}
    columns = list(dict.fromkeys(peer for each in pairs.values() for peer in each["ms"]))
    rows = []
    for name, each in pairs.items():
        for target in TARGETS:
            cells = []
            for peer in columns:
                away, times = each["px"].get(peer, {}), each["ms"].get(peer, {})
                near = [times[setting] for setting in away if away[setting] <= target]
                cells.append(f"{min(near):.2f}" if near else "-")
            rows.append([name, f"{target:g} px", *cells])
    return _markdown(["", "to", *columns], rows)


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(line) + " |" for line in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def written(page: str, found: Mapping[str, Any]) -> str:
    """Return a page with its tables replaced by what was found."""

    def block(old: re.Match[str]) -> str:
        part = old.group(1)
        return f"<!-- speed: {part} -->\n{table(part, found)}\n<!-- end -->"

    return BLOCK.sub(block, page)


def main() -> None:
    """Print the tables, or write them into a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("found", type=Path, help="what speed.py wrote")
    parser.add_argument("page", type=Path, nargs="?")
    options = parser.parse_args()
    found = json.loads(options.found.read_text(encoding="utf-8"))
    if options.page is None:
        for part in found["parts"]:
            print(f"{part}\n\n{table(part, found)}\n")
        return
    text = options.page.read_text(encoding="utf-8")
    options.page.write_text(written(text, found), encoding="utf-8")


if __name__ == "__main__":
    main()
