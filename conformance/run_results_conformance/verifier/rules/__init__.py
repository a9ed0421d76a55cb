"""The rules that a server is judged by: the `catalogue`, how some of it is selected, and its page in the docs."""

from .catalogue import BY_ID, FAMILIES, RULES
from .markdown import markdown
from .rule import Level, Rule
from .selection import UnknownRuleError, select

__all__ = ("BY_ID", "FAMILIES", "RULES", "Level", "Rule", "UnknownRuleError", "markdown", "select")
