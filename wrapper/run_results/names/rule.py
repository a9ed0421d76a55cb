"""The field-name rule of the service, and the likeliest original name of an API name.

The service turns a project's field name into a valid Python variable name (the vendor's page of the
operation, "Get run results"). In this order:

1. every ``_`` becomes ``__``;
2. every character that may not stand in a variable name becomes ``_``;
3. a name that does not start with a letter or ``_`` gets ``_`` in front.

==================== ====================
project              API
==================== ====================
``due date``         ``due_date``
``driver's license`` ``driver_s_license``
``3rd category``     ``_3rd_category``
``secret_id``        ``secret__id``
==================== ====================

The rule loses information (``due date`` and ``due-date`` meet), so the way back needs the project's
names: that is `NameMap`. Without them there is `guess`, and ``sanitize(guess(x)) == x`` for every API name.

What the page leaves open is decided so:

- Letters and digits are those of Python identifiers, one code point at a time, by the Unicode tables of the
  running Python; ``ascii=True`` is for a service that knows only ASCII. A lone surrogate is no letter.
- Nothing is normalised. Python's parser folds identifiers to NFKC, but an API name is a string on the
  wire, compared code point by code point, and folding would merge names that the rule keeps apart.
- The empty name becomes ``_`` (step 3, taken literally). Keywords such as ``class`` are left alone.
"""

from run_results.errors import InvalidNameError
from run_results.text import quote


class _Step2(dict[int, int]):
    """The table of step 2 for `str.translate`: filled as code points are met, and emptied when full."""

    LIMIT = 4096  # more than any project's alphabet; less than a hostile name could make us keep

    def __init__(self, *, ascii: bool) -> None:
        super().__init__()
        self._ascii = ascii

    def __missing__(self, code: int) -> int:
        # `isidentifier` and not `\w`: the regular expression also takes "²", and leaves out "·" and accents.
        stands = is_api_name("a" + chr(code), ascii=self._ascii)
        if len(self) >= self.LIMIT:
            self.clear()
        self[code] = result = code if stands else ord("_")
        return result


_UNICODE_STEP_2 = _Step2(ascii=False)
_ASCII_STEP_2 = _Step2(ascii=True)


def sanitize(name: str, *, ascii: bool = False) -> str:
    """The API name that the service makes of a project's field name.

    This is the rule in the module's docstring. The underscores of steps 2 and 3 are never doubled, so
    the function is not idempotent: ``sanitize("a b")`` is ``a_b``, ``sanitize("a_b")`` is ``a__b``.

    Args:
        name: Any string; the empty one becomes ``_``.
        ascii: Take only ASCII letters and digits for letters and digits.

    >>> sanitize("driver's license"), sanitize("3rd category"), sanitize("secret_id")
    ('driver_s_license', '_3rd_category', 'secret__id')
    >>> sanitize("Straße"), sanitize("Straße", ascii=True)
    ('Straße', 'Stra_e')
    """
    doubled = name.replace("_", "__")
    if is_api_name(doubled, ascii=ascii):  # steps 2 and 3 have nothing to do: most names, and much cheaper
        return doubled
    valid = doubled.translate(_ASCII_STEP_2 if ascii else _UNICODE_STEP_2)
    return valid if valid[:1].isidentifier() else "_" + valid


def is_api_name(name: str, *, ascii: bool = False) -> bool:
    """Whether the service could have made this name.

    It could have made every Python identifier (`guess` gives a project's name for each) and nothing else.

    >>> is_api_name("_3rd_category"), is_api_name("3rd category"), is_api_name("")
    (True, False, False)
    """
    return name.isidentifier() and (not ascii or name.isascii())


def guess(api_name: str, *, ascii: bool = False) -> str:
    """The most likely project's name behind an API name, when the project's names are not at hand.

    From left to right ``__`` was one ``_`` and a single ``_`` was a space; a leading ``_`` before a character
    that can't start a name was put there by step 3. Always ``sanitize(guess(x)) == x``; whether the project's
    name was this one cannot be known: ``driver_s_license`` gives ``driver s license``.

    Raises:
        InvalidNameError: The service can't have made this name.

    >>> guess("_3rd_category"), guess("secret__id")
    ('3rd category', 'secret_id')
    """
    if not is_api_name(api_name, ascii=ascii):
        raise InvalidNameError(f"{quote(api_name)} is not a name that the service can give", name=api_name)
    if api_name[0] == "_" and api_name[1:] and not api_name[1].isidentifier():
        api_name = api_name[1:]
    return api_name.replace("_", " ").replace("  ", "_")  # `replace` pairs from the left
