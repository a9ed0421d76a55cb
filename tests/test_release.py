"""What a release promises: one version, a changelog that has it, and public names that do not change unseen."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from run_results import __version__

from . import api

ROOT = Path(__file__).parents[1]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
HEADINGS = re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)


def test_the_public_names_are_those_of_the_page() -> None:
    """docs/api.txt has every public name with its parameters; `python -m tests.api` writes it anew."""
    assert "\n".join(api.lines()) + "\n" == api.PAGE.read_text("utf-8")


def test_the_changelog_keeps_a_changelog() -> None:
    """Releases have a version and a day, newest first; what is not released yet stands above them."""
    released = [heading for heading in HEADINGS if heading != "Unreleased"]
    assert (["Unreleased"] if "Unreleased" in HEADINGS else []) + released == HEADINGS
    versions = []
    for heading in released:
        match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+) - \d{4}-\d{2}-\d{2}", heading)
        assert match, heading
        versions.append(tuple(map(int, match.groups())))
    assert versions == sorted(versions, reverse=True)
    kinds = set(re.findall(r"^### (.*)$", CHANGELOG, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_version_is_the_next_one_or_the_newest_release() -> None:
    """The one place of the version is run_results/version.py: while there is no heading for it, it is not released."""
    released = [heading.partition(" ")[0] for heading in HEADINGS if heading != "Unreleased"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    assert __version__ in released or "Unreleased" in HEADINGS
    as_numbers = [tuple(map(int, version.split("."))) for version in (__version__, *released)]
    assert as_numbers[0] >= max(as_numbers)


@pytest.fixture
def release() -> Any:
    """The script that prepares a release."""
    spec = importlib.util.spec_from_file_location("release", ROOT / "requirements" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_release_gets_its_version_and_its_day(release: Any) -> None:
    """The script changes the one place of the version, and gives what was unreleased a heading."""
    assert release.with_version('__version__ = "0.1.0"\n', "0.2.0") == '__version__ = "0.2.0"\n'
    before = "# Changelog\n\n## Unreleased\n\n### Added\n\n- x\n\n## 0.1.0 - 2026-01-02\n"
    after = release.with_heading(before, "0.2.0", "2026-03-04")
    assert after == before.replace("Unreleased", "0.2.0 - 2026-03-04")
    for text, version in ((after, "0.3.0"), (before, "0.1.0")):
        with pytest.raises(SystemExit):
            release.with_heading(text, version, "2026-03-04")
