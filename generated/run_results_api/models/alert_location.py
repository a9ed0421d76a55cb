# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from typing import Any

AlertLocation = dict[str, Any]
"""A place that an alert points to. The contract does not define its keys."""
