"""What all tests of this folder have: the token, where the sources of the tests refer to it."""

import pytest

from .kit import TOKEN, VARIABLE


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, TOKEN)
