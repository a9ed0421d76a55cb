"""The token is hidden in what a server sends back, however the server spells it."""

import base64
import html
import json
import re
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from run_results.secret import Secret

TOKENS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=40)
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in JSON": lambda token: json.dumps(token)[1:-1],
    "in JSON with escaped slashes": lambda token: json.dumps(token)[1:-1].replace("/", "\\/"),
    "in JSON as escapes": lambda token: "".join(f"\\u{ord(character):04X}" for character in token),
    "in JSON, every second an escape": lambda token: "".join(
        f"\\u{ord(character):04x}" if index % 2 or character in '\\"' else character
        for index, character in enumerate(token)
    ),
    "percent-encoded": lambda token: urllib.parse.quote(token, safe=""),
    "percent-encoded but for slashes": urllib.parse.quote,
    "as a form": urllib.parse.quote_plus,
    "HTML-escaped": html.escape,
    "in base64": lambda token: base64.b64encode(token.encode()).decode(),
    "in base64 for addresses": lambda token: base64.urlsafe_b64encode(token.encode()).decode(),
    "as a header in base64": lambda token: base64.b64encode(f"Bearer {token}".encode()).decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(token=TOKENS, before=st.text(max_size=5), after=st.text(max_size=5))
@example(token="AbC/dEf+gh&i", before="bad ", after="")
def test_no_spelling_of_the_token_stays(spelling: str, token: str, before: str, after: str) -> None:
    """What a server says of a token holds none of it, in any common spelling and anywhere in a text."""
    assume("[token]" not in token and "\\" not in before)
    spelled = SPELLINGS[spelling](token)
    if "JSON" in spelling:
        assume("\\" not in token and '"' not in token)
    hidden = Secret(token).hide(f"{before}{spelled}{after}")
    assert spelled not in hidden.replace("[token]", "")
    # Of base64 a few characters at the ends depend on what stands beside the token.
    longest = max(map(len, re.split(re.escape("[token]"), hidden)))
    assert longest <= len(before) + len(after) + (12 if "base64" in spelling else 0)


TWICE: dict[str, Callable[[str], str]] = {
    "JSON that escapes slashes": lambda token: json.dumps(token)[1:-1].replace("/", "\\/"),
    "JSON in JSON": lambda token: json.dumps(json.dumps(token)[1:-1].replace("/", "\\/"))[1:-1],
    "percent-encoded twice": lambda token: urllib.parse.quote(urllib.parse.quote(token, safe=""), safe=""),
    "HTML as templates write it": lambda token: re.sub(r"[^0-9A-Za-z.-]", lambda c: f"&#x{ord(c[0]):X};", token),
    "HTML with decimals": lambda token: re.sub(r"[^0-9A-Za-z]", lambda c: f"&#{ord(c[0])};", token),
    "HTML in HTML": lambda token: html.escape(html.escape(token)),
    "an address in JSON": lambda token: json.dumps(urllib.parse.quote(token, safe="/")).replace("/", "\\/")[1:-1],
}


@pytest.mark.parametrize("spelling", TWICE)
@pytest.mark.parametrize("token", ['AbCd/Ef+gh&ij=="quo<x>klm', "AbC/dEfgh==", "/+/AbCde\\f'g", 'Ab"Cdefg', "&&&&AbCd"])
def test_a_token_of_any_characters_in_any_escapes(spelling: str, token: str) -> None:
    """Quotes, slashes and ampersands may be escaped twice, where a server passes on what another one said."""
    body = f'{{"message":"bad {TWICE[spelling](token)} was sent"}}'
    assert json.loads(Secret(token).hide(body)) == {"message": "bad [token] was sent"}


@given(token=TOKENS, other=st.text(max_size=60))
def test_what_holds_no_token_stays(token: str, other: str) -> None:
    """A text without the token is left as it is, and JSON stays JSON."""
    assume(not any(spell(token) in other for spell in SPELLINGS.values()))
    text = json.dumps({"message": other})
    assert json.loads(Secret(token).hide(text))["message"] in (other, other.replace(token, "[token]"))


@given(token=TOKENS, text=st.text(st.sampled_from("\\u0041/ab"), max_size=12))
def test_json_stays_json(token: str, text: str) -> None:
    """Hiding leaves JSON that can be read, whatever backslashes stand around the token."""
    assume("\\" not in token and '"' not in token)
    escaped = "".join(f"\\u{ord(character):04x}" for character in token)
    for body in (json.dumps(text + token), json.dumps(text)[:-1] + escaped + '"'):
        assert token not in json.loads(Secret(token).hide(body))


@pytest.mark.parametrize("before", ["\\n", "\\\\", "\\\\\\\\", "\\u000", "\\t"])
def test_an_escape_before_the_token_stays_whole(before: str) -> None:
    """A token that begins like the end of an escape leaves JSON that can be read."""
    for token in ("nbcdefgh", "/bcdefgh", "abcdefgh", "0bcdefgh", "tbcdefgh"):
        body = f'{{"message": "{before}{token}"}}' if before != "\\u000" or token[0] in "a0" else '"x"'
        shown = json.loads(Secret(token).hide(body))
        assert token not in str(shown)


def test_a_short_text_is_no_token() -> None:
    """A text that would be found everywhere is not hidden."""
    assert Secret("a").hide("banana") == "banana"
