"""A project's field names, and the way from the API's names back to them.

The rule loses information, so that the way back needs the project's names. What the rule says stands in `names.rule`.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Self

from msgspec import Struct

from run_results.errors import ConfigurationError, NameCollisionError, UnknownNameError
from run_results.names.given import by_api_name, listed, listed_by_class, listed_types
from run_results.names.rule import guess, is_api_name, sanitize
from run_results.text import quote

__all__ = ["Collision", "KnownField", "NameMap"]


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


class KnownField(Struct, frozen=True):
    """A field that documents can have, by the project's names.

    Attributes:
        api_name: Its name in the API.
        names: The project's names for it; more than one where they collide.
        type: The type that was given with the names; None where none was.
        class_name: The document class that the names were given for; None where they were given without a class.
    """

    api_name: str
    names: tuple[str, ...]
    type: str | None = None
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
        types: The type of fields by their names, such as `NUMBER`, `DATE` or `CURRENCY`. Tables take it in place of
            the type that the server says.
        types_by_class: The same for the names of each document class.

    Raises:
        ConfigurationError: Something else than names: a lone string, a number, a mapping in place of `names`; or a
            type for a name that is not given.

    >>> names = NameMap(["due date"], by_class={"Invoice": ["net-total"], "Receipt": ["net total"]})
    >>> names.project_name("due_date", "Invoice"), names.project_name("net_total", "Invoice")
    ('due date', 'net-total')
    >>> NameMap(["due date", "due-date"]).collisions
    (Collision(api_name='due_date', names=('due date', 'due-date'), class_name=None),)
    """

    __slots__ = ("_any_class", "_ascii", "_by_class", "_collisions", "_names", "_types", "_unclassed")

    def __init__(
        self,
        names: Iterable[str] = (),
        *,
        by_class: Mapping[str, Iterable[str]] | None = None,
        ascii: bool = False,
        types: Mapping[str, str] | None = None,
        types_by_class: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        unclassed = listed(names, "names")
        classed = {} if by_class is None else listed_by_class(by_class)

        self._ascii = ascii
        self._names = dict.fromkeys(chain(unclassed, *classed.values()))
        self._unclassed = by_api_name(unclassed, ascii)
        self._by_class = {key: by_api_name(own, ascii) for key, own in classed.items() if own}
        self._any_class = by_api_name(chain(*classed.values()), ascii)
        self._types = listed_types(types, types_by_class, unclassed, classed)
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
          name is kept exactly. In place of a name there may be an object with ``name`` and ``type``.
        - ``.csv``: commas between cells, and a header row with one column called ``name``, ``field_name``
          or ``field``, perhaps one called ``class`` or ``class_name`` and one called ``type`` or
          ``field_type`` (in any case), and any others. Names are kept exactly; spaces around a class or a
          type are not. A file without that header is refused: to take
          its first row for a name, or its first name for a header, would both be guesses.
        - anything else: text, one name a line. Only the line's end is taken off, since a name may begin or
          end with a space. Blank lines are skipped, and lines that start with ``#`` are comments.

        A name that holds a line's end or starts with ``#``, or that has a type, needs JSON or CSV. An empty
        class means no class, and an empty type none. Files are UTF-8 (a byte order mark is accepted) of at
        most 16 MiB. Duplicates are harmless.

        Raises:
            ConfigurationError: The file can't be read, or is not what its suffix says, or a name has two types.

        >>> NameMap.read("no/such/fields.txt")  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
        run_results.errors.ConfigurationError: cannot read 'no/such/fields.txt': No such file or directory
        """
        from run_results.names.files import entries  # here: the rule alone needs no parsers

        by_class: dict[str, list[str]] = {"": []}
        types: dict[str, dict[str, str]] = {"": {}}
        for class_name, name, kind in entries(path):
            by_class.setdefault(class_name, []).append(name)
            if kind and types.setdefault(class_name, {}).setdefault(name, kind) != kind:
                raise ConfigurationError(f"cannot read {os.fspath(path)!r}: {quote(name)} has two types")
        return cls(by_class.pop(""), by_class=by_class, ascii=ascii, types=types.pop(""), types_by_class=types)

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
                place = "" if class_name is None else f" in class {quote(class_name)}"
                raise UnknownNameError(f"no known name{place} becomes {quote(api_name)}", api_name=api_name)
            case several:
                shown = ", ".join(map(quote, several[:5])) + (", ..." if several[5:] else "")
                raise NameCollisionError(
                    f"{len(several)} names become {quote(api_name)}: {shown}",
                    api_name=api_name,
                    names=several,
                )

    def label(self, api_name: str, class_name: str | None = None) -> str:
        """The name to show people for a field; never raises.

        The project's name where it is known for sure; the name that all other classes agree on where only those have
        one, so that a field is not spelled in two ways; the API name itself where several meet in it, for to pick one
        could be wrong; the `guess` where none is known; and a text that is no API name unchanged.

        >>> names = NameMap(["driver's license", "due date", "due-date"])
        >>> names.label("driver_s_license"), names.label("due_date"), names.label("secret__id")
        ("driver's license", 'due_date', 'secret_id')
        """
        match self._find(api_name, class_name) or self._any_class.get(api_name, ()):
            case (name,):
                return name
            case () if is_api_name(api_name, ascii=self._ascii):
                return guess(api_name, ascii=self._ascii)
            case _:
                return api_name

    def has(self, api_name: str, class_name: str | None = None) -> bool:
        """Whether a name that was given becomes this API name; where none does, `label` gives a guess."""
        return bool(self._find(api_name, class_name))

    def api_name(self, project_name: str) -> str:
        """The API name of a project's name, known or not: `sanitize` in this map's alphabet.

        >>> NameMap(ascii=True).api_name("Straße")
        'Stra_e'
        """
        return sanitize(project_name, ascii=self._ascii)

    @property
    def classes(self) -> tuple[str, ...]:
        """The document classes that have names of their own, in the order given."""
        return tuple(self._by_class)

    def known_fields(self, class_name: str | None = None) -> tuple[KnownField, ...]:
        """The fields that a document of this class can have: the class's own names, then those given without a class.

        They stand in the order given. Where the class has a name for an API name, those without a class are hidden.

        >>> [field.api_name for field in NameMap(["due date"], by_class={"A": ["total"]}).known_fields("A")]
        ['total', 'due_date']
        """
        own = self._by_class.get(class_name, {}) if class_name is not None else {}
        common = {api_name: names for api_name, names in self._unclassed.items() if api_name not in own}
        return tuple(
            KnownField(api_name, names, self._type(names, class_name), place)
            for scope, place in ((own, class_name), (common, None))
            for api_name, names in scope.items()
        )

    def type(self, api_name: str, class_name: str | None = None) -> str | None:
        """The type that was given for a field; None where none was, or where its names have different ones."""
        return self._type(self._find(api_name, class_name), class_name) if self._types else None

    def _type(self, names: tuple[str, ...], class_name: str | None) -> str | None:
        own, unclassed = self._types.get(class_name, {}), self._types.get(None, {})
        found = {own.get(name) or unclassed.get(name) for name in names}
        return found.pop() if len(found) == 1 else None

    @property
    def collisions(self) -> tuple[Collision, ...]:
        """Every collision, among the names without a class and then class by class, in the order given.

        What two classes call alike is no collision: the class tells them apart. Only a lookup without a class
        then finds several names.
        """
        return self._collisions

    @property
    def digest(self) -> str:
        """A digest of the map's meaning: maps with the same names, classes and alphabet have the same one.

        It is the SHA-256, in hexadecimal, of a JSON text in ASCII without spaces: a list of `ascii`, of the sorted
        names without a class, and of an object that has each class, sorted, with its sorted names; where types were
        given, also of an object that has them by class (empty for none) and name. The order in which names were given
        plays no part, and neither does a class without names.

        >>> NameMap(["b", "a"]).digest == NameMap(["a", "b"]).digest != NameMap(["a", "b"], ascii=True).digest
        True
        """
        import hashlib  # here: it loads OpenSSL, and only exports ask
        import json

        classes = {name: _sorted(scope) for name, scope in self._by_class.items()}
        meaning: list[object] = [self._ascii, _sorted(self._unclassed), classes]
        if self._types:
            meaning.append({name or "": types for name, types in self._types.items()})
        text = json.dumps(meaning, separators=(",", ":"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

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
        return (self._ascii, self._unclassed, self._by_class, self._types) == (
            other._ascii,
            other._unclassed,
            other._by_class,
            other._types,
        )

    def __hash__(self) -> int:
        return hash((self._ascii, frozenset(self._names)))

    def __repr__(self) -> str:
        # Counts, not names: names would fill a log, and may be confidential.
        counts = f"names={len(self)}, classes={len(self._by_class)}, collisions={len(self._collisions)}"
        return f"<{type(self).__name__} {counts}>"

    def _repr_html_(self) -> str:
        from run_results.notebook import show_names  # here: only notebooks ask

        names = [(name, self.api_name(name)) for name in self]
        collisions = [(each.api_name, ", ".join(each.names[:5]), each.class_name or "") for each in self.collisions]
        return show_names(names, collisions)


def _sorted(scope: dict[str, tuple[str, ...]]) -> list[str]:
    return sorted(chain.from_iterable(scope.values()))
