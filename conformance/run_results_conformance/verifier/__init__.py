"""The verifier: sends requests to a server, judges the answers by the rules, and reports which rules it breaks.

From top to bottom, each room importing only those below it:

    verification   its arguments;  steps: their order;  coverage: which files were not read
    checks/        how each rule is judged, a module a family
    comparison     answers that differ: asks again before a server is accused
    session        sends a request once, keeps the exchange, judges it (with budget, tally, request_builder, excerpt)
    connection/    raw HTTP: an address, a request, an answer
    spec_view/     what the spec says of an answer;  body: its text
    report/        what was found, in four forms;  sanitizer: what may be shown
    rules/         the promises;  manifest: what is known of runs before any request
"""
