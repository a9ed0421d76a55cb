"""Field names: the service's rule (`rule`), a project's names and the way back (`map`), and name files (`files`).

`given` checks the names that a caller gives, `findings` says what about them is likely to go wrong, and `guesses` which
names of a run they do not have.
"""

from run_results.names.map import Collision, KnownField, NameMap
from run_results.names.rule import guess, is_api_name, sanitize

__all__ = ["Collision", "KnownField", "NameMap", "guess", "is_api_name", "sanitize"]
