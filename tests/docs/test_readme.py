"""The README is short."""

from .blocks import ROOT, blocks

README = ROOT / "README.md"


def test_the_library_example_is_about_twenty_lines() -> None:
    """Short enough to be read."""
    library = next(block for block in blocks(README) if block.language == "python")
    assert len(library.text.splitlines()) <= 20


def test_the_readme_is_short() -> None:
    """The README is about a screen and a half; the pages of docs/ have the rest."""
    assert len(README.read_text("utf-8").splitlines()) <= 125
