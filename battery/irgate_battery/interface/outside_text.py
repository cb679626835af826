"""Text from outside (a solver's name and words, other people's JSON), made fit to be shown.

It may hold what moves a terminal's cursor or turns the direction of writing, so that it could forge
a verdict; lone surrogates, which no encoding has; megabytes; or an error that raises where it is
asked what it says. Rows, identities and errors pass their texts through here as they are built, so
that whoever prints one need not think of it.
"""

import re

LONGEST = 4000
"""Characters of a text that are kept. Messages of ours have some hundreds."""

LONGEST_DETAIL = 40_000
"""The same for a traceback."""

_NUMBER = re.compile(r"[-+]?\b\d[\d.]*(?:e[-+]?\d+)?\b")


def one_line(text: str, longest: int = LONGEST) -> str:
    r"""Return a text with every space a plain one, and what is not printable as its escape, `\x1b`.

    Args:
        text: anything.
        longest: characters that are kept; a longer text loses its middle, and says so.
    """
    kept = _cut(text, longest)
    if kept.isprintable():
        return kept
    return "".join(
        character if character.isprintable() else " " if character.isspace() else _escape(character)
        for character in kept
    )


def several_lines(text: str, longest: int = LONGEST_DETAIL) -> str:
    """Return the same with its line breaks kept, for a traceback."""
    return "\n".join(one_line(line, longest) for line in _cut(text, longest).split("\n"))


def said_by(error: BaseException) -> str:
    """Return what an error says, in one line; to ask it is to run code of whoever wrote it."""
    try:
        return one_line(" ".join(str(error).split()))
    except KeyboardInterrupt:
        raise
    except BaseException as another:
        return f"(what it says could not be read: its __str__ raised {type(another).__name__})"


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    head, tail = longest * 3 // 4, longest // 4
    return f"{text[:head]} [... {len(text) - head - tail} characters ...] {text[-tail:]}"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def without_numbers(text: str) -> str:
    """Return a text with `#` for each number: what is left is the same where the words are."""
    return _NUMBER.sub("#", text)
