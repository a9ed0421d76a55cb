"""Prepare a release: the version in version.py, and in CHANGELOG.md the heading with the day.

    python requirements/release.py 0.2.0

`make release VERSION=0.2.0` calls it, checks, tests and builds, and then commits and tags.
"""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION = ROOT / "wrapper" / "run_results" / "version.py"
CHANGELOG = ROOT / "CHANGELOG.md"


def with_version(source: str, version: str) -> str:
    """The module of the version, with this one."""
    return re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', source)


def with_heading(changelog: str, version: str, day: str) -> str:
    """The changelog, with what was unreleased under the version and its day.

    Exits where nothing is unreleased.
    """
    if not re.search(r"^## Unreleased\n+###", changelog, re.MULTILINE):
        sys.exit("CHANGELOG.md has nothing under Unreleased: there is nothing to release")
    if f"\n## {version} - " in changelog:
        sys.exit(f"CHANGELOG.md has {version} already")
    return changelog.replace("## Unreleased\n", f"## {version} - {day}\n", 1)


def main(version: str) -> None:
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        sys.exit(f"{version!r} is no version such as 0.2.0")
    VERSION.write_text(with_version(VERSION.read_text("utf-8"), version), "utf-8")
    day = datetime.now(UTC).date().isoformat()
    CHANGELOG.write_text(with_heading(CHANGELOG.read_text("utf-8"), version, day), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
