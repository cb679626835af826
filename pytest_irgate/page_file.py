"""The page that a run writes: built from its report, and never at the cost of anything else."""

from pathlib import Path
from typing import TYPE_CHECKING

from irgate_battery.interface.outside_text import said_by
from pytest_irgate.output_file import OutputFileError, write_page

if TYPE_CHECKING:
    from irgate_battery.report.report import Report


def page_trouble(
    report: "Report", where: Path, json: Path | None, name: Path | None = None
) -> str | None:
    """Write the page of a report; return what kept it from being written, or `None`.

    Args:
        report: of the run.
        where: the page's path.
        json: where the report itself was written, which the page names; `None` for nowhere.
        name: what messages call the page, its path if not given.
    """
    from irgate_battery.report.page.page import page_of
    from irgate_battery.report.page.saved_run import SavedRun

    try:
        run = SavedRun.read(report.to_json(), "" if json is None else str(json))
        write_page(where, page_of([run]), name)
    except OutputFileError as error:
        return str(error)
    except KeyboardInterrupt:
        return f"{name or where}: interrupted before it was written"
    except Exception as error:
        # Whatever it is, the verdict is there and is told.
        told = f"{type(error).__name__}: {said_by(error)}"
        return f"{name or where}: it could not be made: {told}"
    return None
