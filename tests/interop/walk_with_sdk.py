"""Walks runs with the vendor's SDK, by its documented loop. Run by the interpreter that has the SDK; nothing of ours.

Reads a JSON object from standard input: `url`, `token`, and `walks`, a list of `run_id`, `context`, `start`, `flags`.
Writes a list with an outcome for each: `pages` (as the SDK's `to_dict` gives them), or `error` and `status`.
"""

import json
import sys

from aihub import AIHub


def walk(url, token, run_id, context=None, start=None, flags=()):
    client = AIHub(api_key=token, api_root=url, ib_context=context)
    pages, offset = [], start
    # Every walk of the tests is shorter; a server that never ends must not hang them.
    for _ in range(1000):
        results = client.apps.runs.results(run_id, file_offset=offset, **dict.fromkeys(flags, True))
        pages.append(results.to_dict())
        if not results.has_more:
            return {"pages": pages}
        offset = (offset or 0) + len(results.files)
    return {"error": "no end", "status": None}


def outcome(url, token, task):
    try:
        return walk(url, token, **task)
    except Exception as error:  # noqa: BLE001 - what it is called is the answer
        return {"error": type(error).__name__, "status": getattr(error, "status", None), "text": str(error)[:500]}


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    json.dump([outcome(asked["url"], asked.get("token"), task) for task in asked["walks"]], sys.stdout)
