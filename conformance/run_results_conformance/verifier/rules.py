"""The rule catalogue: what the verifier holds against a server, one promise each.

A rule is data: an id, the sentence of the contract that it rests on, and two names, one for the check (after
the promise) and one for the failure (after the breach). How a rule is judged is the business of `checks`;
that every rule is judged somewhere, and can be broken, is held by tests.

A rule's level is MUST where the contract, or a standard that it names, says so. Where the contract is silent
but a careful server does one thing and not another, the level is POLICY: reported, and no failure unless the
caller asks for it.

    python -m run_results_conformance.verifier.rules        # docs/rules.md, from this catalogue
"""

from collections.abc import Collection, Iterator
from enum import StrEnum

from attrs import frozen


class Level(StrEnum):
    """How binding a rule is."""

    MUST = "MUST"
    POLICY = "POLICY"


@frozen
class Rule:
    """One promise of the contract.

    `id` is `family.name`. `sentence` is what the contract says, `source` where it says so. `check` is named
    after the promise, `failure` after the breach. `needs` is what must be known, or have been seen, for the
    rule to be judged at all.
    """

    id: str
    check: str
    failure: str
    sentence: str
    source: str
    level: Level = Level.MUST
    needs: str = "a readable run"

    @property
    def family(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]


FAMILIES: dict[str, str] = {
    "wire": "Bytes: one well-formed answer to each request, one well-formed JSON text in it.",
    "shape": "The 200 answer against the schemas of the spec.",
    "errors": "Every status other than 200.",
    "authentication": "Who may ask.",
    "inputs": "What may be asked, and what happens to what may not.",
    "paging": "The laws of offsets and pages.",
    "flags": "The laws of the include flags.",
    "names": "The field-name rule.",
    "state": "What the answer says of the run as a whole.",
    "context": "The caller's contexts.",
    "latency": "Time.",
}
"""What each family is about, in the order of the catalogue."""

_SPEC = "openapi.yaml"
_PAGE = "vendor's page, Get run results"
_DECISIONS = "docs/contract.md"
_ANY = "any answer"
_READ = "a 200 answer"
_LONG = "a run of at least two files, with offsets that can be read"
_MANIFEST = "a manifest that says so"

_POLICY = Level.POLICY

RULES: tuple[Rule, ...] = (
    # --- wire -----------------------------------------------------------------------------------------------
    Rule(
        "wire.answered",
        "every_request_is_answered",
        "NoAnswer",
        "A server sends a response to each request, complete and as its framing says, unless the connection is closed "
        "for a reason of the network.",
        "RFC 9112, 6, 8 and 9.3",
        needs="a connection",
    ),
    Rule(
        "wire.status",
        "success_is_200",
        "OtherSuccess",
        "A page of the run's results is the answer of status 200; it is the only status of success.",
        f"{_SPEC}, responses",
        needs=_ANY,
    ),
    Rule(
        "wire.content-type",
        "the_media_type_is_json",
        "OtherMediaType",
        "Every body is application/json; a charset, where one is given, is UTF-8.",
        f"{_SPEC}, responses; RFC 8259, 8.1 and 11",
        needs=_ANY,
    ),
    Rule(
        "wire.utf8",
        "the_body_is_utf8",
        "NotUtf8",
        "JSON text exchanged between systems must be encoded using UTF-8.",
        "RFC 8259, 8.1",
        needs=_ANY,
    ),
    Rule(
        "wire.bom",
        "no_byte_order_mark",
        "ByteOrderMark",
        "Implementations must not add a byte order mark to the beginning of a networked-transmitted JSON text.",
        "RFC 8259, 8.1",
        needs=_ANY,
    ),
    Rule(
        "wire.json",
        "the_body_is_one_json_text",
        "NotJson",
        "A body is one JSON text by the grammar, with nothing but white space around it.",
        "RFC 8259, 2",
        needs=_ANY,
    ),
    Rule(
        "wire.duplicate-keys",
        "names_are_unique",
        "DuplicateKey",
        "The names within an object should be unique; which of two members a reader keeps is unpredictable.",
        "RFC 8259, 4",
        needs=_ANY,
    ),
    Rule(
        "wire.numbers",
        "numbers_are_finite",
        "NotANumber",
        "Numeric values that cannot be represented in the grammar, such as Infinity and NaN, are not permitted.",
        "RFC 8259, 6",
        needs=_ANY,
    ),
    Rule(
        "wire.surrogates",
        "strings_are_unicode",
        "LoneSurrogate",
        "A string with an unpaired surrogate names no sequence of characters; what readers do is unpredictable.",
        "RFC 8259, 8.2",
        needs=_ANY,
    ),
    Rule(
        "wire.length",
        "the_length_is_right",
        "WrongLength",
        "Content-Length is the number of bytes of the body, and nothing follows the body until the next request.",
        "RFC 9112, 6.3; RFC 9110, 8.6",
        needs=_ANY,
    ),
    Rule(
        "wire.coding",
        "no_coding_unasked",
        "UnaskedCoding",
        "A request that takes no coding, by Accept-Encoding: identity or a weight of 0, is answered without one.",
        "RFC 9110, 12.5.3",
        needs=_ANY,
    ),
    Rule(
        "wire.gzip",
        "gzip_holds_the_same",
        "CodingDiffers",
        "An answer that is compressed because the request accepts gzip decodes to the answer without compression.",
        "RFC 9110, 8.4 and 12.5.3",
    ),
    Rule(
        "wire.head",
        "head_is_get_without_body",
        "HeadDiffers",
        "Where HEAD is supported, it is answered as GET is, with the same status and length but no body.",
        "RFC 9110, 9.3.2 and 8.6",
    ),
    # --- shape ----------------------------------------------------------------------------------------------
    Rule(
        "shape.results",
        "the_answer_fits_its_schema",
        "SchemaBroken",
        "The 200 answer is a RunResults: required members are there, types and ranges are as the schemas say; an "
        "integer is written without fraction and exponent, as int64 needs it.",
        f"{_SPEC}, RunResults",
        needs=_READ,
    ),
    # --- errors ---------------------------------------------------------------------------------------------
    Rule(
        "errors.shape",
        "errors_have_a_message",
        "NoMessage",
        'Every status but 200 answers {"message": ...} as JSON, 404 and 405 of the framework included.',
        f"{_SPEC}, Error and default; {_DECISIONS}",
        needs="an answer of another status than 200",
    ),
    Rule(
        "errors.server-error",
        "bad_input_is_no_server_error",
        "ServerError",
        "What the caller sends is answered or refused; 500 says that the server failed.",
        f"{_SPEC}, ServerError; RFC 9110, 15.5 and 15.6",
        needs=_ANY,
    ),
    Rule(
        "errors.authenticate",
        "unauthorized_names_the_scheme",
        "NoChallenge",
        "A server that answers 401 must send WWW-Authenticate; it names Bearer.",
        f"{_SPEC}, WwwAuthenticate; RFC 9110, 15.5.2",
        needs="a 401 answer",
    ),
    Rule(
        "errors.allow",
        "not_allowed_says_what_is",
        "NoAllow",
        "The origin server must generate an Allow header field in a 405 response; GET is in it.",
        "RFC 9110, 15.5.6",
        needs="a 405 answer: see --unsafe-methods",
    ),
    Rule(
        "errors.retry-after",
        "retry_after_can_be_read",
        "UnreadableRetryAfter",
        "Retry-After is a number of seconds or an HTTP date.",
        f"{_SPEC}, RetryAfter; RFC 9110, 10.2.3",
        needs="an answer with Retry-After",
    ),
    Rule(
        "errors.discreet",
        "errors_hide_the_inside",
        "InsideShown",
        "An error is for people who call the service, not for those who wrote it: no traceback, no query, no path of a "
        "source file.",
        "good practice (CWE-209)",
        _POLICY,
        needs="an answer of another status than 200",
    ),
    Rule(
        "errors.token",
        "the_token_is_not_echoed",
        "TokenEchoed",
        "No answer holds the caller's token.",
        "good practice (CWE-532)",
        _POLICY,
        needs=_ANY,
    ),
    # --- authentication -------------------------------------------------------------------------------------
    Rule(
        "authentication.required",
        "a_token_is_required",
        "AnsweredWithoutToken",
        "The operation needs a bearer token; 401 when it is missing, whatever is asked.",
        f"{_SPEC}, security and Unauthorized",
    ),
    Rule(
        "authentication.before-lookup",
        "a_stranger_learns_nothing",
        "RunTold",
        "401 when the token is missing comes first: whether there is such a run, and what else is wrong, is not told.",
        f"{_DECISIONS}, Which error comes first?",
        _POLICY,
    ),
    Rule(
        "authentication.empty",
        "an_empty_token_is_none",
        "EmptyTokenAccepted",
        "An Authorization header without a token is answered with 401.",
        f"{_SPEC}, Unauthorized",
    ),
    Rule(
        "authentication.exact",
        "only_the_whole_token_is_valid",
        "OtherTokenAccepted",
        "A token that is not valid is answered with 401: another one, a part of it, more than it, another case.",
        f"{_SPEC}, Unauthorized",
    ),
    Rule(
        "authentication.scheme",
        "only_bearer_is_accepted",
        "OtherSchemeAccepted",
        "The token is sent as Authorization with the scheme Bearer, a space between them.",
        f"{_SPEC}, securitySchemes; RFC 9110, 11.4",
    ),
    Rule(
        "authentication.scheme-case",
        "the_scheme_has_no_case",
        "SchemeCaseRefused",
        "It uses a case-insensitive token to identify the authentication scheme.",
        "RFC 9110, 11.1",
    ),
    Rule(
        "authentication.header-only",
        "a_token_elsewhere_is_none",
        "TokenTakenFromElsewhere",
        "The token is sent as Authorization: not in the query, where it would be written into logs, not in a cookie, "
        "not in another header.",
        f"{_SPEC}, securitySchemes; RFC 6750, 5.3",
        needs="a server on this machine: elsewhere the token would be written into its log",
    ),
    Rule(
        "authentication.doubled",
        "two_authorizations_are_refused",
        "DoubledAuthorization",
        "Authorization is one value; with two of them it is open who asks.",
        "RFC 9110, 5.3",
        _POLICY,
    ),
    # --- inputs ---------------------------------------------------------------------------------------------
    Rule(
        "inputs.run-id-exact",
        "a_run_id_is_taken_whole",
        "OtherRunIdAnswered",
        "The run whose results are wanted, and no other: an id that differs from it in any way, by case, by what "
        "stands around it, by a part of it, by its Unicode form, by decoding twice, is another's or nobody's: 404.",
        f"{_SPEC}, RunId and NotFound",
    ),
    Rule(
        "inputs.run-id-odd",
        "odd_run_ids_are_refused",
        "OddRunIdAnswered",
        "There is no such run: what names none is refused as a mistake of the caller.",
        f"{_SPEC}, RunId and NotFound",
    ),
    Rule(
        "inputs.path-encoding",
        "the_path_is_percent_decoded",
        "PathNotDecoded",
        "URIs that differ in the percent-encoding of an unreserved character are equivalent.",
        "RFC 3986, 2.3",
        needs="a readable run with a letter or digit in its id",
    ),
    Rule(
        "inputs.path",
        "other_paths_are_refused",
        "OtherPathAnswered",
        "The operation has one path, in one spelling: its case, its slashes, its segments and its bytes are taken as "
        "they are.",
        f"{_SPEC}, paths; RFC 3986, 6.2.2; the reference server's decision",
        _POLICY,
    ),
    Rule(
        "inputs.method",
        "other_methods_do_not_succeed",
        "OtherMethodAnswered",
        "The operation is GET: no method that could change something succeeds, and none that gives back what was sent.",
        f"{_SPEC}, paths",
        needs="--unsafe-methods",
    ),
    Rule(
        "inputs.method-405",
        "other_methods_are_405",
        "OtherRefusal",
        "A method that is known but not supported should be answered with 405, an unknown one with 501.",
        "RFC 9110, 9.1",
        _POLICY,
        needs="--unsafe-methods",
    ),
    Rule(
        "inputs.offset-refused",
        "what_is_no_offset_is_400",
        "BadOffsetAnswered",
        "file_offset is an integer from 0 to 9223372036854775807; a value that the operation does not accept is a 400 "
        "(or, as many frameworks have it, a 422).",
        f"{_SPEC}, FileOffset and BadRequest",
    ),
    Rule(
        "inputs.offset-read",
        "an_offset_is_never_misread",
        "OffsetMisread",
        "The index of the first file to return: another spelling of a number is refused or read as that number, and "
        "of two values one is taken.",
        f"{_SPEC}, FileOffset",
        needs=_LONG,
    ),
    Rule(
        "inputs.offset-canonical",
        "other_spellings_of_offsets_are_refused",
        "LooseOffset",
        "An offset has one spelling: decimal digits.",
        "the reference server's decision",
        _POLICY,
    ),
    Rule(
        "inputs.offset-int64",
        "offsets_are_64_bits_wide",
        "OffsetOverflow",
        "file_offset is an int64; past the end of the run it is answered with no files and has_more false.",
        f"{_SPEC}, FileOffset",
    ),
    Rule(
        "inputs.boolean-refused",
        "what_is_no_boolean_is_400",
        "BadBooleanAnswered",
        "An include flag is a boolean; a value that the operation does not accept is a 400 (or a 422).",
        f"{_SPEC}, Include parameters and BadRequest",
    ),
    Rule(
        "inputs.boolean-read",
        "a_boolean_is_never_misread",
        "BooleanMisread",
        "Another spelling of true or false is refused or read as what it says.",
        f"{_SPEC}, Include parameters",
        needs="a file that a flag adds something to",
    ),
    Rule(
        "inputs.boolean-canonical",
        "other_spellings_of_booleans_are_refused",
        "LooseBoolean",
        "A boolean has two spellings: true and false.",
        "the reference server's decision",
        _POLICY,
    ),
    Rule(
        "inputs.doubled",
        "doubled_parameters_are_refused",
        "DoubledParameter",
        "A parameter that is given twice, with two values, does not say what is wanted.",
        "the reference server's decision",
        _POLICY,
    ),
    Rule(
        "inputs.unknown-parameter",
        "unknown_parameters_change_nothing",
        "UnknownParameterObeyed",
        "Only the parameters of the operation mean something, under exactly their names.",
        f"{_SPEC}, parameters",
    ),
    Rule(
        "inputs.unknown-tolerated",
        "unknown_parameters_are_tolerated",
        "UnknownParameterRefused",
        "Contracts grow: a server ignores the parameters that it does not know, as clients ignore unknown keys.",
        f"{_DECISIONS}, New keys",
        _POLICY,
    ),
    Rule(
        "inputs.query-encoding",
        "the_query_is_percent_decoded",
        "QueryNotDecoded",
        "URIs that differ in the percent-encoding of an unreserved character are equivalent.",
        "RFC 3986, 2.3",
    ),
    Rule(
        "inputs.headers",
        "other_headers_change_nothing",
        "HeaderObeyed",
        "Whoever takes JSON, by any legal Accept or none, gets it, whatever the client calls itself; a header that the "
        "operation does not know is ignored or, when it is long or malformed, refused; the answer does not change.",
        "RFC 9110, 5.1, 10.1.5, 12.5.1 and 15.5",
    ),
    Rule(
        "inputs.context-refused",
        "what_is_no_context_is_refused",
        "BadContextAnswered",
        "IB-Context is visible ASCII with spaces only inside, and not empty; a value that the operation does not "
        "accept is refused, not taken for the default.",
        f"{_SPEC}, Context",
    ),
    # --- paging ---------------------------------------------------------------------------------------------
    Rule(
        "paging.suffix",
        "every_offset_gives_the_tail",
        "NotTheTail",
        "Everything from offset k on is the tail of everything.",
        f"{_SPEC}, info: Paging",
        needs="a run that stands still, with files",
    ),
    Rule(
        "paging.progress",
        "every_page_moves_on",
        "NoProgress",
        "A page from an offset before the end holds at least one file: has_more promised one.",
        f"{_SPEC}, info: Paging",
        needs="a run that stands still, with files",
    ),
    Rule(
        "paging.termination",
        "every_walk_ends",
        "EndlessWalk",
        "Ask again for as long as has_more is true: there is an end, and every walk comes to it.",
        f"{_SPEC}, get_run_results",
    ),
    Rule(
        "paging.has-more",
        "has_more_is_true_exactly_when_more_comes",
        "WrongHasMore",
        "has_more is true exactly when the offset after the last file of this page would return at least one file.",
        f"{_SPEC}, info: Paging",
        needs="a run that stands still, whose end is known",
    ),
    Rule(
        "paging.end",
        "past_the_end_there_is_nothing",
        "SomethingPastTheEnd",
        "An offset at or past the end is answered with no files and has_more false.",
        f"{_SPEC}, FileOffset",
        needs="a run that stands still, whose end is known",
    ),
    Rule(
        "paging.no-repeat",
        "no_file_comes_twice",
        "FileRepeated",
        "Index of the first file to return: every file has one place in the run's order.",
        f"{_SPEC}, FileOffset and files; {_DECISIONS}, Which file is which?",
        needs="a walk over several files",
    ),
    Rule(
        "paging.flags",
        "pages_are_the_same_under_every_flag",
        "FlagMovesFiles",
        "Nothing else changes with the flag: the files of an offset are the same under every combination.",
        f"{_SPEC}, info: Include flags",
        needs="a run that stands still, with files",
    ),
    Rule(
        "paging.deterministic",
        "the_same_question_has_the_same_answer",
        "AnswerChanges",
        "Files come in the run's order: a run that stands still gives the same answer to the same request.",
        f"{_SPEC}, files",
        needs="a run that stands still",
    ),
    Rule(
        "paging.default",
        "the_offset_defaults_to_zero",
        "OtherDefault",
        "file_offset defaults to 0.",
        f"{_SPEC}, FileOffset; {_PAGE}",
        needs="a run that stands still",
    ),
    # --- flags ----------------------------------------------------------------------------------------------
    Rule(
        "flags.present",
        "what_is_asked_for_is_there",
        "AskedForMissing",
        "A property that names a flag is present, at least empty, when the flag is true, at every level.",
        f"{_SPEC}, x-include; {_DECISIONS}",
        needs="a 200 answer under a flag that adds something to it",
    ),
    Rule(
        "flags.absent",
        "what_is_not_asked_for_is_absent",
        "UnaskedPresent",
        "A property that names a flag is left out unless that flag is true, at every level.",
        f"{_SPEC}, info: Include flags",
        needs="a 200 answer without a flag that adds something to it",
    ),
    Rule(
        "flags.unchanged",
        "a_flag_changes_nothing_else",
        "FlagChangesOther",
        "Nothing else changes with the flag, least of all the name of a field.",
        f"{_SPEC}, info: Include flags",
        needs="a run that stands still, under several flags",
    ),
    Rule(
        "flags.explicit-false",
        "false_is_the_default",
        "FalseIsNotAbsent",
        "The flags default to false: saying so changes nothing.",
        f"{_SPEC}, Include parameters; {_PAGE}",
        needs="a run that stands still",
    ),
    # --- names ----------------------------------------------------------------------------------------------
    Rule(
        "names.valid",
        "every_name_is_a_variable_name",
        "NotAVariableName",
        "A field's name is answered as a valid Python variable name.",
        f"{_SPEC}, ApiFieldName; {_PAGE}",
        needs="a field in an answer",
    ),
    Rule(
        "names.exact",
        "every_name_is_made_by_the_rule",
        "NameNotByTheRule",
        "Names are made from the project's own names by three steps.",
        f"{_SPEC}, x-field-name-rule; {_PAGE}",
        needs="a manifest with the project's field names",
    ),
    # --- state ----------------------------------------------------------------------------------------------
    Rule(
        "state.id",
        "the_run_id_is_echoed",
        "OtherId",
        "The run's id, as it was asked for.",
        f"{_SPEC}, id",
        needs=_READ,
    ),
    Rule(
        "state.status",
        "the_status_is_one_of_the_six",
        "UnknownStatus",
        "Six values are listed; more may be added, so an unknown one is reported.",
        f"{_SPEC}, RunStatus, x-extensible-enum",
        _POLICY,
        needs=_READ,
    ),
    Rule(
        "state.running",
        "a_running_run_has_not_finished",
        "FinishedWhileRunning",
        "finish_timestamp is null while the run has not finished.",
        f"{_SPEC}, finish_timestamp; {_PAGE}",
        needs="a run that is RUNNING",
    ),
    Rule(
        "state.waiting",
        "a_waiting_run_has_not_finished",
        "FinishedWhileWaiting",
        "A run that is paused, or stopped at a checkpoint, has not finished.",
        f"{_SPEC}, finish_timestamp and RunStatus",
        _POLICY,
        needs="a run that is PAUSED or STOPPED_AT_CHECKPOINT",
    ),
    Rule(
        "state.complete",
        "a_complete_run_has_finished",
        "CompleteButNotFinished",
        "finish_timestamp is null only while the run has not finished.",
        f"{_SPEC}, finish_timestamp; {_PAGE}",
        needs="a run that is COMPLETE",
    ),
    Rule(
        "state.order",
        "a_run_finishes_after_its_start",
        "FinishedBeforeStart",
        "When the run started, when the run finished.",
        f"{_SPEC}, start_timestamp and finish_timestamp",
        needs="a run with both timestamps",
    ),
    Rule(
        "state.nanoseconds",
        "timestamps_are_nanoseconds",
        "OtherUnit",
        "Timestamps are Unix time in nanoseconds; a moment between the years 2000 and 2100 is taken for plausible.",
        f"{_SPEC}, start_timestamp; {_PAGE}",
        needs="a run with a timestamp",
    ),
    Rule(
        "state.header",
        "every_page_says_the_same_of_the_run",
        "HeaderChanges",
        "What is known of the run as a whole comes with every page.",
        f"{_SPEC}, RunResults",
        needs="a run that stands still, read at several offsets",
    ),
    Rule(
        "state.known",
        "what_is_known_of_the_run_is_answered",
        "OtherThanKnown",
        "The answer is about the run that was asked for.",
        f"{_SPEC}, RunResults",
        needs=_MANIFEST,
    ),
    Rule(
        "state.file-count",
        "every_file_is_there",
        "OtherFileCount",
        "The files of the run, all of them.",
        f"{_SPEC}, files",
        needs="a manifest with the number of files, and a walk to the end",
    ),
    Rule(
        "state.content",
        "what_is_known_of_the_files_is_answered",
        "OtherContent",
        "The files, the documents found in them, and the fields extracted from each document.",
        f"{_SPEC}, info",
        needs="a manifest with the files' content",
    ),
    # --- context --------------------------------------------------------------------------------------------
    Rule(
        "context.made-up",
        "a_context_is_obeyed",
        "ContextIgnored",
        "IB-Context says which of the caller's contexts the request acts in; in a context that nobody has, there is no "
        "such run.",
        f"{_SPEC}, Context, Forbidden and NotFound",
    ),
    Rule(
        "context.foreign",
        "runs_of_other_contexts_are_hidden",
        "ForeignRunAnswered",
        "There is no such run in this context, or the token may not read it: a run is seen under exactly the name of "
        "its own context.",
        f"{_SPEC}, Forbidden and NotFound",
        needs="a manifest with a run of another context",
    ),
    Rule(
        "context.own",
        "a_context_shows_its_own_run",
        "OtherContextShown",
        "The request acts in the context that it names.",
        f"{_SPEC}, Context",
        needs="a manifest with a run of another context",
    ),
    Rule(
        "context.case",
        "a_context_has_its_case",
        "ContextInOtherCase",
        "Contexts are told apart by every character; case is no exception.",
        "the reference server's decision",
        _POLICY,
        needs="a manifest with a readable run of another context",
    ),
    # --- latency --------------------------------------------------------------------------------------------
    Rule(
        "latency.budget",
        "answers_come_in_time",
        "TooSlow",
        "An answer comes within the budget.",
        "the caller's own budget",
        _POLICY,
        needs=_ANY,
    ),
)
"""Every rule, by family."""

BY_ID: dict[str, Rule] = {rule.id: rule for rule in RULES}
"""The rules by their id."""


class UnknownRuleError(ValueError):
    """A word that is neither a rule nor a family was given to select rules."""


def select(only: Collection[str] = (), skip: Collection[str] = ()) -> frozenset[str]:
    """The ids of the rules that are in `only` (all, when that is empty) and not in `skip`.

    Each word is a rule's id or a family. Raises UnknownRuleError for any other word.
    """

    def named(words: Collection[str]) -> Iterator[str]:
        for word in words:
            found = [rule.id for rule in RULES if word in (rule.id, rule.family)]
            if not found:
                raise UnknownRuleError(f"there is no rule and no family called {word!r}")
            yield from found

    wanted = frozenset(named(only)) if only else frozenset(BY_ID)
    return wanted - frozenset(named(skip))


def markdown() -> str:
    """The catalogue as `docs/rules.md`."""
    musts = sum(rule.level is Level.MUST for rule in RULES)
    lines = [
        "# The rules",
        "",
        "<!-- Written by `python -m run_results_conformance.verifier.rules`; a test holds that it is fresh. -->",
        "",
        f"What `run-results-conformance check` holds against a server: {len(RULES)} rules, {musts} of level MUST.",
        "A rule of level POLICY stands where the contract is silent: it is reported, and fails only with `--policy`.",
        "",
        "Only GET, HEAD and OPTIONS are sent. Three rules need other methods: `inputs.method`, `inputs.method-405` and",
        "(unless HEAD is refused) `errors.allow`. They are reported as not judged, unless `--unsafe-methods` is given.",
        "Then POST, PUT, DELETE, TRACE and a method that does not exist are sent too, and only to an id that has just",
        "answered 404 to a GET; where no id does, none of them is sent.",
    ]
    for family, about in FAMILIES.items():
        lines += [
            "",
            f"## {family}",
            "",
            about,
            "",
            "| rule | level | check | failure | rests on |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| `{rule.id}` | {rule.level} | {rule.check} | {rule.failure} | {rule.sentence} *({rule.source})* |"
            for rule in RULES
            if rule.family == family
        ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    print(markdown(), end="")
