"""What a verification sends: every kind of request, in words for the command's help and docs/rules.md.

A test holds the list against what a recording server is sent. And how many requests without the right token there may
be: a server can lock an account, a token or an address for them.
"""

from attrs import define, frozen

MOST_WRONG_TOKENS = 25
_MOST_IN_A_ROW = 3


@frozen
class Traffic:
    """A kind of request: its name, and what is sent."""

    name: str
    words: str


TRAFFIC: tuple[Traffic, ...] = (
    Traffic("pages", "GET for pages of the runs that are named, with the token"),
    Traffic("head", "HEAD for such a page, with and without a token"),
    Traffic(
        "wrong tokens",
        f"requests without a token or with a wrong one: at most {MOST_WRONG_TOKENS} (--wrong-tokens), one with the "
        f"right token after every {_MOST_IN_A_ROW}, and none after a sign that the server locks callers out",
    ),
    Traffic(
        "token elsewhere",
        "only to this machine, and not with --safe: the token in a query, a cookie and other headers",
    ),
    Traffic(
        "other ids", "ids of other runs or of none: changed ones, random ones, unusual ones, one of 3,000 characters"
    ),
    Traffic("lists", "GET for lists of runs, unless the server has none: at most 50, and a fifth of all requests"),
    Traffic("other contexts", "names of other contexts, most of them made up, one of 2,000 characters"),
    Traffic(
        "parameters",
        "parameters that are malformed, unknown, given twice or spelled in another way, the longest of 100 digits",
    ),
    Traffic(
        "headers",
        "headers that this operation does not use, such as Range and X-Forwarded-For, the longest of 4,000 characters",
    ),
    Traffic("paths", "other spellings of the path: another case, more slashes, dot segments"),
    Traffic(
        "other methods",
        "only with --unsafe-methods: POST, PUT, DELETE, TRACE and a made-up method, to an id that has just answered "
        "404 to a GET, until one of them is not refused",
    ),
)
"""What is sent, one request at a time."""


def as_list() -> list[str]:
    """The kinds as a list in Markdown."""
    return [f"- {each.words}{';' if each is not TRAFFIC[-1] else '.'}" for each in TRAFFIC]


@define
class WrongTokens:
    """Counts requests without the right token. `left` says how many may still be sent, `reason` why none may."""

    left: int
    reason: str = "left out by --wrong-tokens"
    sent: int = 0
    _in_a_row: int = 0

    def note(self, status: int) -> bool:
        """Counts one that was answered with a status. Gives whether the right token must be tried before the next."""
        self.left -= 1
        self.sent += 1
        self._in_a_row = (self._in_a_row + 1) % _MOST_IN_A_ROW
        if status in (423, 429):
            self.left = 0
            self.reason = f"the server answered a wrong token with {status}: no more were sent"
        return self._in_a_row == 0
