"""Field names: the service's rule, its best inverse, and a map back to the project's own names.

The service turns a project's field name into a valid Python variable name (the vendor's page of the
operation, "Get run results"). In this order:

1. every ``_`` becomes ``__``;
2. every character that may not stand in a variable name becomes ``_``;
3. a name that does not start with a letter or ``_`` gets ``_`` in front.

==================== ====================
project              API
==================== ====================
``due date``         ``due_date``
``driver's license`` ``driver_s_license``
``3rd category``     ``_3rd_category``
``secret_id``        ``secret__id``
==================== ====================

The rule loses information (``due date`` and ``due-date`` meet), so the way back needs the project's
names: that is `NameMap`. Without them there is `guess`, and ``sanitize(guess(x)) == x`` for every API name.

What the page leaves open is decided so:

- Letters and digits are those of Python identifiers, one code point at a time, by the Unicode tables of the
  running Python; ``ascii=True`` is for a service that knows only ASCII. A lone surrogate is no letter.
- Nothing is normalised. Python's parser folds identifiers to NFKC, but an API name is a string on the
  wire, compared code point by code point, and folding would merge names that the rule keeps apart.
- The empty name becomes ``_`` (step 3, taken literally). Keywords such as ``class`` are left alone.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Self, cast

from msgspec import Struct

from run_results.errors import ConfigurationError, InvalidNameError, NameCollisionError, UnknownNameError

__all__ = ["Collision", "NameMap", "guess", "is_api_name", "sanitize"]


# The rule -----------------------------------------------------------------------------------------------


class _Step2(dict[int, int]):
    """The table of step 2 for `str.translate`: filled as code points are met, and emptied when full."""

    LIMIT = 4096  # more than any project's alphabet; less than a hostile name could make us keep

    def __init__(self, *, ascii: bool) -> None:
        super().__init__()
        self._ascii = ascii

    def __missing__(self, code: int) -> int:
        # `isidentifier` and not `\w`: the regular expression also takes "²", and leaves out "·" and accents.
        stands = is_api_name("a" + chr(code), ascii=self._ascii)
        if len(self) >= self.LIMIT:
            self.clear()
        self[code] = result = code if stands else ord("_")
        return result


_UNICODE_STEP_2 = _Step2(ascii=False)
_ASCII_STEP_2 = _Step2(ascii=True)


def sanitize(name: str, *, ascii: bool = False) -> str:
    """The API name that the service makes of a project's field name.

    This is the rule in the module's docstring. The underscores of steps 2 and 3 are never doubled, so
    the function is not idempotent: ``sanitize("a b")`` is ``a_b``, ``sanitize("a_b")`` is ``a__b``.

    Args:
        name: Any string; the empty one becomes ``_``.
        ascii: Take only ASCII letters and digits for letters and digits.

    >>> sanitize("driver's license"), sanitize("3rd category"), sanitize("secret_id")
    ('driver_s_license', '_3rd_category', 'secret__id')
    >>> sanitize("Straße"), sanitize("Straße", ascii=True)
    ('Straße', 'Stra_e')
    """
    doubled = name.replace("_", "__")
    if is_api_name(doubled, ascii=ascii):  # steps 2 and 3 have nothing to do: most names, and much cheaper
        return doubled
    valid = doubled.translate(_ASCII_STEP_2 if ascii else _UNICODE_STEP_2)
    return valid if valid[:1].isidentifier() else "_" + valid


def is_api_name(name: str, *, ascii: bool = False) -> bool:
    """Whether the service could have made this name.

    It could have made every Python identifier (`guess` gives a project's name for each) and nothing else.

    >>> is_api_name("_3rd_category"), is_api_name("3rd category"), is_api_name("")
    (True, False, False)
    """
    return name.isidentifier() and (not ascii or name.isascii())


def guess(api_name: str, *, ascii: bool = False) -> str:
    """The most likely project's name behind an API name, when the project's names are not at hand.

    From left to right ``__`` was one ``_`` and a single ``_`` was a space; a leading ``_`` before a character
    that can't start a name was put there by step 3. Always ``sanitize(guess(x)) == x``; whether the project's
    name was indeed this one, nobody can tell: ``driver_s_license`` gives ``driver s license``.

    Raises:
        InvalidNameError: The service can't have made this name.

    >>> guess("_3rd_category"), guess("secret__id")
    ('3rd category', 'secret_id')
    """
    if not is_api_name(api_name, ascii=ascii):
        raise InvalidNameError(f"{_show(api_name)} is not a name that the service can give", name=api_name)
    if api_name[0] == "_" and api_name[1:] and not api_name[1].isidentifier():
        api_name = api_name[1:]
    return api_name.replace("_", " ").replace("  ", "_")  # `replace` pairs from the left


# The way back -------------------------------------------------------------------------------------------


class Collision(Struct, frozen=True):
    """Two or more of a project's names that the service gives as one.

    Attributes:
        api_name: The name they meet in.
        names: The project's names, in the order given.
        class_name: The document class whose names they are, or None for names given without a class.
    """

    api_name: str
    names: tuple[str, ...]
    class_name: str | None = None


class NameMap:
    """A project's field names, and the way from the API's names back to them.

    Names may be given under the document class that has them. They are looked up as in nested scopes: the
    class's own names first, then those given without a class. So a class's own name hides, and may settle,
    what was given without a class, and a collision is two names meeting *in one scope*: inside one class, or
    among the names without one. A lookup without a class asks the names without one first, and then all
    classes together, which must agree.

    A map never changes once built, so threads may share it; it can be pickled, compared and hashed. It is
    a collection of the project's names: each counts once, in the order given.

    Args:
        names: Names that belong to no class, or to any. A name given twice is one name.
        by_class: The names of each document class.
        ascii: The service knows only ASCII (see `sanitize`).

    Raises:
        ConfigurationError: Something else than names: a lone string, a number, a mapping in place of `names`.

    >>> names = NameMap(["due date"], by_class={"Invoice": ["net-total"], "Receipt": ["net total"]})
    >>> names.project_name("due_date", "Invoice"), names.project_name("net_total", "Invoice")
    ('due date', 'net-total')
    >>> NameMap(["due date", "due-date"]).collisions
    (Collision(api_name='due_date', names=('due date', 'due-date'), class_name=None),)
    """

    __slots__ = ("_any_class", "_ascii", "_by_class", "_collisions", "_names", "_unclassed")

    def __init__(
        self,
        names: Iterable[str] = (),
        *,
        by_class: Mapping[str, Iterable[str]] | None = None,
        ascii: bool = False,
    ) -> None:
        unclassed = _listed(names, "names")
        classed = {} if by_class is None else _listed_by_class(by_class)

        self._ascii = ascii
        self._names = dict.fromkeys(chain(unclassed, *classed.values()))
        self._unclassed = _scope(unclassed, ascii)
        self._by_class = {key: _scope(own, ascii) for key, own in classed.items() if own}
        self._any_class = _scope(chain(*classed.values()), ascii)
        self._collisions = tuple(
            Collision(api_name, meeting, class_name)
            for class_name, scope in ((None, self._unclassed), *self._by_class.items())
            for api_name, meeting in scope.items()
            if len(meeting) > 1
        )

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, ascii: bool = False) -> Self:
        """Read a project's names from a file, whose suffix says what is in it.

        - ``.json``: a list of names, or an object that gives each document class its list of names. Every
          name is kept exactly.
        - ``.csv``: commas between cells, and a header row with one column called ``name``, ``field_name``
          or ``field``, perhaps one called ``class`` or ``class_name`` (in any case), and any others. Names
          are kept exactly; spaces around a class are not. A file without that header is refused: to take
          its first row for a name, or its first name for a header, would both be guesses.
        - anything else: text, one name a line. Only the line's end is taken off, since a name may begin or
          end with a space. Blank lines are skipped, and lines that start with ``#`` are comments.

        A name that holds a line's end or starts with ``#`` needs JSON or CSV. An empty class means no class.
        Files are UTF-8 (a byte order mark is accepted) of at most 16 MiB. Duplicates are harmless.

        Raises:
            ConfigurationError: The file can't be read, or is not what its suffix says.

        >>> NameMap.read("no/such/fields.txt")  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
        run_results.errors.ConfigurationError: cannot read 'no/such/fields.txt': No such file or directory
        """
        from run_results.names_file import entries  # here: the rule alone needs no parsers

        unclassed: list[str] = []
        by_class: dict[str, list[str]] = {}
        for class_name, name in entries(path):
            (by_class.setdefault(class_name, []) if class_name else unclassed).append(name)
        return cls(unclassed, by_class=by_class, ascii=ascii)

    def project_name(self, api_name: str, class_name: str | None = None) -> str:
        """The one project's name behind an API name.

        Raises:
            UnknownNameError: No name given becomes this API name.
            NameCollisionError: Several do.

        >>> NameMap(["driver's license"]).project_name("driver_s_license")
        "driver's license"
        """
        match self._find(api_name, class_name):
            case (name,):
                return name
            case ():
                place = "" if class_name is None else f" in class {_show(class_name)}"
                raise UnknownNameError(f"no known name{place} becomes {_show(api_name)}", api_name=api_name)
            case several:
                shown = ", ".join(map(_show, several[:5])) + (", ..." if several[5:] else "")
                raise NameCollisionError(
                    f"{len(several)} names become {_show(api_name)}: {shown}",
                    api_name=api_name,
                    names=several,
                )

    def label(self, api_name: str, class_name: str | None = None) -> str:
        """What to call a field before people; never raises.

        The project's name where it is known for sure; the API name itself where several meet in it, for to
        pick one would be to lie; the `guess` where none is known; and a text that is no API name as it is.

        >>> names = NameMap(["driver's license", "due date", "due-date"])
        >>> names.label("driver_s_license"), names.label("due_date"), names.label("secret__id")
        ("driver's license", 'due_date', 'secret_id')
        """
        match self._find(api_name, class_name):
            case (name,):
                return name
            case () if is_api_name(api_name, ascii=self._ascii):
                return guess(api_name, ascii=self._ascii)
            case _:
                return api_name

    def api_name(self, project_name: str) -> str:
        """The API name of a project's name, known or not: `sanitize` in this map's alphabet.

        >>> NameMap(ascii=True).api_name("Straße")
        'Stra_e'
        """
        return sanitize(project_name, ascii=self._ascii)

    @property
    def collisions(self) -> tuple[Collision, ...]:
        """Every collision, among the names without a class and then class by class, in the order given.

        What two classes call alike is no collision: the class tells them apart. Only a lookup without a class
        then finds several names.
        """
        return self._collisions

    def _find(self, api_name: str, class_name: str | None) -> tuple[str, ...]:
        if class_name is None:
            return self._unclassed.get(api_name) or self._any_class.get(api_name, ())
        own = self._by_class.get(class_name, {})
        return own.get(api_name) or self._unclassed.get(api_name, ())

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __contains__(self, project_name: object) -> bool:
        return isinstance(project_name, str) and project_name in self._names

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NameMap):
            return NotImplemented
        return (self._ascii, self._unclassed, self._by_class) == (
            other._ascii,
            other._unclassed,
            other._by_class,
        )

    def __hash__(self) -> int:
        return hash((self._ascii, frozenset(self._names)))

    def __repr__(self) -> str:
        # Counts, not names: a log should neither drown in them nor tell what a project is about.
        counts = f"names={len(self)}, classes={len(self._by_class)}, collisions={len(self._collisions)}"
        return f"<{type(self).__name__} {counts}>"

    def _repr_html_(self) -> str:
        from run_results.notebook import show_names  # here: only notebooks ask

        return show_names(self)


def _listed(given: object, what: str) -> list[str]:
    kind = type(given).__name__
    # A lone string is an iterable of strings, and so is a mapping: both would pass for names, wrongly.
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise ConfigurationError(f"{what}: expected a list of names, not {kind}")
    names: list[str] = []
    for index, name in enumerate(cast("Iterable[object]", given)):
        if not isinstance(name, str):
            raise ConfigurationError(f"{what}[{index}] is not a string but {type(name).__name__}")
        names.append(name)
    return names


def _listed_by_class(given: object) -> dict[str, list[str]]:
    if not isinstance(given, Mapping):
        raise ConfigurationError("by_class: expected a mapping from document class to names")
    classed: dict[str, list[str]] = {}
    for class_name, names in cast("Mapping[object, object]", given).items():
        if not isinstance(class_name, str):
            raise ConfigurationError(f"by_class: a class is a string, not {type(class_name).__name__}")
        classed[class_name] = _listed(names, f"by_class[{_show(class_name)}]")
    return classed


def _scope(names: Iterable[str], ascii: bool) -> dict[str, tuple[str, ...]]:
    meeting: dict[str, dict[str, None]] = {}
    for name in names:
        meeting.setdefault(sanitize(name, ascii=ascii), {})[name] = None
    return {api_name: tuple(group) for api_name, group in meeting.items()}


def _show(text: str) -> str:
    """A text for a message: escaped, and short even where the text isn't."""
    return repr(text if len(text) <= 80 else text[:77] + "...")
