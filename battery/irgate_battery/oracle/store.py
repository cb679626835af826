"""Where oracle results come from: stored in the package, cached by the user's machine, or live.

A result is found by a digest of the case's recipe, the oracle's recipe and its version, and is
believed only if its own checksum fits and the images are still those it was computed on. What is
not believed is computed anew and said so; nothing that a file holds is ever fatal.
"""

import hashlib
import json
import math
import sys
import warnings
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal, Protocol, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from irgate_battery import oracle
from irgate_battery.judge.measure import ImagePair
from irgate_battery.oracle import OracleResult, OracleUnavailable

__all__ = [
    "Mode",
    "OracleQuery",
    "OracleStore",
    "OracleStoreWarning",
    "OracleUnavailable",
    "Origin",
]

Mode: TypeAlias = Literal["auto", "stored", "live"]
Origin: TypeAlias = Literal["stored", "cached", "live"]

STORED: Origin = "stored"
"""The origin of a result that everybody with this package has."""

FILE = ("stored", "oracle.json")
"""The stored results, inside this package."""

FORMAT = 1
"""Of that file."""

BLOCKS = 4
"""The fingerprint holds means over 4x4 blocks of each image and of its square."""

FINGERPRINT_TOLERANCE = 1e-9
"""Of a block's mean. Another CPU's cosine or spline moves it by 1e-16; a shift of the scene by
1e-6 px, or a pixel changed by 1e-6, by more than this."""


class OracleStoreWarning(UserWarning):
    """A stored or cached oracle result was not usable, or a fresh one could not be kept."""


class NotBelievedError(ValueError):
    """An entry is damaged, or belongs to something else."""


class Cache(Protocol):
    """What `OracleStore` asks of a cache; pytest's `config.cache` has it."""

    def get(self, key: str, default: Any) -> Any:
        """Return what was set for `key`, or `default`."""

    def set(self, key: str, value: Any) -> None:
        """Keep a JSON-able value."""


class OracleQuery(Protocol):
    """What the oracle is asked about: a case of the catalogue, or a user's own pair."""

    @property
    def id(self) -> str:
        """Its name."""

    @property
    def model(self) -> str:
        """The family that the answer is wanted in."""

    @property
    def intensity(self) -> str:
        """`"same"` or `"varying"`."""

    def digest(self) -> str:
        """Return a sha256 over all that decides the images, model and intensity."""

    def pair(self) -> ImagePair:
        """Return the images."""


class OracleStore:
    """The oracle's result on a case, from the nearest place that has it.

    Args:
        mode: `"auto"` takes the stored result, else the cached one, else computes and caches it;
            `"stored"` computes nothing; `"live"` always computes, and reads and writes nothing.
        cache: where `"auto"` keeps what it computes; `None` for nowhere.

    """

    def __init__(self, mode: Mode, cache: Cache | None = None) -> None:
        if mode not in get_args(Mode):
            raise ValueError(f"oracle mode {mode!r}; expected one of {list(get_args(Mode))}")
        self._mode = mode
        self._cache = cache

    def get(self, case: OracleQuery, pair: ImagePair | None = None) -> tuple[OracleResult, Origin]:
        """Return the oracle's result on a case, and where it came from.

        Args:
            case: what is registered.
            pair: its images, if the caller has made them already.
        Raises: OracleUnavailable where mode is `"stored"` and no stored result can be believed,
            or where SimpleITK itself fails; one line that names the case.

        """
        pair = case.pair() if pair is None else pair
        if self._mode == "live":
            return _compute(case, pair), "live"
        key = digest(case)
        try:
            return believe(stored_entries()[key], case, pair), STORED
        except KeyError:
            reason = "no result is stored"
        except NotBelievedError as error:
            reason = f"the stored result is not used: {error}"
            if self._mode == "auto":
                _warn(f"{case.id}: {reason}")
        if self._mode == "stored":
            raise OracleUnavailable(
                f"{case.id}: {reason} (digest {key[:12]}); let it be computed (oracle mode auto or "
                "live), or store it: python -m irgate_battery.oracle rewrite"
            )
        return self._cached_or_computed(key, case, pair)

    def _cached_or_computed(
        self, key: str, case: OracleQuery, pair: ImagePair
    ) -> tuple[OracleResult, Origin]:
        name = f"irgate/oracle/{key}"
        if self._cache is None:
            return _compute(case, pair), "live"
        try:
            entry = self._cache.get(name, None)
            if entry is not None:
                return believe(entry, case, pair), "cached"
        except Exception as error:
            # Whatever a cache of unknown make raises on a damaged file, it holds no result.
            _warn(f"{case.id}: the cached oracle result is not used: {_told(error)}")
        result = _compute(case, pair)
        try:
            self._cache.set(name, entry_of(case, pair, result))
        except Exception as error:
            _warn(f"{case.id}: the oracle result could not be cached: {_told(error)}")
        return result, "live"


def digest(case: OracleQuery) -> str:
    """Return the key of a result: sha256 over the case's digest and the oracle's recipe."""
    return _sha256(
        {"case": case.digest(), "oracle": oracle.ORACLE_VERSION, "recipe": dict(oracle.RECIPE)}
    )


def entry_of(case: OracleQuery, pair: ImagePair, result: OracleResult) -> dict[str, Any]:
    """Return a result as a JSON-able entry that `believe` can check."""
    entry = {
        "case": case.id,
        "digest": digest(case),
        "fingerprint": fingerprint(pair),
        "result": result.to_json(),
    }
    return {**entry, "checksum": _sha256(entry)}


def believe(entry: Any, case: OracleQuery, pair: ImagePair) -> OracleResult:
    """Return the result in an entry.

    Raises: NotBelievedError, saying why, if it is damaged, of another case or recipe, or computed
        on other images.

    """
    if not isinstance(entry, dict):
        raise NotBelievedError(f"a {type(entry).__name__} where an entry should be")
    content = {key: value for key, value in entry.items() if key != "checksum"}
    try:
        intact = _sha256(content) == entry.get("checksum")
    except (TypeError, ValueError) as error:
        raise NotBelievedError(f"it is damaged ({error})") from error
    if not intact:
        raise NotBelievedError("its checksum does not fit, so it is damaged or was edited")
    if content.get("digest") != digest(case):
        raise NotBelievedError("it belongs to another case or recipe")
    try:
        was = np.array(content["fingerprint"], dtype=np.float64)
        result = OracleResult.from_json(content["result"])
    except (KeyError, TypeError, ValueError) as error:
        raise NotBelievedError(f"it is malformed ({error})") from error
    now = np.array(fingerprint(pair))
    if was.shape != now.shape or not np.allclose(was, now, rtol=0, atol=FINGERPRINT_TOLERANCE):
        raise NotBelievedError(
            "it was computed on other images than this recipe makes now (their fingerprints "
            "differ); whoever changed the images must change the fixture's version"
        )
    return result


def fingerprint(pair: ImagePair) -> list[float]:
    """Return coarse figures of the images and the masks that any machine reproduces.

    The sizes, and over 4x4 blocks of fixed, moving, mask and moving mask (where there is one) the
    means of values and of squares.
    """
    figures: list[float] = []
    mask = np.ones(pair.fixed.shape) if pair.mask is None else pair.mask.astype(np.float64)
    images = [pair.fixed, pair.moving, mask]
    if pair.moving_mask is not None:
        images.append(pair.moving_mask.astype(np.float64))
    for image in images:
        figures += [float(size) for size in image.shape]
        figures += _block_means(image) + _block_means(image**2)
    return figures


def _block_means(image: NDArray[np.float64]) -> list[float]:
    return [
        float(block.mean())
        for rows in np.array_split(image, BLOCKS, axis=0)
        for block in np.array_split(rows, BLOCKS, axis=1)
    ]


def stored_distance_px(case: OracleQuery) -> float | None:
    """Return how far from the truth the oracle stood when it was stored, mean, px; or `None`.

    It is no part of the entry: one that was altered, checksum and all, does not fit it any more.
    """
    distance = _stored().get("distances_px", {}).get(digest(case))
    return distance if isinstance(distance, float) and math.isfinite(distance) else None


def stored_entries() -> Mapping[str, Any]:
    """Return the package's entries by digest; none, with a warning, if the file is unusable."""
    entries: Mapping[str, Any] = _stored().get("entries", {})
    return entries


@cache
def _stored() -> Mapping[str, Mapping[str, Any]]:
    try:
        text = resources.files("irgate_battery").joinpath(*FILE).read_text(encoding="ascii")
        data = json.loads(text)
        parts = {name: data[name] for name in ("entries", "distances_px")}
        if data["format"] != FORMAT or not all(isinstance(part, dict) for part in parts.values()):
            raise ValueError(f"not a file of format {FORMAT}")
        return parts
    except (OSError, KeyError, TypeError, ValueError) as error:
        _warn(f"the stored oracle results cannot be read: {_told(error)}")
        return {}


def _compute(case: OracleQuery, pair: ImagePair) -> OracleResult:
    try:
        return oracle.solve(
            pair.fixed, pair.moving, case.model, case.intensity, pair.mask, pair.moving_mask
        )
    except OracleUnavailable as error:
        raise OracleUnavailable(f"{case.id}: {error}") from error


def _sha256(value: Any) -> str:
    """Return the sha256 of a JSON-able value; floats count with every bit."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _told(error: Exception) -> str:
    """Return an error in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _warn(message: str) -> None:
    """Warn, also where warnings are errors: then on stderr, since nothing here may be fatal."""
    try:
        warnings.warn(f"irgate: {message}", OracleStoreWarning, stacklevel=3)
    except OracleStoreWarning as warning:
        print(f"warning: {warning}", file=sys.stderr)
