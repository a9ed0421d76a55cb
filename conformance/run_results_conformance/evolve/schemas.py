"""Two schemas compared: what a value may be now that it could not be before, and the other way round.

In an answer, readers are broken by what is *new*: they have never met it. In a request, senders are broken by what is
*gone*: they may send it still. So each elementary change says whether it widens or narrows, and the side decides.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import field, mutable

from .change import CannotJudge
from .document import Document
from .keywords import KeywordComparison
from .schema import KINDS, Alternative, Nodes, alternatives, annotations, canonical
from .sides import BREAKS, CAUTION, SAFE, Findings, Side


@mutable
class SchemaComparison:
    """Compares schemas of two documents. One comparison remembers what it has compared, so that recursion ends."""

    old: Document
    new: Document
    found: Findings = field(factory=Findings)
    _seen: set[tuple[Any, ...]] = field(factory=set)

    def compare(self, old: Nodes, new: Nodes, place: str, side: Side) -> None:
        """Adds the changes between two schemas. Raises CannotJudge."""
        key = (*(node.pointer for node in old), "|", *(node.pointer for node in new), side)
        if key in self._seen and all(node.pointer for node in (*old, *new)):
            return
        self._seen.add(key)
        self._deprecation(old, new, place)
        for one, other in self._pairs(alternatives(self.old, old), alternatives(self.new, new), place, side):
            self._alternative(one, other, place, side)

    # --- Alternatives ---------------------------------------------------------------------------------------

    def _pairs(
        self, old: Sequence[Alternative], new: Sequence[Alternative], place: str, side: Side
    ) -> Iterator[tuple[Alternative, Alternative]]:
        """The alternatives that belong together, by JSON type. What has no partner is a change."""
        came = [each for each in new if each.kind not in {other.kind for other in old}]
        went = [each for each in old if each.kind not in {other.kind for other in new}]
        if len(came) == len(went) == 1:
            what = f"{went[0].name} became {came[0].name}"
            self.found.changed(place, came[0].pointer, what, side, widens=True, narrows=True)
            went = came = []
        if came and {each.kind for each in new} == set(KINDS):
            self.found.changed(place, came[0].pointer, "any JSON value is allowed", side, widens=True)
            came = []
        if went and {each.kind for each in old} == set(KINDS):
            left = " or ".join(dict.fromkeys(each.name for each in new)) or "nothing"
            self.found.changed(place, _pointer(new, went), f"must be {left} (was: any JSON value)", side, narrows=True)
            went = []
        for each in came:
            self.found.changed(place, each.pointer, f"may also be {each.name}", side, widens=True)
        for each in went:
            self.found.changed(place, _pointer(new, went), f"is no longer {each.name}", side, narrows=True)
        for kind in KINDS:
            yield from self._of_kind(
                [each for each in old if each.kind == kind], [each for each in new if each.kind == kind], place, side
            )

    def _of_kind(
        self, old: list[Alternative], new: list[Alternative], place: str, side: Side
    ) -> Iterator[tuple[Alternative, Alternative]]:
        if not old or not new:
            return
        if len(old) == len(new) == 1:
            yield old[0], new[0]
            return
        # Several of one type: those that are equal belong together, then those of the same name.
        for same in (self._shape, lambda _, each: each.pointer):
            for one in list(old):
                partner = next((other for other in new if same(self.old, one) == same(self.new, other)), None)
                if partner is not None:
                    old.remove(one)
                    new.remove(partner)
                    yield one, partner
        if len(old) == len(new) == 1:
            yield old[0], new[0]
        elif old and new:
            raise CannotJudge(
                "anyOf", new[0].pointer, f"several alternatives are {new[0].name}, and they changed together"
            )
        for each in new if not old else ():
            self.found.changed(place, each.pointer, f"may also be another form of {each.name}", side, widens=True)
        for each in old if not new else ():
            self.found.changed(place, each.pointer, f"is no longer one form of {each.name}", side, narrows=True)

    @staticmethod
    def _shape(document: Document, each: Alternative) -> Any:
        parts = {name: [canonical(document, node.value) for node in nodes] for name, nodes in each.properties.items()}
        inner = [[canonical(document, node.value) for node in nodes] for nodes in (each.items, each.additional)]
        return (dict(each.keywords), each.integer, parts, each.required, each.closed, inner)

    def _alternative(self, old: Alternative, new: Alternative, place: str, side: Side) -> None:
        if old.integer != new.integer:
            widens = old.integer
            self.found.changed(
                place,
                new.pointer,
                "may have a fraction" if widens else "must be an integer",
                side,
                widens=widens,
                narrows=not widens,
            )
        KeywordComparison(self.found, self.old, self.new, old, new, place, side).compare()
        if old.kind == "array":
            self._items(old, new, place, side)
        if old.kind == "object":
            self._object(old, new, place, side)

    def _deprecation(self, old: Nodes, new: Nodes, place: str) -> None:
        (before, _), (after, where) = annotations(self.old, old), annotations(self.new, new)
        pointer = where.get("deprecated", new[0].pointer)
        self.found.deprecation(place, pointer, before.get("deprecated"), after.get("deprecated"))
        for keyword in ("readOnly", "writeOnly"):
            if bool(before.get(keyword)) != bool(after.get(keyword)):
                raise CannotJudge(
                    keyword, where.get(keyword, new[0].pointer), "it changed, and what that means is not known here"
                )

    # --- Arrays and objects ---------------------------------------------------------------------------------

    def _items(self, old: Alternative, new: Alternative, place: str, side: Side) -> None:
        if old.items and new.items:
            self.compare(old.items, new.items, f"{place}[]", side)
        elif old.items:
            self.found.changed(f"{place}[]", new.pointer, "any JSON value is allowed", side, widens=True)
        elif new.items:
            self.found.changed(
                f"{place}[]", new.items[0].pointer, "has a schema now (was: any JSON value)", side, narrows=True
            )

    def _object(self, old: Alternative, new: Alternative, place: str, side: Side) -> None:
        for name, nodes in old.properties.items():
            if name in new.properties:
                inner = f"{place}.{name}"
                self._gate(nodes, new.properties[name], inner, side)
                self.compare(nodes, new.properties[name], inner, side)
                self._required(name, old, new, inner, side)
            else:
                self._gone(name, nodes, new, place, side)
        for name, nodes in new.properties.items():
            if name not in old.properties:
                self._came(name, nodes, old, new, place, side)
        for name in sorted((old.required | new.required) - old.properties.keys() - new.properties.keys()):
            self._required(name, old, new, f"{place}.{name}", side)
        self._additional(old, new, place, side)

    def _required(self, name: str, old: Alternative, new: Alternative, place: str, side: Side) -> None:
        before, after = name in old.required, name in new.required
        if before and not after:
            self.found.changed(place, new.pointer, "may be absent", side, widens=True)
        elif after and not before:
            self.found.changed(
                place, new.pointer, "is always there" if side.answer else "is required", side, narrows=True
            )

    def _gone(self, name: str, nodes: Nodes, new: Alternative, place: str, side: Side) -> None:
        inner, pointer = f"{place}.{name}", nodes[0].pointer
        if side.answer:
            rule = "Readers do not get it any more, or get it in another form."
            self.found.add(inner, pointer, "is gone", (BREAKS, SAFE), rule, "Removed")
        elif new.closed:
            self.found.changed(inner, pointer, "is gone", side, narrows=True, heading="Removed")
        else:
            self.found.add(inner, pointer, "is gone", (SAFE, CAUTION), "It can be sent, and is ignored.", "Removed")

    def _came(self, name: str, nodes: Nodes, old: Alternative, new: Alternative, place: str, side: Side) -> None:
        inner, pointer = f"{place}.{name}", nodes[0].pointer
        gate = annotations(self.new, nodes)[0].get("x-include")
        what = f"is new{' and required' if name in new.required else ''}{f' (with {gate})' if gate else ''}"
        if side.answer:
            if old.closed:
                rule = "The old contract excluded keys that it does not name."
                self.found.add(inner, pointer, what, (BREAKS, SAFE), rule, "Added")
                return
            rule = "Readers ignore keys that they do not know."
            self.found.add(inner, pointer, what, (SAFE, SAFE), rule, "Added")
            if old.additional:
                self.compare(old.additional, nodes, inner, side)
        elif name in new.required:
            self.found.changed(inner, pointer, what, side, narrows=True, heading="Added")
        else:
            self.found.add(inner, pointer, what, (SAFE, SAFE), "It need not be sent.", "Added")

    def _gate(self, old: Nodes, new: Nodes, place: str, side: Side) -> None:
        (before, was), (after, where) = annotations(self.old, old), annotations(self.new, new)
        one, other = before.get("x-include"), after.get("x-include")
        pointer = where.get("x-include", was.get("x-include", new[0].pointer))
        if not side.answer:
            return
        if one is None and other is not None:
            rule = "It came without asking, and readers who do not set the flag do not get it any more."
            self.found.add(place, pointer, f"comes only with {other}", (BREAKS, SAFE), rule)
        elif other is None and one is not None:
            rule = "It comes to everybody; readers ignore what they did not ask for."
            self.found.add(place, pointer, f"comes without {one}", (SAFE, SAFE), rule)
        elif one != other:
            rule = "Readers who set the old flag only do not get it any more."
            self.found.add(place, pointer, f"comes with {other} instead of {one}", (BREAKS, SAFE), rule)
        sure, now = (
            (one is not None and before.get("x-include-guaranteed", True)),
            after.get("x-include-guaranteed", True),
        )
        if other is not None and sure and not now:
            rule = "Readers who set the flag could count on it."
            self.found.add(place, pointer, "may be absent although its flag is set", (BREAKS, SAFE), rule)
        elif other is not None and one is not None and not sure and now:
            self.found.add(
                place,
                pointer,
                "is always there when its flag is set",
                (SAFE, SAFE),
                "Every answer of now could come before.",
            )

    def _additional(self, old: Alternative, new: Alternative, place: str, side: Side) -> None:
        inner = f"{place}.*"
        if old.closed and not new.closed:
            self.found.changed(inner, new.pointer, "keys that are not named are allowed", side, widens=True)
        elif new.closed and not old.closed:
            self.found.changed(inner, new.pointer, "keys that are not named are not allowed", side, narrows=True)
        elif old.additional and new.additional:
            self.compare(old.additional, new.additional, inner, side)
        elif old.additional and not new.closed:
            self.found.changed(inner, new.pointer, "keys that are not named may have any value", side, widens=True)
        elif new.additional and not old.closed:
            self.found.changed(
                inner, new.additional[0].pointer, "keys that are not named have a schema", side, narrows=True
            )


def _pointer(new: Sequence[Alternative], old: Sequence[Alternative]) -> str:
    return (new or old)[0].pointer
