"""A request, and an answer."""

import shlex

from attrs import field, frozen

from .token import ANY_FORM

Headers = tuple[tuple[str, str], ...]
"""Header fields in the order of the wire, doubled ones included; text is latin-1."""


@frozen
class Request:
    """One request. `target` is what stands in the request line, in latin-1.

    Where it is for the results of a run: `run_id` (before it was encoded), `offset` and `flags`. None says that this is
    open, as with a parameter that is malformed. Where it is for a list of runs: `parameters`, before they were encoded.
    """

    target: str
    headers: Headers = ()
    method: str = "GET"
    run_id: str | None = None
    offset: int | None = None
    flags: frozenset[str] | None = None
    parameters: tuple[tuple[str, str], ...] | None = None

    def curl(self, origin: str) -> str:
        """The request as a line for a shell, with the token as `$RUN_RESULTS_TOKEN`."""
        words = ["curl", "-sSi", "--path-as-is", "--globoff"]
        if self.method == "HEAD":
            words.append("--head")
        elif self.method != "GET":
            words += ["-X", shlex.quote(self.method)]
        for name, value in self.headers:
            words += ["-H", _quote(f"{name}: {value}" if value else f"{name};")]
        return " ".join([*words, _quote(origin + self.target)])


def _quote(text: str) -> str:
    """Quotes for bash: the token's expressions stay expressions, everything else is literal."""
    parts: list[str] = []
    end = 0
    for found in ANY_FORM.finditer(text):
        parts += [_quote_literal(text[end : found.start()]), f'"{found[0]}"']
        end = found.end()
    return "".join([*parts, _quote_literal(text[end:])]) or "''"


def _quote_literal(text: str) -> str:
    if text == "":
        return ""
    if text.isascii() and text.isprintable():
        return shlex.quote(text)
    escaped = text.replace("\\", r"\\").replace("'", r"\'")
    return "$'" + "".join(c if " " <= c <= "~" else f"\\x{ord(c):02x}" for c in escaped) + "'"


@frozen(eq=False)
class Answer:
    """What came back. With a `fault` the answer is not whole, and `status` is 0 where not even that came.

    `fault` says in words what went wrong on the wire; `late` that the time was over, `refused` that there was no
    connection for HTTP at all. `framing`
    is `length`, `chunked`, `close` or `none`: how the end of the body was known. `extra` is the number of bytes
    that followed the body unasked, `missing` the number that Content-Length promised and that did not come.
    """

    status: int = 0
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)
    seconds: float = 0.0
    framing: str = "length"
    extra: int = 0
    missing: int = 0
    fault: str | None = None
    late: bool = False
    refused: bool = False

    @property
    def unheard(self) -> bool:
        """Whether there was no connection, or nothing that begins an answer came in time."""
        return self.refused or (self.late and self.status == 0)

    def header(self, name: str) -> list[str]:
        """The values of a header, one for each line of it."""
        return [value for key, value in self.headers if key.lower() == name]
