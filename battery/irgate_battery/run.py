"""The gate without pytest: a solver in, a report out."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from irgate_battery.cases.own_pairs import own_pairs
from irgate_battery.cases.packs import read_packs
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.interface.launch import launched, process_of
from irgate_battery.interface.program import FORMATS
from irgate_battery.interface.protocol import DEFAULT_TIMEOUT, Solver
from irgate_battery.interface.transform_file import CONVENTIONS
from irgate_battery.oracle.store import Cache, Mode, OracleStore
from irgate_battery.report.conclusion import conclude
from irgate_battery.report.provenance import Provenance
from irgate_battery.report.report import Report
from irgate_battery.results.solver_identity import SolverIdentity
from irgate_battery.suites.evaluation import ItemResult
from irgate_battery.suites.registry import REGISTRY, default_names, expected_items, suites_of
from irgate_battery.suites.suite import EvaluationSetup


def check_solver(
    solver: object,
    *,
    suites: Sequence[str] | None = None,
    oracle: Mode = "auto",
    timeout: float | None = DEFAULT_TIMEOUT,
    run_spec: RunSpec | None = None,
    strict: bool = False,
    require_verdict: bool = False,
    pairs: Sequence[str] = (),
    packs: Sequence[str | Path] = (),
    cache: Cache | None = None,
    file_format: str = FORMATS[0],
    convention: str = CONVENTIONS[0],
    on_row: Callable[[ItemResult], None] | None = None,
) -> Report:
    """Judge a solver on every item of these suites, without pytest.

    Args:
        solver: a callable that fits the protocol, `def register(fixed, moving): return matrix`,
            which is called in this process; or a SPEC, `"mine.py:register"`, whose solver lives in
            a process of its own.
        suites: names of suites (`irgate list` has them); all that need nothing given, if not given;
            `"pair"` for the own pairs alone.
        oracle: `"auto"`, `"stored"` or `"live"`.
        timeout: seconds for one call of the solver; `None` for no limit.
        run_spec: seed and number of the battery's cases; the default ones if not given.
        strict: whether the verdicts that are strict only decide the exit status too.
        require_verdict: whether it is a failure that a verdict is not evaluated.
        pairs: your own images, each `"fixed.png,moving.png[,mask.png][,model][,same|varying]"`
            (see `irgate_battery.cases.own_pairs`); they are judged after the suites.
        packs: folders of cases with a truth (`irgate_battery.cases.packs`), judged after those.
        cache: where mode `"auto"` keeps what SimpleITK computes; nowhere if not given.
        file_format, convention: of the images and answers of a program, a SPEC `cmd:...`
            (docs/other-languages.md).
        on_row: called with each item's result as soon as it is there.
    Returns: the report; `print` shows it, `.passed` says it, `.to_json()` keeps it.
    Raises: NotASolver; ValueError for an unknown suite or oracle mode; PairError, a ValueError, for
        a pair or a pack that cannot be read.
    """
    spec = RunSpec() if run_spec is None else run_spec
    if pairs:
        spec = replace(spec, pairs=own_pairs(pairs, Path.cwd()))
    if packs:
        spec = replace(spec, packs=read_packs([Path(folder) for folder in packs]))
    named = default_names() if suites is None else tuple(suites)
    possible = [entry.name for entry in REGISTRY if entry.in_command]
    known = [suite.name for suite in suites_of(spec) if suite.entry.in_command]
    unknown = [name for name in named if name not in known]
    if unknown or not named:
        needs = [entry for entry in REGISTRY if entry.name in unknown and entry.name in possible]
        hint = "".join(f" ({entry.name} needs {entry.given_by}s=[...])" for entry in needs)
        raise ValueError(f"check_solver: suites {list(named)}; expected some of {known}{hint}")
    # To give a pair is to ask for it.
    chosen = [suite for suite in suites_of(spec) if suite.name in named or suite.is_asked_for(spec)]
    if oracle == "stored" and any(pair.truth is None for pair in spec.pairs):
        raise ValueError("check_solver: oracle 'stored', but no result is stored for own pairs")
    # A file that cannot be read is reported now, before minutes of work.
    for pair in spec.pairs:
        pair.read()
    for case in (case for pack in spec.packs for case in pack.cases):
        case.read()
    provenance = Provenance.of(Path.cwd())
    process = None
    if isinstance(solver, str):
        process = process_of(solver, Path.cwd(), file_format=file_format, convention=convention)
    try:
        judged = launched(process) if process else Solver.of(solver)
        setup = EvaluationSetup(OracleStore(oracle, cache), timeout, spec)
        rows = []
        for suite in chosen:
            for item in expected_items(spec, [suite.name]):
                result = suite.evaluate(item, judged, setup)
                rows.append(result.row)
                if on_row is not None:
                    on_row(result)
    finally:
        if process:
            process.close()
    identity = SolverIdentity(
        spec=solver if isinstance(solver, str) else None,
        name=judged.name,
        version=judged.version,
        isolation=judged.caller.isolation,
    )
    return conclude(
        rows,
        identity,
        spec,
        suites=[suite.name for suite in chosen],
        provenance=provenance,
        strict=strict,
        require_verdict=require_verdict,
    )
