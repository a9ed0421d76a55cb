"""The rule for field names, as the spec writes it (`x-field-name-rule`): steps on an alphabet."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Self

from attrs import field, frozen

from run_results_conformance.server.terms import SpecError


@frozen
class Alphabet:
    """Which characters a name may have: `start` tests the first character, `continue_` every later one."""

    start: Callable[[str], bool]
    continue_: Callable[[str], bool]


ALPHABETS: Mapping[str, Alphabet] = MappingProxyType(
    {
        # str.isidentifier uses the Unicode tables of the running Python, as the users of the names do.
        "python-identifier": Alphabet(str.isidentifier, lambda character: f"_{character}".isidentifier()),
        "ascii-identifier": Alphabet(
            lambda character: character.isascii() and character.isidentifier(),
            lambda character: character.isascii() and f"_{character}".isidentifier(),
        ),
    }
)
"""The alphabets that a rule can name."""


class _Outside(dict[int, str | None]):
    """A table for `str.translate` that replaces every character outside a set. Entries are made when needed."""

    def __init__(self, inside: Callable[[str], bool], replacement: str) -> None:
        super().__init__()
        self._inside = inside
        self._replacement = replacement

    def __missing__(self, code_point: int) -> str:
        character = chr(code_point)
        self[code_point] = found = character if self._inside(character) else self._replacement
        return found


@frozen
class FieldNameRule:
    """The rule that turns a project's field name into an API field name, with the steps of the spec.

    Call it with a name: `rule("driver's license") == "driver_s_license"`. Every string has an API name. Different
    strings can have the same one, such as `due date` and `due-date`.
    """

    document: Mapping[str, Any] = field(repr=False)
    alphabet: str
    _steps: tuple[Callable[[str], str], ...] = field(repr=False)

    @classmethod
    def from_spec(cls, document: Mapping[str, Any], *, alphabet: str | None = None) -> Self:
        """Compiles an `x-field-name-rule`. `alphabet` replaces the one that the rule names.

        Raises SpecError for an unknown alphabet or an unknown step.
        """
        name = alphabet or str(document.get("alphabet"))
        if name not in ALPHABETS:
            raise SpecError(f"x-field-name-rule: no alphabet is called {name!r}")
        steps = tuple(_compile_step(step, ALPHABETS[name]) for step in document.get("steps", ()))
        return cls(document, name, steps)

    def with_alphabet(self, alphabet: str) -> Self:
        """The same steps with another alphabet, such as `ascii-identifier` for an ASCII-only service."""
        return self.from_spec(self.document, alphabet=alphabet)

    def __call__(self, name: str) -> str:
        """The API name of a project's field name."""
        for step in self._steps:
            name = step(name)
        return name


def _compile_step(step: Mapping[str, Any], alphabet: Alphabet) -> Callable[[str], str]:
    classes = {"start": alphabet.start, "continue": alphabet.continue_}
    match dict(step):
        case {"replace": str(old), "with": str(new), **rest} if old and not rest:
            return lambda name: name.replace(old, new)
        case {"replace-characters-outside": str(kind), "with": str(new), **rest} if kind in classes and not rest:
            table = _Outside(classes[kind], new)
            return lambda name: name.translate(table)
        case {"unless-first-character-in": str(kind), "prepend": str(prefix), **rest} if kind in classes and not rest:
            inside = classes[kind]
            return lambda name: name if name and inside(name[0]) else prefix + name
        case _:
            raise SpecError(f"x-field-name-rule: the step {dict(step)!r} is not known")
