"""The two sides of a contract, and the changes that were found so far."""

from attrs import field, frozen, mutable

from .change import Change, Heading, Verdict

SAFE, CAUTION, BREAKS = Verdict.SAFE, Verdict.CAUTION, Verdict.BREAKS


@frozen
class Side:
    """Where values go: in an answer to readers, or in a request from senders."""

    answer: bool

    def judge(self, *, widens: bool, narrows: bool) -> tuple[Verdict, Verdict]:
        """The verdicts for readers and for senders."""
        if self.answer:
            return (BREAKS if widens else SAFE, SAFE)
        return (SAFE, BREAKS if narrows else SAFE)

    def rule(self, *, widens: bool, narrows: bool) -> str:
        """Why."""
        if self.answer:
            if widens:
                return "Readers can meet values that the old contract excluded."
            return "Every value that may come now could come before."
        if narrows:
            return "The server may refuse values that the old contract allowed."
        return "Every value that could be sent before can be sent now."


ANSWER, REQUEST = Side(answer=True), Side(answer=False)


@mutable
class Findings:
    """The changes, in the order in which they were found."""

    changes: list[Change] = field(factory=list)

    def add(
        self,
        place: str,
        pointer: str,
        what: str,
        verdicts: tuple[Verdict, Verdict],
        rule: str,
        heading: Heading = "Changed",
    ) -> None:
        """Adds a change with its verdicts for readers and for senders."""
        self.changes.append(Change(place, pointer, what, *verdicts, rule, heading))

    def deprecation(self, place: str, pointer: str, before: object, after: object) -> None:
        """Adds a change if something is deprecated now, or is not any more."""
        if after and not before:
            rule = "It works, and the contract says that it will go."
            self.add(place, pointer, "is deprecated", (CAUTION, CAUTION), rule, "Deprecated")
        elif before and not after:
            self.add(place, pointer, "is not deprecated any more", (SAFE, SAFE), "It works, and will stay.")

    def changed(
        self,
        place: str,
        pointer: str,
        what: str,
        side: Side,
        *,
        widens: bool = False,
        narrows: bool = False,
        heading: Heading = "Changed",
    ) -> None:
        """Adds a change of the values that are allowed: more of them, fewer, or both."""
        verdicts = side.judge(widens=widens, narrows=narrows)
        self.add(place, pointer, what, verdicts, side.rule(widens=widens, narrows=narrows), heading)
