"""The values of options as numbers: read in one place, with one wording of what was expected."""

import threading

LARGEST = 2**63 - 1
"""Of whole numbers: what a report's readers in other languages can hold."""


ECHOED = 60
"""Characters of a wrong value that a message repeats."""


class BadValueError(ValueError):
    """A text is no such number; the message says what was expected."""


def whole_number(text: str, least: int = 0, most: int = LARGEST) -> int:
    """Read a whole number.

    Raises: BadValueError where it is none, or is smaller than `least` or larger than `most`.
    """
    is_number = text.isascii() and text.isdigit()
    # Python refuses to read some thousands of digits.
    digits = text.lstrip("0") or "0"
    if is_number and (len(digits) > len(str(most)) or int(digits) > most):
        raise BadValueError(f"expected a whole number of at most {most}")
    if not is_number or int(digits) < least:
        raise BadValueError(f"expected a whole number of {least} or more")
    return int(digits)


def seconds(text: str) -> float | None:
    """Read a number of seconds; 0 is no limit, `None`.

    Raises: BadValueError where it is none, negative, or longer than a thread can wait.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= threading.TIMEOUT_MAX:
        raise BadValueError(
            f"expected seconds, a number from 0 (no limit) to {threading.TIMEOUT_MAX:.0f}"
        )
    return value or None
