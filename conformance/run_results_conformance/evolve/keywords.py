"""Keywords of one JSON type compared: bounds, listed values, patterns, formats."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from .change import CannotJudge, Heading
from .document import Document
from .schema import Alternative, canonical
from .sides import BREAKS, CAUTION, SAFE, Findings, Side

# The bounds of each type, and whether each is a lower one.
_BOUNDS: Mapping[str, Mapping[str, bool]] = {
    "number": {"minimum": True, "exclusiveMinimum": True, "maximum": False, "exclusiveMaximum": False},
    "string": {"minLength": True, "maxLength": False},
    "array": {"minItems": True, "maxItems": False},
    "object": {"minProperties": True, "maxProperties": False},
}
_PARTNERS = {
    "minimum": "exclusiveMinimum",
    "exclusiveMinimum": "minimum",
    "maximum": "exclusiveMaximum",
    "exclusiveMaximum": "maximum",
}
# How many bits of a number each format has room for; without a format there is no limit.
_SIZES = {"int32": 31, "float": 31, "int64": 63, "double": 63, None: 64}
_JUDGED = frozenset(
    {name for bounds in _BOUNDS.values() for name in bounds}
    | {"enum", "pattern", "format", "uniqueItems", "x-extensible-enum", "x-field-name-rule"}
)
# Said of a property or parameter as a whole; compared where it is used.
_OF_THE_PLACE = frozenset({"default", "deprecated", "readOnly", "writeOnly", "nullable"})
_OPEN = "The old contract said that values may be added: a reader must have a way for unknown ones."


@frozen
class KeywordComparison:
    """One alternative of a value in two documents: the same JSON type, with other keywords perhaps."""

    found: Findings
    old_document: Document
    new_document: Document
    old: Alternative
    new: Alternative
    place: str
    side: Side

    def compare(self) -> None:
        """Adds the changes. Raises CannotJudge for a keyword whose meaning is not known here."""
        for keyword, lower in _BOUNDS.get(self.old.kind, {}).items():
            self._bound(keyword, lower)
        self._enum()
        if self.old.kind == "string":
            self._pattern()
            self._name_rule()
        if self.old.kind in ("string", "number"):
            self._format()
        if self.old.kind == "array":
            self._unique()
        for keyword in sorted(self.old.keywords.keys() | self.new.keywords.keys()):
            if keyword in _JUDGED or keyword in _OF_THE_PLACE or keyword.startswith("x-"):
                continue
            one, other = self._both(keyword)
            if canonical(self.old_document, one) != canonical(self.new_document, other):
                raise CannotJudge(keyword, self._where(keyword), "it changed, and what that means is not known here")

    def _both(self, keyword: str) -> tuple[Any, Any]:
        return self.old.keywords.get(keyword), self.new.keywords.get(keyword)

    def _where(self, keyword: str) -> str:
        return self.new.where.get(keyword) or self.old.where.get(keyword) or self.new.pointer

    def _changed(
        self, keyword: str, what: str, *, widens: bool = False, narrows: bool = False, heading: Heading = "Changed"
    ) -> None:
        where = self._where(keyword)
        self.found.changed(self.place, where, what, self.side, widens=widens, narrows=narrows, heading=heading)

    def _caution(self, keyword: str, what: str, rule: str, heading: Heading = "Changed") -> None:
        self.found.add(self.place, self._where(keyword), what, (CAUTION, SAFE), rule, heading)

    def _bound(self, keyword: str, lower: bool) -> None:
        one, other = self._both(keyword)
        if one == other or (_says_nothing(keyword, one) and _says_nothing(keyword, other)):
            return
        partner = _PARTNERS.get(keyword, "")
        was, now = self._both(partner)
        if other is None and now is not None and was is None:
            return  # `exclusiveMinimum` stands for `minimum` now: one change, judged when the other keyword is compared
        if other is None:
            self._changed(keyword, f"{keyword} {one} is gone", widens=True)
        elif one is None and was is not None and now is None:
            tighter = keyword.startswith("exclusive") if was == other else (other > was) == lower
            what = f"{partner} {was} became {keyword} {other}"
            self._changed(keyword, what, widens=not tighter, narrows=tighter)
        elif one is None:
            self._changed(keyword, f"{keyword} {other} is new", narrows=True)
        else:
            tighter = (other > one) == lower
            self._changed(keyword, f"{keyword} {one} became {other}", widens=not tighter, narrows=tighter)

    def _unique(self) -> None:
        one, other = map(bool, self._both("uniqueItems"))
        if one != other:
            what = "items may repeat" if one else "items must be unique"
            self._changed("uniqueItems", what, widens=one, narrows=other)

    def _enum(self) -> None:
        one, other = self._both("enum")
        before, after = map(bool, self._both("x-extensible-enum"))
        is_open = before and self.side.answer
        if one is not None and other is not None:
            for value in (value for value in other if value not in one):
                if is_open:
                    self._caution("enum", f"new value {value!r}", _OPEN, "Added")
                else:
                    self._changed("enum", f"new value {value!r}", widens=True, heading="Added")
            for value in (value for value in one if value not in other):
                self._changed("enum", f"value {value!r} is gone", narrows=True, heading="Removed")
            if before != after:
                what = "more values may be added" if after else "no more values will be added"
                self._changed("x-extensible-enum", what, widens=after, narrows=before)
        elif one is not None and is_open:
            self._caution("enum", "any value is allowed, not only those of a list", _OPEN)
        elif one is not None:
            self._changed("enum", "any value is allowed, not only those of a list", widens=True)
        elif other is not None:
            listed = ", ".join(map(repr, other[:5])) + (", …" if len(other) > 5 else "")
            self._changed("enum", f"only listed values are allowed: {listed}", narrows=True)

    def _pattern(self) -> None:
        one, other = self._both("pattern")
        if one == other:
            return
        # Whether one regular expression includes another is not decided here: a change may do both.
        what = "the pattern is gone" if other is None else "a pattern is new" if one is None else "the pattern changed"
        self._changed("pattern", what, widens=one is not None, narrows=other is not None)

    def _name_rule(self) -> None:
        one, other = map(_without_examples, self._both("x-field-name-rule"))
        if one != other and self.side.answer:
            what = "the field-name rule is gone" if other is None else "the field-name rule changed"
            rule = "Names that readers look for come out differently."
            self.found.add(self.place, self._where("x-field-name-rule"), what, (BREAKS, SAFE), rule)

    def _format(self) -> None:
        one, other = self._both("format")
        if one == other:
            return
        what = (
            f"format {other} is new" if one is None
            else f"format {one} is gone" if other is None
            else f"format {one} became {other}"
        )  # fmt: skip
        if self.old.kind == "number" and {one, other} <= _SIZES.keys():
            # Where both have bounds, these say how large a number may be.
            if not (_bounded(self.old) and _bounded(self.new)) and _SIZES[one] != _SIZES[other]:
                wider = _SIZES[other] > _SIZES[one]
                self._changed("format", what, widens=wider, narrows=not wider)
        elif one is None and self.side.answer:
            rule = "Every value could come before, but a generated model may have another type for it now."
            self._caution("format", what, rule)
        else:
            self._changed("format", what, widens=one is not None, narrows=other is not None)


def _says_nothing(keyword: str, value: Any) -> bool:
    return value is None or (value == 0 and keyword in ("minLength", "minItems", "minProperties"))


def _bounded(each: Alternative) -> bool:
    lower, upper = {"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}
    return bool(lower & each.keywords.keys() and upper & each.keywords.keys())


def _without_examples(rule: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return None if rule is None else {key: value for key, value in rule.items() if key != "examples"}
