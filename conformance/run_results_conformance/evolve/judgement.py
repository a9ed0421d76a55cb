"""The changes between two contracts, what they ask of the version, and how they are shown."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import evolve, frozen

from .change import Change, Verdict
from .document import WORDS, Document, Node
from .operations import changes as changes_of

_STEPS = ("none", "patch", "minor", "major")


@frozen
class Judgement:
    """What changed from one contract to another.

    `words` are the pointers to texts and examples that differ; they change no request and no answer. `old` and `new`
    are the versions that the documents say (`info.version`).
    """

    changes: tuple[Change, ...]
    words: tuple[str, ...]
    old: str
    new: str

    @property
    def verdict(self) -> Verdict:
        """The most severe verdict of all."""
        return max((change.verdict for change in self.changes), default=Verdict.SAFE)

    @property
    def step(self) -> str:
        """The version step that is due, after Semantic Versioning: `major`, `minor`, `patch` or `none`."""
        if self.verdict is Verdict.BREAKS:
            return "major"
        if self.changes:
            return "minor"
        return "patch" if self.words else "none"

    @property
    def due(self) -> str:
        """The lowest version that says so. Before 1.0.0 a break is a minor step."""
        major, minor, patch = version(self.old)
        step = self.step
        if step == "major" and major == 0:
            step = "minor"
        return {
            "major": f"{major + 1}.0.0",
            "minor": f"{major}.{minor + 1}.0",
            "patch": f"{major}.{minor}.{patch + 1}",
            "none": f"{major}.{minor}.{patch}",
        }[step]


def judge(old: Document, new: Document) -> Judgement:
    """Compares two contracts. Raises CannotJudge.

    >>> from pathlib import Path
    >>> spec = Document.read(Path("openapi.yaml"))                  # doctest: +SKIP
    >>> judge(spec, spec).step                                      # doctest: +SKIP
    'none'
    """
    once = _once(changes_of(old, new))
    return Judgement(
        tuple(sorted(once, key=lambda change: -change.verdict)), tuple(_words(old, new)), _version(old), _version(new)
    )


def _once(changes: Sequence[Change]) -> Iterator[Change]:
    """One change for all the places where the same part of the document is used."""
    groups: dict[tuple[object, ...], list[Change]] = {}
    for change in changes:
        name = change.place.rsplit(".", 1)[-1]
        key = (change.pointer, name, change.what, change.readers, change.senders, change.rule)
        groups.setdefault(key, []).append(change)
    for group in groups.values():
        yield evolve(group[0], more=len(group) - 1)


def version(text: str) -> tuple[int, int, int]:
    """The three numbers of a version; what is missing is 0."""
    numbers = [int(number) for number in re.findall(r"\d+", text)[:3]]
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    return major, minor, patch


def _version(document: Document) -> str:
    return str(document.root.get("info", {}).get("version", "0.0.0"))


def _words(old: Document, new: Document) -> list[str]:
    """Pointers to texts that differ, where both documents have the same place."""
    found: list[str] = []
    under_way = [(Node(old.root, "#"), Node(new.root, "#"))]
    while under_way:
        one, other = under_way.pop()
        if not (isinstance(one.value, dict) and isinstance(other.value, dict)):
            continue
        names = one.pointer.endswith("/properties")
        for key in sorted(one.value.keys() | other.value.keys()):
            if key in WORDS and not names:
                if one.value.get(key) != other.value.get(key):
                    found.append(f"{other.pointer}/{key}")
            elif key in one.value and key in other.value:
                under_way.append((one[key], other[key]))
                both = one.value[key], other.value[key]
                if all(isinstance(part, list) for part in both) and len(both[0]) == len(both[1]):
                    under_way.extend(zip(one[key].elements(), other[key].elements(), strict=True))
    return sorted(found)


# --- Showing it ---------------------------------------------------------------------------------------------


def as_text(judgement: Judgement, *, words: bool = False) -> str:
    """One line a change, then the version step that is due."""
    lines = [
        f"readers {change.readers.word:7} senders {change.senders.word:7} {change.shown_place}: {change.what}. "
        f"{change.rule} [{change.pointer}]"
        for change in judgement.changes
    ]
    if words:
        lines += [f"text only: {pointer}" for pointer in judgement.words]
    elif judgement.words:
        count = len(judgement.words)
        differ = "text differs" if count == 1 else "texts differ"
        lines.append(f"{count} {differ}, which changes nothing for anybody (--text shows them).")
    if not lines:
        lines.append("The two contracts say the same.")
    return "\n".join([*lines, "", _due(judgement)]) + "\n"


def _due(judgement: Judgement) -> str:
    if judgement.step == "none":
        return f"Version: {judgement.old} stays."
    said = version(judgement.new) >= version(judgement.due)
    because = {
        "major": "something breaks",
        "minor": "nothing breaks, but something changed"
        if judgement.verdict
        else "something is new, and nothing breaks",
        "patch": "only texts changed",
    }[judgement.step]
    state = f"the new document says {judgement.new}" if said else f"the new document still says {judgement.new}"
    return f"Version: {judgement.due} or higher is due, because {because}; {state}."


def as_json(judgement: Judgement) -> str:
    """The judgement as one JSON object."""
    content: dict[str, Any] = {
        "verdict": judgement.verdict.word,
        "version": {"old": judgement.old, "new": judgement.new, "step": judgement.step, "due": judgement.due},
        "changes": [
            {
                "place": change.place,
                "more_places": change.more,
                "pointer": change.pointer,
                "what": change.what,
                "readers": change.readers.word,
                "senders": change.senders.word,
                "rule": change.rule,
                "heading": change.heading,
            }
            for change in judgement.changes
        ],
        "words": list(judgement.words),
        "changelog": fragment(judgement),
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def as_markdown(judgement: Judgement) -> str:
    """A table for a pull request, and the changelog fragment."""
    lines = ["| for readers | for senders | where | what | why |", "|---|---|---|---|---|"]
    lines += [
        f"| {change.readers.word} | {change.senders.word} | `{_cell(change.shown_place)}` | {_cell(change.what)} "
        f"| {_cell(change.rule)} |"
        for change in judgement.changes
    ]
    if not judgement.changes:
        lines = ["The two contracts say the same." if not judgement.words else "Only texts differ."]
    return "\n".join([*lines, "", _due(judgement), "", fragment(judgement)]).rstrip() + "\n"


def fragment(judgement: Judgement) -> str:
    """What CHANGELOG.md has to say, in the form of Keep a Changelog; empty if there is nothing to say."""
    groups: dict[str, list[str]] = {"Changed": [], "Deprecated": [], "Removed": [], "Added": []}
    for change in judgement.changes:
        groups[change.heading].append(f"- {_mark(change)}`{change.shown_place}` {change.what}.")
    return "\n".join(line for name, lines in groups.items() if lines for line in (f"### {name}", "", *lines, ""))


def _mark(change: Change) -> str:
    if change.verdict is Verdict.BREAKS:
        sides = [
            name
            for name, verdict in (("readers", change.readers), ("senders", change.senders))
            if verdict is Verdict.BREAKS
        ]
        return f"**Breaks {' and '.join(sides)}:** "
    return ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
