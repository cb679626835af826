"""Does an answer stand where a wrong objective is least?

The minima of the usual wrong objectives (`objectives`) are stored in the package, beside the
oracle's results and under the same digests, so that naming one costs a comparison. A case without a
stored one gets none.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

import irgate_fixtures
from irgate_battery.cases.catalogue import Case
from irgate_battery.diagnosis.answer_on_grid import STRIDE
from irgate_battery.diagnosis.found import Explanation
from irgate_battery.diagnosis.objectives import WRONG_OBJECTIVES, minimum
from irgate_battery.diagnosis.peaks import wrong_peaks
from irgate_battery.oracle.store import digest
from irgate_fixtures import Pair, Transform

Field = NDArray[np.float64]

FILE = ("stored", "wrong_optima.json")
"""The stored minima, inside this package."""

FORMAT = 1
"""Of that file."""

DIGITS = 10
"""Decimal places that are kept: 1e-10 of a matrix is 1e-7 px at most."""

LEAST_EFFECT_PX = 0.01
"""A wrong objective that moves the minimum by less than this says nothing: good solvers differ by
as much, by their interpolation."""

SHARE = 0.15
"""An answer stands at a minimum where it is nearer to it than this part of its distance to the
right one."""

PEAK_PX = 0.03
"""The same for a shift that is read off a peak, px: two ways to refine it differ by as much."""

LEAST_PEAK_PX = 0.1
"""Least distance of such a shift from the truth, px."""

TIE_FACTOR = 1.5
TIE_PX = 2e-3
"""Two minima are a tie where the answer's distances to them differ by less."""


@dataclass(frozen=True)
class _Place:
    """Where an answer may stand.

    Attributes:
        fault, words: its name, and what makes it wrong.
        apart_px: mean distance of the answer.
        effect_px: its distance from where the answer should be.
        near_px: the distance under which the answer stands there.

    """

    fault: str
    words: str
    apart_px: float
    effect_px: float
    near_px: float


def stands_at(case: Case, pair: Pair, answer: Field, right: Field) -> Explanation | None:
    """Name the wrong objective whose minimum an answer stands at, or `None`.

    Args:
        case, pair: what was asked.
        answer: the answer, `(H, W, 2)`, px.
        right: where the right objective is least, in the same form: the oracle's answer.
    """
    fields = _Fields(answer, right)
    places = [*_stored_places(case, pair, fields), *_peak_places(pair, fields)]
    near = [place for place in places if place.apart_px <= place.near_px]
    if not near:
        return None
    best = min(near, key=lambda place: place.apart_px)
    alike = [place for place in near if place.apart_px <= TIE_FACTOR * best.apart_px + TIE_PX]
    names = tuple(dict.fromkeys(place.fault for place in alike))
    doubt = f" (this pair cannot tell it from: {', '.join(names[1:])})" if names[1:] else ""
    first = alike[0]
    before = fields.length(fields.answer - fields.right)
    return Explanation(
        first.fault,
        f"your answer stands {first.apart_px:.2g} px from where it should if {first.words}; the "
        f"right place is {before:.2g} px away{doubt}",
        before,
        first.apart_px,
        names,
    )


class _Fields:
    """Displacements on every fifth pixel, px."""

    def __init__(self, answer: Field, right: Field) -> None:
        self.answer = answer[::STRIDE, ::STRIDE]
        self.right = right[::STRIDE, ::STRIDE]

    def length(self, vectors: Field) -> float:
        """Return the mean length."""
        return float(np.linalg.norm(vectors, axis=-1).mean())


def _stored_places(case: Case, pair: Pair, fields: _Fields) -> Iterator[_Place]:
    entry = stored_entries().get(digest(case), {})
    known = {objective.key: objective for objective in WRONG_OBJECTIVES}
    for key, data in entry.get("minima", {}).items():
        if data is None or key not in known:
            continue
        there = irgate_fixtures.from_json(data).displacement(pair.shape)[::STRIDE, ::STRIDE]
        effect = fields.length(there - fields.right)
        off = fields.length(fields.answer - fields.right)
        if effect >= LEAST_EFFECT_PX:
            apart = fields.length(there - fields.answer)
            yield _Place(known[key].fault, known[key].words, apart, effect, SHARE * off)


def _peak_places(pair: Pair, fields: _Fields) -> Iterator[_Place]:
    if pair.model != "translation":
        return
    true = (pair.truth.displacement(pair.shape))[::STRIDE, ::STRIDE]
    for peak in wrong_peaks(pair.fixed, pair.moving):
        effect = fields.length(peak.shift - true)
        if effect >= LEAST_PEAK_PX:
            apart = fields.length(peak.shift - fields.answer)
            near = min(PEAK_PX, SHARE * effect)
            yield _Place(peak.fault, peak.words, apart, effect, near)


@cache
def stored_entries() -> dict[str, Any]:
    """Return the package's entries by digest; none if there is no such file, or no readable one."""
    try:
        text = resources.files("irgate_battery").joinpath(*FILE).read_text(encoding="ascii")
        data = json.loads(text)
        return dict(data["entries"]) if data["format"] == FORMAT else {}
    except (OSError, KeyError, TypeError, ValueError):
        # A diagnosis that is missing spoils no verdict; a test holds the file.
        return {}


def entry_of(case: Case, pair: Pair, kept: dict[str, Any] | None = None) -> dict[str, Any]:
    """Compute the minima of a case; `None` for those that a descent from the truth does not find.

    Args:
        case, pair: which.
        kept: an entry whose minima need not be computed again.
    Returns: a JSON-able entry of the file.
    """
    masked = pair.mask is not None or pair.moving_mask is not None
    minima: dict[str, Any] = {}
    for objective in WRONG_OBJECTIVES:
        if kept is not None and objective.key in kept["minima"]:
            minima[objective.key] = kept["minima"][objective.key]
        elif objective.asks(masked, case.intensity):
            found = minimum(pair, case.intensity, objective)
            minima[objective.key] = None if found is None else _rounded(found)
    return {"case": case.id, "minima": minima}


def _rounded(transform: Transform) -> Any:
    """Return the JSON form of a transform with as many digits as are of use."""

    def shorter(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shorter(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [shorter(inner) for inner in value]
        return round(value, DIGITS) if isinstance(value, float) else value

    return shorter(irgate_fixtures.to_json(transform))
