"""The check on the state of the process: what a solver changes for everybody else in it."""

from irgate_battery.interface.protocol import Solver
from irgate_battery.suites.contract_checks.contract_check import require_shared, shifted_call
from irgate_battery.suites.evaluation import ItemFailed


def global_state_unchanged(solver: Solver, timeout: float | None) -> None:
    """Random generators, folder, environment, umask, threads and torch's settings stay the same."""
    require_shared(solver)
    seen = solver.watched(shifted_call(solver, "state"), timeout)
    if seen.get("torch_came"):
        # Its settings could not be watched before it was there.
        seen = solver.watched(shifted_call(solver, "state"), timeout)
    if seen["changed"]:
        raise ItemFailed(
            f"solver {solver.name!r} changed global state: {', '.join(seen['changed'])}; expected "
            "all as before. Use what is your own (numpy.random.default_rng, torch.Generator, "
            "absolute paths, the dtype and device of each call), put back what you must change, "
            "and end your threads."
        )
