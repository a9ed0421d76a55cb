"""Text from a server or a file, made harmless for a terminal, JSON, HTML and messages."""

import json
import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_results.text import printable, printable_json, quote, visible, word

JOINERS = "\u200c\u200d"
CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1)]


def is_dangerous(character: str) -> bool:
    """The rule, by the categories that this Python knows."""
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in JOINERS


def test_no_form_lets_a_dangerous_character_through() -> None:
    """Every control, format character, separator of lines and half of a surrogate pair is replaced in each form."""
    dangerous = [character for character in CHARACTERS if is_dangerous(character)]
    assert len(dangerous) > 2000
    for character in dangerous:
        assert character not in printable(character)
        assert character not in quote(character)
        assert character not in word(character)
        assert character in "\t\n" or visible(character) == f"⟨U+{ord(character):04X}⟩"


def test_only_what_cannot_be_printed_is_spelled_out_in_html() -> None:
    """Whatever Python prints, and a space of any kind, stays as it is in HTML."""
    kept = "".join(each for each in CHARACTERS if each.isprintable() or unicodedata.category(each) == "Zs")
    assert visible(kept + JOINERS) == kept + JOINERS


@given(
    st.text(st.characters() | st.sampled_from("\x1b\x9b\n\u202e\u200d\ud800\u00a0"), max_size=30), st.integers(1, 40)
)
def test_printable_text_is_one_line(text: str, limit: int) -> None:
    """Whatever a text was, it becomes one printable line; what is printable stays as it is."""
    shown = printable(text)
    assert shown.replace("\u200c", "").replace("\u200d", "").isprintable()
    assert printable(shown) == shown
    assert len(printable(text, limit)) <= 10 * limit + 1
    if text.isprintable():
        assert shown == text


@given(
    st.text(
        st.characters(exclude_categories=["Cs"]) | st.sampled_from("\x7f\x9b\u2028\u202e\u0085\U000e0041"), max_size=30
    )
)
def test_printable_json_means_the_same(text: str) -> None:
    """JSON made printable decodes to the same, and has no dangerous character but line ends between its values."""
    made = printable_json(json.dumps({text: text}, ensure_ascii=False, indent=1).encode())
    assert json.loads(made) == {text: text}
    assert len(made.decode().splitlines()) == 3
    assert not any(is_dangerous(character) for character in re.sub("\n", "", made.decode()))


@pytest.mark.parametrize("value", ["x" * 10_000, ["x" * 10_000], 10**4000])
def test_a_value_in_a_message_is_short(value: object) -> None:
    """However large a value is, a message has its beginning only."""
    assert len(quote(value)) <= 82
    assert len(word(value)) <= 82
