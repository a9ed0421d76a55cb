"""Inputs: flags and other parameters of the query that are read differently than the contract says."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.requests import Request

from run_results_conformance.faults.fault import Make, Question
from run_results_conformance.faults.standard import CONFIDENCE, REVIEW, SOURCE, VALIDATION, asking
from run_results_conformance.faults.steps import FIELD, Call, Step, at, chosen, edited, refuse, server_with, spelled, to

from .family import inputs


def _word(*words: str) -> Make:
    """Reads these words as true, too."""
    return spelled(lambda text: "true" if text in words else text)


def _names(call: Call) -> frozenset[str]:
    """The names of the operation's parameters."""
    contract = call.server.contract
    return frozenset((contract.operations["list_runs"] if call.is_list else contract).parameters)


def _strict(call: Call, honest: Step, request: Request) -> dict[str, list[str]]:
    query: dict[str, list[str]] = honest(request)
    return query if query.keys() <= _names(call) else refuse(400, "unknown parameter")


def _renamed(change: Callable[[str], str]) -> Make:
    """Reads parameters under other names too."""

    def read_query(_call: Call, honest: Step, request: Request) -> dict[str, list[str]]:
        query: dict[str, list[str]] = {}
        for name, texts in honest(request).items():
            query.setdefault(change(name), []).extend(texts)
        return query

    return server_with(read_query=read_query)


_OTHER_FALSE = ("False", "FALSE", "0", "no", "off", "n", "N", "f", "F", "No", "NO", "Off", "OFF")


def _flag(name: str, value: str) -> Question:
    return asking(query=f"{name}={value}")


PARAMETERS = (
    inputs(
        "flag-upper-case", "The word TRUE is read as true.", spelled(str.lower), _flag(REVIEW, "TRUE"), level="POLICY"
    ),
    inputs("flag-one", "The digit 1 is read as true.", _word("1"), _flag(SOURCE, "1"), level="POLICY"),
    inputs(
        "flag-yes", "The word yes is read as true.", _word("yes", "on", "y"), _flag(CONFIDENCE, "yes"), level="POLICY"
    ),
    inputs(
        "flag-zero",
        "The digit 0 is read as false.",
        spelled(lambda text: "false" if text == "0" else text),
        _flag(VALIDATION, "0"),
        level="POLICY",
    ),
    inputs(
        "flag-bare", "A flag without a value is read as true.", _word(""), _flag(VALIDATION, ""), asking(query=SOURCE)
    ),
    inputs(
        "flag-any-word",
        "Every word but false is read as true.",
        spelled(lambda text: text if text == "false" else "true"),
        _flag(SOURCE, "maybe"),
    ),
    inputs(
        "flag-other-word-as-false",
        "Every word but true is read as false.",
        spelled(lambda text: text if text == "true" else "false"),
        _flag(SOURCE, "maybe"),
    ),
    inputs(
        "flag-capital-false",
        "What is written for false in other ways, as False or 0, is true.",
        spelled(lambda text: "true" if text in _OTHER_FALSE else text),
        *(_flag(SOURCE, text) for text in ("False", "0")),
    ),
    inputs(
        "flag-false-refused",
        "A flag may be true or absent; false is refused.",
        spelled(lambda text: "no boolean" if text == "false" else text),
        _flag(CONFIDENCE, "false"),
    ),
    inputs(
        "flag-truthy",
        "Every text that is not empty is true: false is too.",
        spelled(lambda text: "true" if text == "false" else text),
        _flag(CONFIDENCE, "false"),
    ),
    inputs(
        "flag-doubled",
        "Of a flag that is given twice the last is taken.",
        chosen(lambda texts: texts[-1], REVIEW, CONFIDENCE, VALIDATION, SOURCE),
        asking(query=f"{SOURCE}=false&{SOURCE}=true"),
        level="POLICY",
    ),
    inputs(
        "flag-two-lost",
        "A parameter after the second of a query is not read.",
        server_with(read_query=lambda _call, honest, request: dict(list(honest(request).items())[:2])),
        asking(query=f"{REVIEW}=true&{SOURCE}=true&file_offset=3"),
    ),
    inputs(
        "query-not-decoded",
        "The names of parameters are not percent-decoded.",
        server_with(
            read_query=lambda _call, honest, request: {
                name: texts
                for name, texts in honest(request).items()
                if name in request.scope["query_string"].decode("latin-1")
            }
        ),
        asking(query="file%5Foffset=3"),
    ),
    inputs(
        "query-unknown-refused",
        "A parameter that the contract does not know is refused.",
        server_with(read_query=_strict),
        asking(query="trace=1"),
        level="POLICY",
    ),
    inputs(
        "query-unknown-crashes",
        "A parameter that the contract does not know is answered with 500.",
        server_with(
            read_query=lambda call, honest, request: (
                query if (query := honest(request)).keys() <= _names(call) else refuse(500, "unexpected keyword")
            )
        ),
        asking(query="trace=1"),
    ),
    inputs(
        "page-size-parameter",
        "A parameter limit=0 gives empty pages that say that more comes.",
        server_with(
            page_size=lambda call, honest, *arguments: (
                0 if call.request.query_params.get("limit") == "0" else honest(*arguments)
            )
        ),
        asking(query="limit=0"),
        level="POLICY",
    ),
    inputs(
        "parameters-with-dashes",
        "A dash in the name of a parameter is read as an underscore.",
        _renamed(lambda name: name.replace("-", "_")),
        asking(query=f"{SOURCE.replace('_', '-')}=true"),
        asking(query="file-offset=3"),
    ),
    inputs(
        "parameters-in-camel-case",
        "The names of parameters are read in camel case too.",
        _renamed(lambda name: re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower() if name != name.upper() else name),
        asking(query="fileOffset=3"),
    ),
    inputs(
        "parameters-after-semicolon",
        "A semicolon separates parameters too.",
        server_with(
            read_query=lambda _call, _honest, request: parse_qs(
                request.scope["query_string"].decode("latin-1").replace(";", "&"), keep_blank_values=True
            )
        ),
        asking(query="no_such_parameter=1;file_offset=3"),
    ),
    inputs(
        "skip-parameter",
        "A parameter skip counts as the offset.",
        _renamed(lambda name: "file_offset" if name == "skip" else name),
        asking(query="skip=3"),
    ),
    inputs(
        "fields-parameter",
        "A parameter fields=id leaves out the documents of files.",
        edited(
            at("files/documents", to([])),
            when=lambda call: "id" in call.request.query_params.getlist("fields"),
        ),
        asking(query="fields=id"),
    ),
    inputs(
        "run-id-parameter",
        "A parameter run_id takes the place of the id in the path.",
        server_with(
            find_run=lambda call, honest, run_id, context: honest(
                call.request.query_params.get("run_id", run_id), context
            )
        ),
        asking(query="run_id=nobody-knows-it"),
    ),
    inputs(
        "sort-parameter",
        "A parameter sort turns the order of the files.",
        server_with(
            slice=lambda call, honest, *arguments: list(honest(*arguments))[
                :: -1 if "sort" in call.request.query_params else 1
            ]
        ),
        asking(query="sort=-original_file_name"),
    ),
    inputs(
        "locale-parameter",
        "A parameter locale makes a comma of a decimal point.",
        edited(
            at(f"{FIELD}/value", lambda value: value.replace(".", ",")),
            when=lambda call: "locale" in call.request.query_params,
        ),
        asking(query="locale=de"),
    ),
)
