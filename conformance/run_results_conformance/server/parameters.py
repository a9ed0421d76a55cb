"""The parameters of an operation: reading the texts of a request as their schemas say; and the words of paging."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

from attrs import field, frozen

from run_results_conformance.server.terms import BadParameter, SpecError


@frozen
class Parameter:
    """One parameter of the operation.

    `place` is `path`, `query` or `header`. `examples` are the example values that the spec gives, by name.
    """

    name: str
    place: str
    required: bool
    schema: Mapping[str, Any] = field(repr=False)
    examples: Mapping[str, Any] = field(repr=False)

    @property
    def is_list(self) -> bool:
        """Whether the parameter may be given several times, once for each value of a list."""
        return self.schema.get("type") == "array"

    def read(self, values: Sequence[str]) -> Any:
        """The parameter's value, read from all texts that the request has for it.

        Without a text it is the default, or None if the spec has no default. A boolean is exactly `true` or `false`. An
        integer is a decimal number in ASCII digits, without plus sign or leading zeros. A list has one text for each of
        its values. Raises BadParameter if a parameter that is no list is given twice, if it is required and missing, or
        if it does not fit its schema.
        """
        if len(values) > 1 and not self.is_list:
            raise BadParameter(f"{self.name} must be given once")
        if values:
            return [self._parse(text) for text in values] if self.is_list else self._parse(values[0])
        if self.required:
            raise BadParameter(f"{self.name} is required")
        return self.schema.get("default")

    @cached_property
    def _parse(self) -> Callable[[str], Any]:
        parsers = {"boolean": _boolean_parser, "integer": _integer_parser, "string": _string_parser}
        schema = self.schema.get("items", {}) if self.is_list else self.schema
        kind = schema.get("type")
        if kind not in parsers:
            raise SpecError(f"parameter {self.name}: cannot read values of type {kind!r}")
        return parsers[kind](self.name, schema)


def _boolean_parser(name: str, _schema: Mapping[str, Any]) -> Callable[[str], bool]:
    words = {"true": True, "false": False}

    def parse(text: str) -> bool:
        if text not in words:
            raise BadParameter(f"{name} must be true or false")
        return words[text]

    return parse


def _integer_parser(name: str, schema: Mapping[str, Any]) -> Callable[[str], int]:
    minimum, maximum = schema.get("minimum"), schema.get("maximum")
    span = f" from {minimum} to {maximum}" if minimum is not None and maximum is not None else ""
    refusal = f"{name} must be an integer{span}"
    # Every 64-bit integer has at most 20 characters; to convert longer texts would only cost time.
    canonical = re.compile("0|-?[1-9][0-9]{0,18}")

    def parse(text: str) -> int:
        if canonical.fullmatch(text) is None:
            raise BadParameter(refusal)
        value = int(text)
        if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
            raise BadParameter(refusal)
        return value

    return parse


def _string_parser(name: str, schema: Mapping[str, Any]) -> Callable[[str], str]:
    if "enum" in schema and not schema.get("x-extensible-enum"):
        return _choice_parser(name, schema["enum"])
    shortest = int(schema.get("minLength", 0))
    # In a spec `$` matches only at the end; in Python it also matches before a final newline.
    pattern = re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", schema.get("pattern", "")))

    def parse(text: str) -> str:
        if len(text) < shortest or pattern.search(text) is None:
            raise BadParameter(f"{name} has a form that is not accepted")
        return text

    return parse


def _choice_parser(name: str, choices: Sequence[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise BadParameter(f"{name} must be {' or '.join(choices)}")
        return text

    return parse


@frozen
class Pagination:
    """The names in the spec's `x-pagination`: the offset parameter, and the properties for items and has-more."""

    offset: str
    items: str
    _more: str | None

    @classmethod
    def from_spec(cls, words: Mapping[str, Any]) -> Self:
        """Reads an `x-pagination`. Raises SpecError if it lacks a name."""
        if "more" not in words and words.get("end") != "empty":
            raise SpecError("x-pagination does not say 'more', and not that the end is an empty page")
        try:
            return cls(words["offset"], words["items"], words.get("more"))
        except KeyError as error:
            raise SpecError(f"x-pagination does not say {error}") from None

    @property
    def more(self) -> str:
        """The property that says whether more pages come. Raises SpecError where only an empty page is the end."""
        if self._more is None:
            raise SpecError("x-pagination does not say 'more': the first page without items is the end")
        return self._more

    @property
    def ends_empty(self) -> bool:
        """Whether no page says if more come, so that the first page without items is the end."""
        return self._more is None
