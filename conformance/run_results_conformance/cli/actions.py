"""What GitHub Actions needs: annotations, and output in which it follows no command that came from a server."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from run_results_conformance.verifier.report import Report


@contextmanager
def commands_stopped(stream: TextIO) -> Iterator[None]:
    """Lets GitHub Actions follow no command in what is printed meanwhile; elsewhere it does nothing."""
    if not _in_actions():
        yield
        return
    word = secrets.token_hex(16)  # a server must not know the word that ends this
    print(f"::stop-commands::{word}", file=stream)
    try:
        yield
    finally:
        print(f"::{word}::", file=stream)


def annotate(report: "Report", stream: TextIO) -> None:
    """Prints annotations of what was found, where GitHub Actions reads them."""
    if _in_actions():
        from run_results_conformance.verifier.report import to_annotations

        stream.write(to_annotations(report))
        stream.flush()


def _in_actions() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"
