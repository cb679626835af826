"""Every hostile solver, by name."""

from attacks import answers, derivatives, leaving, left_behind, reaching, streams

OF_ARRAYS = {
    each.name: each
    for module in (answers, leaving, left_behind, reaching, streams)
    for each in module.ATTACKS
}
"""They answer a case; none is right, so each fails."""

OF_DERIVATIVES = {each.name: each for each in derivatives.ATTACKS}
"""They answer a case rightly, and fail where a derivative is asked for."""
