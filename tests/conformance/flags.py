"""Which part of an answer waits for which include flag, by the words of the contract and no code of the server's.

`tests/test_contract.py` holds the contract against what the vendor's page lists.
"""

from run_results_conformance.server.contract import load_contract


def _parts(schema: str) -> dict[str, str]:
    properties = load_contract().document["components"]["schemas"][schema]["properties"]
    return {name: node["x-include"] for name, node in properties.items() if "x-include" in node}


FLAGS = load_contract().flags
REVIEW, SOURCE = "include_review_results", "include_source_info"
DOCUMENT_PARTS, FIELD_PARTS, CASE_FIELD_PARTS = _parts("Document"), _parts("Field"), _parts("CaseField")
