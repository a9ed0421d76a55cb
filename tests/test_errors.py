"""The family of errors: what each carries, and what it says to do next."""

import pickle

import pytest

from run_results.errors import RunChanged, RunResultsError


def test_every_error_of_the_family_says_what_to_do_next() -> None:
    """Errors that a caller can do something about carry a hint, and no class invents attributes."""
    with pytest.raises(TypeError, match="has no 'colour'"):
        RunResultsError("text", colour="red")
    assert "on_change='warn'" in str(RunChanged("the run changed"))


def test_errors_survive_pickling() -> None:
    """What a worker process raises arrives in its parent with its text and context."""
    error = RunResultsError("it broke", run_id="r", offset=4, resume_offset=4)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.resume_offset) == (str(error), 4)
