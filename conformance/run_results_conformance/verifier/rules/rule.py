"""What a rule is."""

from enum import StrEnum

from attrs import frozen


class Level(StrEnum):
    """How binding a rule is.

    MUST where the contract, or a standard that it names, says so. POLICY where the contract is silent, but a careful
    server does one thing and not another: a broken POLICY rule is reported, and fails only when that is asked for.
    """

    MUST = "MUST"
    POLICY = "POLICY"


@frozen
class Rule:
    """One promise of the contract.

    `id` is `family.name`. `sentence` is what the contract says, `source` where it says so. `check` is named after the
    promise, `failure` after the breach. `needs` says what the verifier must know, or have seen, to judge the rule.
    """

    id: str
    check: str
    failure: str
    sentence: str
    source: str
    level: Level = Level.MUST
    needs: str = "a readable run"

    @property
    def family(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]
