"""What a solver answered on the cases, kept beside the gate's own figures.

The gate measures an answer against the truth. How far a fault moves an answer from that of the
good solver that it was made of is asked here, from the same calls.
"""

import functools
import hashlib

import numpy as np

from irgate_battery.cases.catalogue import all_cases
from irgate_battery.interface.answer import AnswerError, read_answer


def recorded(solver):
    """Return the solver as it is for the gate, and the raw answers that it will have given.

    Returns: a callable with the solver's signature and attributes, and a dict from the digest of
        both images and the mask to the answer of the first call without a start value.
    """
    answers = {}

    @functools.wraps(solver, updated=())
    def register(fixed, moving, *args, **kwargs):
        key = None
        if isinstance(fixed, np.ndarray) and kwargs.get("init") is None:
            key = _key(fixed, moving, kwargs.get("mask"))
        shape = tuple(fixed.shape)
        # Asked, whatever comes of it; a case that is beyond a solver's arguments never is.
        answers.setdefault(key, None)
        answer = solver(fixed, moving, *args, **kwargs)
        if key is not None and answers[key] is None:
            answers[key] = answer, shape
        return answer

    for name in ("name", "version", "models", "reach", "differentiable"):
        if hasattr(solver, name):
            setattr(register, name, getattr(solver, name))
    return register, answers


def displacements(answers, digests=None):
    """Read the answers that are transforms.

    Args:
        answers: from `recorded`.
        digests: which of them to read; those of all cases where not given.
    Returns: `{digest: (H, W, 2) float32}`.
    """
    found = {}
    for digest in digests_of_cases() if digests is None else digests:
        if answers.get(digest) is not None:
            try:
                found[digest] = read_answer(*answers[digest]).displacement.astype(np.float32)
            except AnswerError:
                continue
    return found


def digests_of_cases():
    """Return the digest of every case, and its id."""
    return {digest_of(case): case.id for case in all_cases()}


def digest_of(case):
    """Return the digest under which a case's answer is kept."""
    pair = case.pair()
    images = pair.fixed.astype(np.float32), pair.moving.astype(np.float32)
    return _key(*images, pair.mask)


def distances_px(answers, reference, asked=None):
    """Return `{digest: px}`, the mean distance between two solvers' displacements; infinite where
    the reference has an answer and the other was asked (all, where not given) and has none."""
    return {
        digest: float(np.linalg.norm(answers[digest] - good, axis=-1).mean())
        if digest in answers
        else np.inf
        for digest, good in reference.items()
        if asked is None or digest in asked
    }


def _key(fixed, moving, mask):
    digest = hashlib.sha256()
    for image in (fixed, moving):
        digest.update(np.ascontiguousarray(image, np.float32).tobytes())
    if mask is not None:
        digest.update(np.asarray(mask, bool).tobytes())
    return digest.hexdigest()
