# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
"""Errors of the generated client itself."""


class UnexpectedStatus(Exception):
    """Raised for a status, or the body of one, that the contract does not describe."""

    def __init__(self, status_code: int, content: bytes) -> None:
        self.status_code = status_code
        self.content = content
        super().__init__(f"Unexpected answer with status {status_code}: {content[:200]!r}")


__all__ = ["UnexpectedStatus"]
