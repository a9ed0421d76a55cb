"""What to write instead of a name that there is not."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggest(given: str, known: Iterable[object]) -> str:
    """The names that there are, those that look like the given one first.

    >>> suggest("File", ["id", "files", "status"])
    "did you mean 'files'? There can be: files, id, status"
    """
    names = sorted(map(str, known))
    folded = {name.casefold(): name for name in reversed(names)}
    near = [folded[name] for name in get_close_matches(given.casefold(), list(folded), n=3, cutoff=0.6)]
    ordered = [*near, *(name for name in names if name not in near)]
    guess = f"did you mean {near[0]!r}? " if near else ""
    return f"{guess}There can be: {', '.join(ordered)}" if ordered else "nothing is allowed here"
