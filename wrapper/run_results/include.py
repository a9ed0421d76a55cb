# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
"""The include flags: what to ask for beyond the values."""

from collections.abc import Iterable
from enum import Flag
from typing import TypeAlias

from run_results.errors import ConfigurationError


class Include(Flag):
    """The operation's include flags; combine them with `|`.

    >>> Include.parse("review,source") == Include.REVIEW | Include.SOURCE
    True
    """

    NONE = 0
    REVIEW = 1
    """Adds what human reviewers did (`include_review_results`)."""
    CONFIDENCE = 2
    """Adds how sure the platform is of each document's class and of each field's value
    (`include_confidence_scores`)."""
    VALIDATION = 4
    """Adds the outcome of the app's validation rules for documents, fields and cross-class fields
    (`include_validation_results`)."""
    SOURCE = 8
    """Adds where values were found (`include_source_info`)."""
    ALL = REVIEW | CONFIDENCE | VALIDATION | SOURCE

    @classmethod
    def parse(cls, text: str) -> "Include":
        """Read a list such as `review,source`, or `all` or `none`. Raises `ConfigurationError`."""
        result, unknown = cls.NONE, []
        for word in text.replace(",", " ").split():
            flag = cls.__members__.get(word.upper())
            if flag is None:
                unknown.append(repr(word[:80]))
            else:
                result |= flag
        if unknown:
            known = ", ".join(name.lower() for name in sorted(cls.__members__, key="NONE".__eq__))
            raise ConfigurationError(f"no include flag is called {' or '.join(unknown[:10])}; there are {known}")
        return result


Flags: TypeAlias = Include | str | Iterable[Include | str]
"""How a call is given include flags: `Include.REVIEW | Include.SOURCE`, `"review,source"` or `["review", "source"]`."""
