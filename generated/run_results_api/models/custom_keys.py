# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from typing import Any

CustomKeys = dict[str, Any]
"""Keys of the caller's own choice; any JSON value under any name."""
