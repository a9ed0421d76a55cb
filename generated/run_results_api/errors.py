# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
"""The error of the generated client."""


class UnexpectedStatus(Exception):
    """Raised for a status that the contract does not name, or for an error body that does not fit the contract."""

    def __init__(self, status_code: int, content: bytes) -> None:
        self.status_code = status_code
        self.content = content
        super().__init__(f"Unexpected answer with status {status_code}: {content[:200]!r}")


__all__ = ["UnexpectedStatus"]
