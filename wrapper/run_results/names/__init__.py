"""Field names: the service's rule (`rule`), a project's names and the way back (`map`), and name files (`files`)."""

from run_results.names.map import Collision, KnownField, NameMap
from run_results.names.rule import guess, is_api_name, sanitize

__all__ = ["Collision", "KnownField", "NameMap", "guess", "is_api_name", "sanitize"]
