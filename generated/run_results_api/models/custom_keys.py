# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from typing import Any

CustomKeys = dict[str, Any]
"""Keys that the caller chose, under any names and with any JSON values."""
