"""Field names: the rule, its best inverse, and the map back to the project's names."""

import ast
import contextlib
import csv
import hashlib
import io
import itertools
import json
import os
import pickle
import sys
import threading
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import run_results.names.map
import run_results.names.rule
from run_results.errors import (
    ConfigurationError,
    InvalidNameError,
    NameCollisionError,
    UnknownNameError,
)
from run_results.names import Collision, KnownField, NameMap, guess, is_api_name, sanitize
from run_results.names.findings import findings
from run_results.names.guesses import Guesses

# The rule once more, as slowly and plainly as the vendor's page tells it ----------------------------------


def stands(character: str, ascii: bool) -> bool:
    return ("a" + character).isidentifier() and not (ascii and ord(character) > 127)


def starts(character: str, ascii: bool) -> bool:
    return character.isidentifier() and not (ascii and ord(character) > 127)


def plainly(name: str, ascii: bool = False) -> str:
    doubled = ""
    for character in name:
        doubled += "__" if character == "_" else character
    valid = ""
    for character in doubled:
        valid += character if stands(character, ascii) else "_"
    if valid == "" or not starts(valid[0], ascii):
        return "_" + valid
    return valid


# Strategies: names are dense in what the rule is about, API names are built of what identifiers are built of.

STANDING = [c for c in map(chr, range(sys.maxunicode + 1)) if ("a" + c).isidentifier()]
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
LETTERS = [c for c in STANDING if c.isidentifier()]
MARKS = [c for c in STANDING if not c.isidentifier()]
TELLING = "__  -'a3Z²·ﬁ\u0301\u200d\u00a0\ud800\U0001d54f№ª٣合\0\n"

modes = st.booleans()
project_names = st.text(st.sampled_from(TELLING) | st.characters(), max_size=12)
ascii_api_names = st.builds(str.__add__, st.sampled_from("__aZ"), st.text("__aZ39", max_size=12))
unicode_api_names = st.builds(
    str.__add__,
    st.sampled_from("_a") | st.sampled_from(LETTERS),
    st.text(st.sampled_from("_a3") | st.sampled_from(LETTERS) | st.sampled_from(MARKS), max_size=12),
)
# So few names that they meet often: there are three of one character in "_" alone.
meeting_names = st.text("_- a3", max_size=3)
classes = st.sampled_from(["Invoice", "Receipt", "W-2"])
name_lists = st.lists(meeting_names, max_size=8)
classed_lists = st.dictionaries(classes, name_lists)


def words(alphabet: str, up_to: int) -> Iterable[str]:
    for length in range(up_to + 1):
        yield from map("".join, itertools.product(alphabet, repeat=length))


# sanitize -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "api_name"),
    [
        ("due date", "due_date"),
        ("driver's license", "driver_s_license"),
        ("3rd category", "_3rd_category"),
        ("secret_id", "secret__id"),
    ],
)
@pytest.mark.parametrize("ascii", [False, True])
def test_the_examples_of_the_page(name: str, api_name: str, ascii: bool) -> None:
    """The vendor's four examples come out as the vendor prints them."""
    assert sanitize(name, ascii=ascii) == api_name


@pytest.mark.parametrize(
    ("name", "api_name"),
    [
        ("", "_"),
        (" ", "_"),
        ("_", "__"),
        ("3", "_3"),
        ("_3", "__3"),
        ("'3", "_3"),
        ("class", "class"),
        ("None", "None"),
        ("x²", "x_"),  # \w takes it, an identifier doesn't
        ("l·l", "l·l"),  # an identifier takes it, \w doesn't
        ("·l", "_·l"),
        ("e\u0301", "e\u0301"),
        ("\u0301e", "_\u0301e"),
        ("٣", "_٣"),
        ("\ufb01rst", "\ufb01rst"),
        ("a\ud83d\ude00b", "a__b"),  # two lone surrogates
        ("a\U0001f600b", "a_b"),  # one character
        ("a\r\nb", "a__b"),
    ],
)
def test_the_corners(name: str, api_name: str) -> None:
    """What the page leaves open is decided as documented."""
    assert sanitize(name) == api_name


def test_nothing_is_normalised() -> None:
    """Names that only NFKC would merge stay apart."""
    assert len({sanitize(name) for name in ("first", "\ufb01rst", "é", "e\u0301", "K", "\u212a")}) == 6


@given(project_names, modes)
@example("", False)
def test_the_result_is_a_variable_name(name: str, ascii: bool) -> None:
    """Whatever goes in, what comes out is an identifier, and an ASCII one if so asked."""
    api_name = sanitize(name, ascii=ascii)
    assert api_name.isidentifier()
    assert is_api_name(api_name, ascii=ascii)
    assert api_name.isascii() or not ascii


@given(project_names, modes)
def test_fast_is_right(name: str, ascii: bool) -> None:
    """The fast rule and the plain one agree on every name."""
    assert sanitize(name, ascii=ascii) == plainly(name, ascii)


@pytest.mark.parametrize("ascii", [False, True])
def test_fast_is_right_for_all_of_unicode(ascii: bool) -> None:
    """The fast rule and the plain one agree on every code point there is, first in a name and later.

    By default every thirteenth is tried; thoroughly all of them.
    """
    every = range(0, sys.maxunicode + 1, 1 if THOROUGH else 13)
    first = [code for code in every if code < 0x3000 or not ascii]  # beyond ASCII all are alike to an ASCII service
    wrong = [code for code in first if sanitize(chr(code), ascii=ascii) != plainly(chr(code), ascii)]
    assert wrong == []
    everything = "a" + "".join(map(chr, every))
    assert sanitize(everything, ascii=ascii) == plainly(everything, ascii)


@given(st.characters(exclude_categories=["Cs"]) | st.sampled_from(LETTERS) | st.sampled_from(MARKS))
def test_the_parser_agrees_on_the_characters(character: str) -> None:
    """Python's own parser takes a character into a variable name exactly when the rule keeps it."""
    name = "x" + character  # no keyword starts with it
    try:
        node = ast.parse(name, mode="eval").body
        parsed = node.id if isinstance(node, ast.Name) else None
    except (SyntaxError, ValueError):
        parsed = None
    # The parser folds to NFKC, and takes a space after the name without a word: hence the comparison.
    kept = sanitize(name) == name.replace("_", "__")
    assert kept == (parsed == unicodedata.normalize("NFKC", name))


@given(unicode_api_names.filter(lambda name: "_" not in name))
def test_a_good_name_is_left_alone(name: str) -> None:
    """A variable name without underscores is its own API name."""
    assert sanitize(name) == name


@given(project_names, modes)
def test_twice_is_not_once(name: str, ascii: bool) -> None:
    """Sanitizing again changes nothing exactly when there is no underscore to double."""
    once = sanitize(name, ascii=ascii)
    assert (sanitize(once, ascii=ascii) == once) == ("_" not in once)


def test_the_table_stays_small() -> None:
    """Many more characters than it may keep leave a bounded table behind, and right answers."""
    everything = " " + "".join(map(chr, range(0x10000)))
    for table, only_ascii in (
        (run_results.names.rule._UNICODE_STEP_2, False),  # pyright: ignore[reportPrivateUsage]
        (run_results.names.rule._ASCII_STEP_2, True),  # pyright: ignore[reportPrivateUsage]
    ):
        sanitize(everything, ascii=only_ascii)
        assert len(table) <= table.LIMIT
        assert all(kept == (code if stands(chr(code), only_ascii) else ord("_")) for code, kept in table.items())


def test_threads_share_the_rule() -> None:
    """Threads that fill and empty the table under each other all get right answers."""
    texts = ["a " + "".join(map(chr, range(start, start + 6000))) for start in range(0, 48000, 6000)]
    expected = [plainly(text) for text in texts]
    results: list[list[str]] = [[] for _ in texts]

    def work(index: int) -> None:
        for _ in range(5):
            results[index].append(sanitize(texts[index]))

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[text] * 5 for text in expected]


# is_api_name and guess --------------------------------------------------------------------------------------


def test_the_api_names_are_the_identifiers() -> None:
    """Of all words over a small alphabet, the API names are those that some project's name becomes."""
    made = {sanitize(name) for name in words("_a3 ", 5)}
    short = set(words("_a3 ", 5))
    # A word of length n comes from one no longer: undoing the rule never adds a character.
    assert {word for word in short if is_api_name(word)} == made & short


@given(project_names, modes)
def test_no_other_name_is_an_api_name(name: str, ascii: bool) -> None:
    """A name is an API name exactly when it is an identifier in the service's alphabet."""
    expected = bool(name) and starts(name[0], ascii) and all(stands(c, ascii) for c in name)
    assert is_api_name(name, ascii=ascii) == expected


@given(unicode_api_names | ascii_api_names)
def test_a_guess_leads_back(api_name: str) -> None:
    """What is guessed for an API name becomes that API name again."""
    assert sanitize(guess(api_name)) == api_name


@given(ascii_api_names)
def test_a_guess_leads_back_in_ascii(api_name: str) -> None:
    """What is guessed for an ASCII API name becomes that API name again in the ASCII-only rule."""
    assert sanitize(guess(api_name, ascii=True), ascii=True) == api_name


def test_every_short_guess_leads_back() -> None:
    """No word of up to nine underscores, letters and digits escapes the law."""
    api_names = [word for word in words("_a3", 9) if is_api_name(word)]
    assert [name for name in api_names if sanitize(guess(name)) != name] == []
    assert [name for name in api_names if sanitize(guess(name, ascii=True), ascii=True) != name] == []


@given(st.text(st.sampled_from("_ a3Zé\u0301合"), max_size=12))
def test_a_guess_is_right_for_plain_names(name: str) -> None:
    """A name of words, digits and single spaces or underscores that don't touch is guessed right."""
    touching = any(pair in name for pair in ("__", " _", "_ ", "  "))
    leading = name == "" or (name[0] == " " and name[1:] != "" and not starts(name[1], False))
    if not touching and not leading:
        assert guess(sanitize(name)) == name


@pytest.mark.parametrize(
    ("api_name", "name"),
    [
        ("_3rd_category", "3rd category"),
        ("secret__id", "secret_id"),
        ("_", " "),
        ("__", "_"),
        ("___", "_ "),
        ("___3", "_ 3"),
        ("__3", "_3"),
        ("_a", " a"),
        ("_·l", "·l"),
    ],
)
def test_guesses(api_name: str, name: str) -> None:
    """Underscores are read from the left, in pairs first; the one that step 3 put there goes."""
    assert guess(api_name) == name


@given(project_names, modes)
def test_nothing_is_guessed_from_nonsense(name: str, ascii: bool) -> None:
    """A name that the service can't give is refused, and the error carries it."""
    if not is_api_name(name, ascii=ascii):
        with pytest.raises(InvalidNameError) as caught:
            guess(name, ascii=ascii)
        assert caught.value.name == name
        assert str(caught.value).isprintable()


# NameMap ----------------------------------------------------------------------------------------------------


def pairs(scope: Iterable[str], ascii: bool = False) -> set[frozenset[str]]:
    """Every two different names that the plain rule makes one."""
    return {
        frozenset(two)
        for two in itertools.combinations(set(scope), 2)
        if plainly(two[0], ascii) == plainly(two[1], ascii)
    }


@given(name_lists | st.lists(project_names), classed_lists, modes)
def test_every_collision_and_no_other(names: list[str], by_class: dict[str, list[str]], ascii: bool) -> None:
    """The collisions are those that comparing all pairs finds, inside each class and outside all."""
    found = NameMap(names, by_class=by_class, ascii=ascii).collisions
    for class_name, scope in [(None, names), *by_class.items()]:
        here = [collision for collision in found if collision.class_name == class_name]
        met = [frozenset(two) for each in here for two in itertools.combinations(each.names, 2)]
        assert sorted(map(sorted, met)) == sorted(map(sorted, pairs(scope, ascii)))
        for each in here:
            assert {plainly(name, ascii) for name in each.names} == {each.api_name}
            assert list(each.names) == [name for name in dict.fromkeys(scope) if name in each.names]
    order = [None, *by_class]
    assert [order.index(each.class_name) for each in found] == sorted(order.index(each.class_name) for each in found)


@given(name_lists, classed_lists, meeting_names, st.none() | classes | st.just("Other"), modes)
def test_a_lookup_goes_from_the_inner_scope_to_the_outer(
    names: list[str], by_class: dict[str, list[str]], asked: str, class_name: str | None, ascii: bool
) -> None:
    """The first scope that knows an API name answers, by one name, or by an error that tells all of them."""
    names_map = NameMap(names, by_class=by_class, ascii=ascii)
    api_name = plainly(asked, ascii)
    every_class = [name for own in by_class.values() for name in own]
    scopes = [names, every_class] if class_name is None else [by_class.get(class_name, []), names]
    known = [list(dict.fromkeys(n for n in scope if plainly(n, ascii) == api_name)) for scope in scopes]
    expected = known[0] or known[1]

    label = names_map.label(api_name, class_name)
    if len(expected) == 1:
        assert names_map.project_name(api_name, class_name) == label == expected[0]
    elif expected:
        with pytest.raises(NameCollisionError) as collision:
            names_map.project_name(api_name, class_name)
        assert (collision.value.api_name, list(collision.value.names)) == (api_name, expected)
        assert label == api_name
    else:
        with pytest.raises(UnknownNameError) as unknown:
            names_map.project_name(api_name, class_name)
        assert unknown.value.api_name == api_name
        elsewhere = list(dict.fromkeys(name for name in every_class if plainly(name, ascii) == api_name))
        guessed = guess(api_name, ascii=ascii)
        assert label == (elsewhere[0] if len(elsewhere) == 1 else api_name if elsewhere else guessed)


def test_a_field_is_spelled_in_one_way() -> None:
    """A class without names of its own for a field takes the name that the other classes agree on, not a guess."""
    names = NameMap(by_class={"Invoice": ["due-date", "net total"], "Receipt": ["net-total"]})
    assert {names.label("due_date", class_name) for class_name in ("Invoice", "Receipt", "Letter", None)} == {
        "due-date"
    }
    assert names.label("net_total", "Letter") == "net_total"
    with pytest.raises(UnknownNameError):
        names.project_name("due_date", "Letter")


@given(st.lists(project_names) | name_lists, modes)
def test_without_collisions_every_name_comes_back(names: list[str], ascii: bool) -> None:
    """A name that collides with no other survives the trip through the API."""
    names_map = NameMap(names, ascii=ascii)
    colliding = {name for collision in names_map.collisions for name in collision.names}
    for name in set(names) - colliding:
        assert names_map.project_name(names_map.api_name(name)) == name
        assert names_map.label(names_map.api_name(name)) == name


@given(classed_lists)
def test_without_collisions_every_name_of_a_class_comes_back(by_class: dict[str, list[str]]) -> None:
    """Classes never disturb each other: a name that is alone in its own comes back."""
    names_map = NameMap(by_class=by_class)
    for class_name, own in by_class.items():
        if not pairs(own):
            for name in own:
                assert names_map.project_name(sanitize(name), class_name) == name


def test_a_class_settles_a_collision() -> None:
    """A class's own name answers for the class, where the names given without class meet."""
    names_map = NameMap(["due date", "due-date"], by_class={"Invoice": ["due-date"]})
    assert names_map.project_name("due_date", "Invoice") == "due-date"
    assert names_map.collisions == (Collision("due_date", ("due date", "due-date")),)
    with pytest.raises(NameCollisionError, match=r"2 names become 'due_date': 'due date', 'due-date'"):
        names_map.project_name("due_date", "Receipt")


def test_classes_that_disagree() -> None:
    """Two classes may spell a name differently: no collision, unless nobody says which class it is."""
    names_map = NameMap(by_class={"Invoice": ["net total", "tax"], "Receipt": ["net-total", "tax"]})
    assert names_map.collisions == ()
    assert names_map.project_name("net_total", "Receipt") == "net-total"
    assert names_map.project_name("tax") == "tax"
    with pytest.raises(NameCollisionError):
        names_map.project_name("net_total")
    with pytest.raises(UnknownNameError):
        names_map.project_name("net_total", "Letter")


@given(project_names, st.none() | st.text(), modes)
def test_a_label_never_fails(text: str, class_name: str | None, ascii: bool) -> None:
    """There is a label for every text, and it leads back to the text if the text is an API name."""
    label = NameMap(["due date", "due-date"], by_class={"": ["x"]}, ascii=ascii).label(text, class_name)
    if is_api_name(text, ascii=ascii):
        assert text in (sanitize(label, ascii=ascii), label)
    else:
        assert label == text


@given(name_lists, classed_lists)
def test_a_map_is_a_collection_of_names(names: list[str], by_class: dict[str, list[str]]) -> None:
    """A map holds each of the project's names once, in the order given."""
    names_map = NameMap(iter(names), by_class=by_class)
    expected = list(dict.fromkeys([*names, *itertools.chain.from_iterable(by_class.values())]))
    assert list(names_map) == expected
    assert len(names_map) == len(expected)
    assert all(name in names_map for name in expected)
    assert "no such name" not in names_map
    assert 3 not in names_map
    assert [] not in names_map


@given(name_lists, classed_lists, modes)
def test_equal_maps(names: list[str], by_class: dict[str, list[str]], ascii: bool) -> None:
    """Maps built alike are equal, hash alike, and survive pickling, as do their collisions, in any order of names."""
    names_map = NameMap(names, by_class=by_class, ascii=ascii)
    one, other = NameMap(["a", "b"]), NameMap(["b", "a"])
    assert (one, hash(one), one.digest) == (other, hash(other), other.digest)
    for twin in (NameMap(names, by_class=by_class, ascii=ascii), pickle.loads(pickle.dumps(names_map))):
        assert twin == names_map
        assert hash(twin) == hash(names_map)
        assert twin.digest == names_map.digest
        assert twin.collisions == names_map.collisions
        assert list(twin) == list(names_map)


def test_the_digest_is_of_the_documented_text() -> None:
    """A map's digest is made of its meaning in the form that the docs describe, so that any program can make it."""
    names = NameMap(["due date", "a", "half \ud800 pair"], by_class={"W-2": ["net-total"], "B": ["é"], "C": []})
    text = r'[false,["a","due date","half \ud800 pair"],{"B":["\u00e9"],"W-2":["net-total"]}]'
    assert names.digest == hashlib.sha256(text.encode("ascii")).hexdigest()


def test_a_digest_has_the_types() -> None:
    """With types, the digest is of the documented text with one object more."""
    names = NameMap(["a"], by_class={"B": ["c"]}, types={"a": "DATE"}, types_by_class={"B": {"c": "NUMBER"}})
    text = '[false,["a"],{"B":["c"]},{"":{"a":"DATE"},"B":{"c":"NUMBER"}}]'
    assert names.digest == hashlib.sha256(text.encode("ascii")).hexdigest()


def test_the_fields_of_a_class_are_its_own_and_the_common_ones() -> None:
    """A class's fields are its own names, then those without a class that it does not hide, with their types."""
    names = NameMap(
        ["due-date", "x", "net total", "net-total"],
        by_class={"A": ["total", "due date"]},
        types={"x": "NUMBER", "total": "TEXT", "net total": "NUMBER"},
        types_by_class={"A": {"total": "CURRENCY", "x": "DATE"}},
    )
    assert names.classes == ("A",)
    assert names.known_fields("A") == (
        KnownField("total", ("total",), "CURRENCY", "A"),
        KnownField("due_date", ("due date",), None, "A"),
        KnownField("x", ("x",), "DATE"),
        KnownField("net_total", ("net total", "net-total")),
    )
    common = names.known_fields()
    assert common == names.known_fields("another class")
    assert [(field.api_name, field.type) for field in common] == [
        ("due_date", None),
        ("x", "NUMBER"),
        ("net_total", None),
    ]
    assert (names.type("total", "A"), names.type("total", "B"), names.type("x", "B")) == ("CURRENCY", None, "NUMBER")
    assert names.type("total") == "TEXT"


def test_unequal_maps() -> None:
    """Another name, class or alphabet makes another map, and a map equals nothing else."""
    maps = [
        NameMap(),
        NameMap(ascii=True),
        NameMap(["a"]),
        NameMap(["a"], ascii=True),
        NameMap(["b"]),
        NameMap(by_class={"A": ["a"]}),
        NameMap(by_class={"B": ["a"]}),
        NameMap(["a"], types={"a": "DATE"}),
        NameMap(["a"], types={"a": "NUMBER"}),
        NameMap(by_class={"A": ["a"]}, types_by_class={"A": {"a": "DATE"}}),
    ]
    assert len(set(maps)) == len({each.digest for each in maps}) == len(maps)
    assert NameMap(["a"]) != ["a"]
    assert NameMap(by_class={"A": []}) == NameMap()


def test_a_map_can_not_be_changed() -> None:
    """Neither a map nor a collision takes an assignment, nor follows the lists that it was built of."""
    names = ["due date"]
    names_map = NameMap(names)
    names.append("due-date")
    assert len(names_map) == 1
    with pytest.raises(AttributeError):
        names_map.collisions = ()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(AttributeError):
        Collision("a_b", ("a b", "a-b")).names = ()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_a_repr_tells_no_names() -> None:
    """A map's repr counts, and shows none of the names."""
    names_map = NameMap(["due date", "due-date"], by_class={"Invoice": ["x\ud800"]})
    assert repr(names_map) == "<NameMap names=3, classes=1, collisions=1>"


@pytest.mark.parametrize(
    "arguments",
    [
        {"names": "due date"},
        {"names": b"due date"},
        {"names": {"Invoice": ["due date"]}},
        {"names": 3},
        {"names": None},
        {"names": ["due date", None]},
        {"by_class": ["Invoice"]},
        {"by_class": {"Invoice": "due date"}},
        {"by_class": {"Invoice": [3]}},
        {"by_class": {None: ["due date"]}},
        {"names": ["a"], "types": ["DATE"]},
        {"names": ["a"], "types": {"a": None}},
        {"names": ["a"], "types": {"b": "DATE"}},
        {"names": ["a"], "types_by_class": {"A": {"b": "DATE"}}},
        {"names": ["a"], "types_by_class": {"A": "DATE"}},
        {"names": ["a"], "types_by_class": ["DATE"]},
    ],
    ids=repr,
)
def test_what_is_no_list_of_names(arguments: dict[str, object]) -> None:
    """A lone string, a mapping, a number and a list of others are refused rather than taken to pieces."""
    with pytest.raises(ConfigurationError):
        NameMap(**arguments)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# Findings and guesses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "kinds"),
    [
        (["due date", "total"], []),
        (["Total", "TOTAL", "total"], ["case"]),
        (["stra\u00dfe", "STRASSE"], ["form"]),
        (["\ufb01rst", "FIRST"], ["form"]),
        (["é", "e\u0301"], ["form"]),
        (["due date", "due-date"], ["collision"]),
        (["due date", "due\u00a0date"], ["collision", "invisible"]),
        (["Due date", "due date", "due-date"], ["collision", "case"]),
        ([" a"], ["blank"]),
        (["a "], ["blank"]),
        (["a  b"], ["blank"]),
        (["a\tb", "c\u00add", "e\u200be", "\u3164", "x\ufe0f", "y\u200dz", "\u202ef"], ["invisible"] * 7),
        (["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u2764\ufe0f", "a b-c"], []),  # Persian, an emoji
    ],
    ids=repr,
)
def test_what_is_likely_to_go_wrong_is_found(names: list[str], kinds: list[str]) -> None:
    """Collisions, twins for engines, blanks and invisible characters are found, and nothing in plain names."""
    found = findings(NameMap(names))
    assert [finding.kind for finding in found] == kinds
    in_class = findings(NameMap(by_class={"A": names}))
    assert [(each.kind, each.names, each.class_name) for each in in_class] == [
        (each.kind, each.names, "A") for each in found
    ]


def test_twins_across_scopes_are_found_once() -> None:
    """A class's name and one without a class are twins in the class's table; what is among the latter is said once."""
    found = findings(NameMap(["Total", "x", "X"], by_class={"A": ["TOTAL"], "B": ["tax"], "C": ["Total"]}))
    assert [(each.kind, each.names, each.class_name) for each in found] == [
        ("case", ("x", "X"), None),
        ("case", ("TOTAL", "Total"), "A"),
    ]


def test_guesses_count_each_name_once() -> None:
    """Guesses are counted by name and class; known names, collisions and fields without a name are none."""
    guesses = Guesses(NameMap(["due date", "a b", "a-b"], by_class={"A": ["total"]}))
    assert guesses.describe() is None
    found = [("due_date", "A"), ("a_b", None), ("total", "B"), ("total", "A"), (None, "A"), ("x", []), ("x", None)]
    for _ in range(2):
        guesses.add(found)
    assert (guesses.count, guesses.names_seen, guesses.examples) == (2, 5, {"total": "total", "x": "x"})
    guesses.add([(f"name__{number}", None) for number in range(1200)])
    assert (guesses.describe() or "").startswith(
        "1,202 of the run's 1,205 field names are not in the names given and were guessed: 'total' as 'total',"
        " 'x' as 'x', 'name__0' as 'name_0' and others. Add them"
    )


def test_without_names_nothing_is_counted_as_guessed() -> None:
    """Where no names are given, guesses are what was asked for."""
    guesses = Guesses(NameMap())
    guesses.add([("x", None)])
    assert (guesses.count, guesses.describe()) == (0, None)


# Files ------------------------------------------------------------------------------------------------------


on_disk = settings(deadline=None)  # whose speed is not ours to test


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("names")


def written(folder: Path, suffix: str, content: str | bytes) -> Path:
    path = folder / f"fields{suffix}"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


CLASSED = NameMap(["packet total"], by_class={"Invoice": ["due date", "due-date"], "Receipt": ["due date"]})
TYPED = NameMap(["due date", " secret_id "], types={"due date": "DATE"})
PLAIN = NameMap(["due date", " secret_id "])


@pytest.mark.parametrize(
    ("suffix", "content", "expected"),
    [
        (".txt", "due date\n secret_id \n", PLAIN),
        (".txt", "# of Invoice\r\ndue date\r\n\r\n   \n secret_id ", PLAIN),
        (".txt", "\ufeffdue date\r secret_id \rdue date", PLAIN),
        (".names", "due date\n secret_id ", PLAIN),
        ("", "due date\n secret_id ", PLAIN),
        (".txt", "", NameMap()),
        (".txt", "\ufeff", NameMap()),
        (".txt", "a\x85b\u2028c\x0bd\x1ce", NameMap(["a\x85b\u2028c\x0bd\x1ce"])),
        (".txt", " # of pages", NameMap([" # of pages"])),
        (".json", '["due date", " secret_id ", "due date"]', PLAIN),
        (".JSON", '\ufeff["due date",\r\n" secret_id "]', PLAIN),
        (".json", "[]", NameMap()),
        (".json", "{}", NameMap()),
        (".json", '["\\ud800", "\\u0000", "", "#"]', NameMap(["\ud800", "\0", "", "#"])),
        (
            ".json",
            '{"Invoice": ["due date", "due-date"], "Receipt": ["due date"], "": ["packet total"]}',
            CLASSED,
        ),
        (
            ".json",
            '{"Invoice": ["due date"], "Receipt": ["due date"], "Invoice": ["due-date"], "": ["packet total"]}',
            CLASSED,
        ),
        (".csv", "name\ndue date\n secret_id \n", PLAIN),
        (".csv", "\ufeffField_Name,unit\r\ndue date,text\r\n,\r\n\r\n secret_id ,\r\n", PLAIN),
        (".csv", "Field_Name,Type\r\ndue date, DATE \r\n,\r\n secret_id ,\r\n", TYPED),
        (".json", '[{"name": "due date", "type": "DATE", "unit": 3}, {"name": " secret_id ", "type": null}]', TYPED),
        (".json", '[{"name": "due date", "type": "DATE"}, " secret_id "]', TYPED),
        (
            ".csv",
            "class,name,field_type\nA,total,NUMBER\n,total,TEXT\nB,total,\n",
            NameMap(
                ["total"],
                by_class={"A": ["total"], "B": ["total"]},
                types={"total": "TEXT"},
                types_by_class={"A": {"total": "NUMBER"}},
            ),
        ),
        (".csv", 'FIELD\r"due date"\r" secret_id "', PLAIN),
        (".csv", "name\n", NameMap()),
        (".csv", 'name\n"a,b"\n"a\nb"\n"say ""x"""\n#\n', NameMap(["a,b", "a\nb", 'say "x"', "#"])),
        (
            ".CSV",
            "name, class\ndue date,Invoice\ndue-date, Invoice \ndue date,Receipt\npacket total,\n",
            CLASSED,
        ),
        (
            ".csv",
            "class_name,x,field\nInvoice,,due date\nInvoice,,due-date\nReceipt,,due date\n,,packet total\n",
            CLASSED,
        ),
        (".csv", "name,class\npacket total\n", NameMap(["packet total"])),
    ],
)
def test_files(folder: Path, suffix: str, content: str, expected: NameMap) -> None:
    """Every format, with every kind of line end and with a byte order mark, gives the names it holds."""
    names_map = NameMap.read(written(folder, suffix, content))
    assert names_map == expected
    assert names_map.collisions == expected.collisions


@pytest.mark.parametrize(
    ("suffix", "content", "message"),
    [
        (".txt", b"due date\r\nStra\xdfe\n", "line 2 is not UTF-8"),
        (".txt", b"\xef\xbb\xbfdue date\n\n\xff", "line 3 is not UTF-8"),
        (".txt", b"\xef\xbb\xbfdue date\xff\n\n\n", "line 1 is not UTF-8"),
        (".txt", "due date\n".encode("utf-16"), "line 1 is not UTF-8"),
        (".txt", "x\ndue date\n".encode("utf-16-le"), "line 1 holds a NUL"),
        (".txt", b"x\n\0\n", "line 2 holds a NUL"),
        (".txt", b"x" * (16 * 1024 * 1024 + 1), "more than 16777216 bytes"),
        (".json", b"", "not JSON"),
        (".json", b"[", "not JSON"),
        (".json", b'["a"] x', "not JSON"),
        (".json", b"\xef\xbb\xbf\xef\xbb\xbf[]", "not JSON"),
        (".json", b'["\xff"]', "line 1 is not UTF-8"),
        (".json", b"[" * 200_000, "nested too deeply"),
        (".json", b'{"a":' * 200_000, "nested too deeply"),
        (".json", b"[" + b"9" * 5000 + b"]", "not JSON"),
        (".json", b"[NaN]", r"\$\[0\] is not a string"),
        (".json", b'"due date"', r"\$ is neither"),
        (".json", b"null", r"\$ is neither"),
        (".json", b'["a", null]', r"\$\[1\] is not a string"),
        (".json", b'["a", ["b"]]', r"\$\[1\] is not a string"),
        (".json", b'[["a"]]', r"\$\[0\] is not a string"),
        (".json", b'{"Invoice": "a"}', r"\$\['Invoice'\] is not a list"),
        (".json", b'{"Invoice": {}}', r"\$\['Invoice'\] is not a list"),
        (".json", b'{"A": ["a"], "B": ["a", 1]}', r"\$\['B'\]\[1\] is not a string"),
        (".csv", b"", "no column called field or field_name or name"),
        (".csv", b"\nname\n", "no column called"),
        (".csv", b"due date\nsecret_id\n", "no column called"),
        (".csv", b"name;class\na;b\n", "no column called"),
        (".csv", b"name,field\na,b\n", "more than one column called"),
        (".csv", b"name,class,class\na,b,c\n", "more than one column called"),
        (".csv", b"name\na\nb,c\n", "line 3 has more cells"),
        (".csv", b"name,class\na,Invoice\n,Invoice\n", "line 3 has no name"),
        (".csv", b"class,name\nInvoice\n", "line 2 has no name"),
        (".csv", b"name,type\na,DATE\na,TEXT\n", "'a' has two types"),
        (".csv", b"name,type,field_type\na,DATE,TEXT\n", "more than one column called field_type or type"),
        (".json", b'[{"type": "DATE"}]', "an object without a name"),
        (".json", b'[{"name": "a", "type": 3}]', "name or type is not a string"),
        (".csv", b'name\na\n"b\nc\n', "line 4 is not CSV"),
        (".csv", b'name\n"a"b\n', "line 2 is not CSV"),
        (".csv", b"name\n" + b"a" * 200_000, "line 2 is not CSV"),
        (".csv", b"name\na\0b\n", "line 2 (holds a NUL|is not CSV)"),
        (".csv", b"name\n\xe9t\xe9\n", "line 2 is not UTF-8"),
    ],
)
def test_bad_files(folder: Path, suffix: str, content: bytes, message: str) -> None:
    """A file that is not what its suffix says is refused, and the message names the file and the place."""
    path = written(folder, suffix, content)
    with pytest.raises(ConfigurationError, match=message) as caught:
        NameMap.read(path)
    assert repr(str(path)) in str(caught.value)


def test_no_file(folder: Path) -> None:
    """A missing file, a folder and an impossible path are configuration errors like any other."""
    missing = folder / "missing.txt"
    for path in (missing, str(missing), folder, "", "a\0b.json", "a\ud800b.csv", "x" * 5000):
        with pytest.raises(ConfigurationError, match="cannot read"):
            NameMap.read(path)


def test_a_closed_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be opened is a configuration error that says so."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = written(folder, ".txt", "x")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigurationError, match=r"cannot read .*: Permission denied"):
        NameMap.read(path)


def test_the_alphabet_of_a_file(folder: Path) -> None:
    """A map read for an ASCII-only service follows the ASCII-only rule."""
    path = written(folder, ".txt", "Straße\n")
    assert NameMap.read(path, ascii=True).project_name("Stra_e") == "Straße"
    assert NameMap.read(path).project_name("Straße") == "Straße"


@given(st.lists(project_names), st.dictionaries(st.text(min_size=1, max_size=3), st.lists(project_names)))
@on_disk
def test_json_keeps_every_name(folder: Path, names: list[str], by_class: dict[str, list[str]]) -> None:
    """Whatever the names are, JSON brings them back exactly, with and without classes."""
    assert list(NameMap.read(written(folder, ".json", json.dumps(names)))) == list(dict.fromkeys(names))
    both = written(folder, ".json", json.dumps({"": names, **by_class}))
    assert NameMap.read(both) == NameMap(names, by_class=by_class)


utf8_names = st.text(
    st.sampled_from("_ a3#\"',;é\u2028\x85") | st.characters(codec="utf-8"), min_size=1, max_size=8
).filter(lambda name: "\0" not in name)


@given(st.lists(st.tuples(utf8_names, classes | st.just(""))))
@on_disk
def test_csv_keeps_every_name(folder: Path, entries: list[tuple[str, str]]) -> None:
    """Whatever a CSV writer wrote, commas, quotes and line ends included, comes back exactly."""
    stream = io.StringIO()
    csv.writer(stream).writerows([("name", "class"), *entries])
    expected = NameMap(
        [name for name, class_name in entries if not class_name],
        by_class={each: [n for n, class_name in entries if class_name == each] for _, each in entries if each},
    )
    assert NameMap.read(written(folder, ".csv", stream.getvalue())) == expected


@given(st.lists(utf8_names), st.sampled_from(["\n", "\r\n", "\r"]))
@on_disk
def test_text_keeps_every_line(folder: Path, names: list[str], end: str) -> None:
    """A text file gives its lines exactly, whatever ends them, but for blank ones and comments."""
    lines = [name for name in names if not set(name) & {"\r", "\n"} and not name.startswith("\ufeff")]
    kept = [line for line in lines if line.strip() and line[0] != "#"]
    path = written(folder, ".txt", "".join(line + end for line in lines))
    assert list(NameMap.read(path)) == list(dict.fromkeys(kept))


@given(
    st.binary(max_size=40)
    | st.text('[]{}",:\\u00e9 nametrue1\r\n\ufeff', max_size=40).map(str.encode)
    | st.text('name,class"\r\n \0', max_size=40).map("name,class\n{}".format).map(str.encode),
    st.sampled_from([".txt", ".json", ".csv"]),
)
@on_disk
def test_no_file_brings_a_foreign_error(folder: Path, content: bytes, suffix: str) -> None:
    """Any bytes at all are a map or a configuration error."""
    path = written(folder, suffix, content)
    with contextlib.suppress(ConfigurationError):
        assert isinstance(NameMap.read(path), NameMap)
