"""Which rules are judged."""

from collections.abc import Collection

from .catalogue import RULES


class UnknownRuleError(ValueError):
    """A word that is neither a rule nor a family was given to select rules."""


def select(only: Collection[str] = (), skip: Collection[str] = ()) -> frozenset[str]:
    """The ids of the rules that are in `only` (all, when that is empty) and not in `skip`.

    Each word is a rule's id or a family. Raises UnknownRuleError for any other word.

        select(only=["paging"], skip=["paging.end"])
    """
    wanted = _named(only) if only else frozenset(rule.id for rule in RULES)
    return wanted - _named(skip)


def _named(words: Collection[str]) -> frozenset[str]:
    found: set[str] = set()
    for word in words:
        rules = {rule.id for rule in RULES if word in (rule.id, rule.family)}
        if not rules:
            text = f"there is no rule and no family called {word!r}; `run-results-conformance rules` lists them"
            raise UnknownRuleError(text)
        found |= rules
    return frozenset(found)
