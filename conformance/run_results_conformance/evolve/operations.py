"""Two contracts compared: operations, parameters, bodies, answers and access."""

import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from .change import CannotJudge, Change, Heading, Verdict
from .document import METHODS, Document, Node
from .schema import annotations, canonical
from .schemas import SchemaComparison
from .sides import ANSWER, BREAKS, CAUTION, REQUEST, SAFE

_KNOWN = frozenset(
    {"parameters", "requestBody", "responses", "security", "servers", "deprecated", "x-pagination"}
    | {"operationId", "summary", "description", "tags", "externalDocs"}
)


@frozen
class _Operation:
    """An operation, with what stands on its path beside it."""

    method: str
    path: str
    node: Node
    item: Node

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def key(self) -> tuple[str, str]:
        """Names of path parameters are not on the wire."""
        return self.method, re.sub(r"\{[^}]*\}", "{}", self.path)


def changes(old: Document, new: Document) -> list[Change]:
    """Every change between two contracts that somebody can meet, each once. Raises CannotJudge."""
    found = SchemaComparison(old, new)
    before, after = _operations(old), _operations(new)
    for key, one in before.items():
        if key in after:
            _OperationComparison(found, one, after[key]).compare()
        else:
            rule = "Requests to it are answered with 404 or 405."
            found.found.add(one.name, one.node.pointer, "the operation is gone", (BREAKS, BREAKS), rule, "Removed")
    for key, other in after.items():
        if key not in before:
            rule = "Nobody asks for it yet."
            found.found.add(other.name, other.node.pointer, "the operation is new", (SAFE, SAFE), rule, "Added")
    _servers(found)
    for keyword in ("webhooks",):
        if canonical(old, old.root.get(keyword)) != canonical(new, new.root.get(keyword)):
            raise CannotJudge(keyword, f"#/{keyword}", "it changed, and what that means is not known here")
    return list(dict.fromkeys(found.found.changes))


def _operations(document: Document) -> dict[tuple[str, str], _Operation]:
    found: dict[tuple[str, str], _Operation] = {}
    for path, item in Node(document.root, "#")["paths"].members():
        item = document.at(item)
        for method in METHODS:
            if method in item.value:
                operation = _Operation(method, path, item[method], item)
                found[operation.key] = operation
    return found


def _servers(found: SchemaComparison) -> None:
    before = [server.get("url") for server in found.old.root.get("servers", ())]
    after = [server.get("url") for server in found.new.root.get("servers", ())]
    for url in before:
        if url not in after:
            rule = "Whoever relies on the address in the contract asks another server."
            found.found.add("servers", "#/servers", f"{url} is gone", (CAUTION, CAUTION), rule, "Removed")


@frozen
class _OperationComparison:
    """One operation in two contracts."""

    found: SchemaComparison
    old: _Operation
    new: _Operation

    def compare(self) -> None:
        self._parameters()
        self._body()
        self._responses()
        self._security()
        self._pagination()
        self._rest()

    def _add(
        self,
        place: str,
        node: Node,
        what: str,
        readers: Verdict,
        senders: Verdict,
        rule: str,
        heading: Heading = "Changed",
    ) -> None:
        where = f"{self.new.name} {place}".rstrip()
        self.found.found.add(where, node.pointer, what, (readers, senders), rule, heading)

    # --- Requests -------------------------------------------------------------------------------------------

    def _parameters(self) -> None:
        before, after = _parameters(self.found.old, self.old), _parameters(self.found.new, self.new)
        for key, one in before.items():
            place, name = key
            if key in after:
                self._parameter(f"{place} {after[key].value['name']}", one, after[key])
            else:
                moved = next((where for where, other in after if other == name and (where, other) not in before), None)
                what = f"moved to the {moved}" if moved else "is gone"
                readers = BREAKS if name in _flags(self.found.old) else SAFE
                rule = "What is sent there has no effect any more, or is refused."
                self._add(f"{place} {name}", one, what, readers, BREAKS, rule, "Changed" if moved else "Removed")
        for key, other in after.items():
            place, name = key
            if key not in before:
                if other.value.get("required"):
                    rule = "Requests without it are refused."
                    self._add(f"{place} {name}", other, "is new and required", SAFE, BREAKS, rule, "Added")
                else:
                    self._add(f"{place} {name}", other, "is new", SAFE, SAFE, "It need not be sent.", "Added")

    def _parameter(self, place: str, old: Node, new: Node) -> None:
        one, other = bool(old.value.get("required")), bool(new.value.get("required"))
        if other and not one:
            self._add(place, new, "is required", SAFE, BREAKS, "Requests without it are refused.")
        elif one and not other:
            self._add(place, new, "need not be sent", SAFE, SAFE, "Every request of before is allowed.")
        if old.value["name"] != new.value["name"]:
            rule = "The request is the same, but generated code has another argument."
            self._add(place, new, f"was called {old.value['name']}", SAFE, CAUTION, rule)
        where = f"{self.new.name} {place}"
        self.found.found.deprecation(where, new.pointer, old.value.get("deprecated"), new.value.get("deprecated"))
        for keyword in ("style", "explode", "allowReserved", "allowEmptyValue", "content"):
            before, after = _written(old.value).get(keyword), _written(new.value).get(keyword)
            if canonical(self.found.old, before) != canonical(self.found.new, after):
                rule = "The same value is written in another way."
                self._add(place, new, f"{keyword} changed", SAFE, BREAKS, rule)
        one_schema, other_schema = old.get("schema"), new.get("schema")
        if one_schema is None or other_schema is None:
            return
        self.found.compare((one_schema,), (other_schema,), f"{self.new.name} {place}", REQUEST)
        before = annotations(self.found.old, (one_schema,))[0].get("default")
        keywords, pointers = annotations(self.found.new, (other_schema,))
        after = keywords.get("default")
        if before != after:
            rule = "Whoever does not send it gets another answer."
            stands = Node(None, pointers.get("default", other_schema.pointer))
            verdicts = self._default(new.value["name"], before, after)
            self._add(place, stands, f"default {before!r} became {after!r}", *verdicts, rule)

    def _default(self, name: str, before: Any, after: Any) -> tuple[Verdict, Verdict]:
        if name in _flags(self.found.new):
            # An include flag that is off by default takes members away from readers who have never sent it.
            return (BREAKS if before is True else SAFE), SAFE if after is True else CAUTION
        return CAUTION, CAUTION

    def _body(self) -> None:
        one, other = self.old.node.get("requestBody"), self.new.node.get("requestBody")
        if one is None and other is None:
            return
        if one is None or other is None:
            self._body_came_or_went(one, other)
            return
        old, new = self.found.old.at(one), self.found.new.at(other)
        if new.value.get("required") and not old.value.get("required"):
            self._add("body", new, "is required", SAFE, BREAKS, "Requests without it are refused.")
        for media, content in old["content"].members():
            now = new["content"].get(media)
            if now is None:
                self._add("body", new, f"{media} is not accepted", SAFE, BREAKS, "Requests as before are refused.")
            elif "schema" in content.value and "schema" in now.value:
                self.found.compare((content["schema"],), (now["schema"],), f"{self.new.name} body $", REQUEST)

    def _body_came_or_went(self, one: Node | None, other: Node | None) -> None:
        if one is not None:
            self._add("body", one, "no body is expected", SAFE, BREAKS, "Requests as before are refused.")
        elif other is not None and self.found.new.at(other).value.get("required"):
            self._add("body", other, "a body is required", SAFE, BREAKS, "Requests without it are refused.")
        elif other is not None:
            self._add("body", other, "a body can be sent", SAFE, SAFE, "It need not be sent.")

    # --- Answers --------------------------------------------------------------------------------------------

    def _responses(self) -> None:
        before = dict(self.old.node["responses"].members())
        after = dict(self.new.node["responses"].members())
        for status, one in before.items():
            other = after.get(status)
            if other is None and status[0] == "2":
                rule = "The answer that readers wait for does not come."
                self._add(status, one, "the status is gone", BREAKS, SAFE, rule, "Removed")
            elif other is None:
                fallback = after.get(f"{status[0]}XX", after.get("default"))
                if fallback is None:
                    rule = "The contract no longer says what such an answer looks like."
                    self._add(status, one, "the status is gone", CAUTION, SAFE, rule, "Removed")
                else:
                    self._response(status, one, fallback)
                    rule = "It can come as any other status."
                    self._add(status, one, "the status is not described by itself any more", SAFE, SAFE, rule)
            else:
                self._response(status, one, other)
        for status, other in after.items():
            if status not in before:
                self._new_status(status, other, before)

    def _new_status(self, status: str, other: Node, before: Mapping[str, Node]) -> None:
        if status[0] == "2":
            rule = "Readers do not know this answer, and it is not an error."
            self._add(status, other, "the status is new", BREAKS, SAFE, rule, "Added")
            return
        covered = before.get(f"{status[0]}XX", before.get("default"))
        if covered is None:
            rule = "The old contract did not say that such an answer may come."
            self._add(status, other, "the status is new", CAUTION, SAFE, rule, "Added")
        else:
            self._response(status, covered, other)
            self._add(status, other, "the status is described", SAFE, SAFE, "It could come before as any other status.")

    def _response(self, status: str, old: Node, new: Node) -> None:
        old, new = self.found.old.at(old), self.found.new.at(new)
        before = dict(old["content"].members()) if "content" in old.value else {}
        after = dict(new["content"].members()) if "content" in new.value else {}
        for media, one in before.items():
            if media not in after:
                rule = "Readers get the answer in a form that they do not read."
                self._add(status, new, f"{media} is gone", BREAKS, SAFE, rule, "Removed")
            elif "schema" in one.value and "schema" in after[media].value:
                place = f"{self.new.name} {status} $"
                self.found.compare((one["schema"],), (after[media]["schema"],), place, ANSWER)
            elif "schema" in one.value:
                rule = "Readers can meet values that the old contract excluded."
                self._add(status, after[media], f"{media} has no schema", BREAKS, SAFE, rule)
        for media, other in after.items():
            if media not in before:
                rule = "The server may choose a form that readers do not read, if they accept any."
                self._add(status, other, f"may also be {media}", CAUTION, SAFE, rule, "Added")
        self._headers(status, old, new)

    def _headers(self, status: str, old: Node, new: Node) -> None:
        before = {name.lower(): node for name, node in old["headers"].members()} if "headers" in old.value else {}
        after = {name.lower(): node for name, node in new["headers"].members()} if "headers" in new.value else {}
        for name, node in before.items():
            one = self.found.old.at(node)
            if name not in after:
                sure = bool(one.value.get("required"))
                rule = "Readers could count on it." if sure else "It may have been absent before."
                verdict = BREAKS if sure else CAUTION
                self._add(f"{status} header {name}", node, "is gone", verdict, SAFE, rule, "Removed")
                continue
            other = self.found.new.at(after[name])
            if one.value.get("required") and not other.value.get("required"):
                self._add(f"{status} header {name}", other, "may be absent", BREAKS, SAFE, "Readers could count on it.")
            if "schema" in one.value and "schema" in other.value:
                place = f"{self.new.name} {status} header {name}"
                self.found.compare((one["schema"],), (other["schema"],), place, ANSWER)
        for name, node in after.items():
            if name not in before:
                rule = "Readers ignore what they do not know."
                self._add(f"{status} header {name}", node, "is new", SAFE, SAFE, rule, "Added")

    # --- Everything else ------------------------------------------------------------------------------------

    def _security(self) -> None:
        before, after = _access(self.found.old, self.old), _access(self.found.new, self.new)
        place = self.new.node.get("security") or self.new.node
        if any(way not in after and () not in after for way in before):
            rule = "Requests with the credentials of before are refused."
            self._add("access", place, "other credentials are needed", SAFE, BREAKS, rule)
        elif before != after:
            self._add("access", place, "more credentials are accepted", SAFE, SAFE, "Those of before are accepted.")

    def _pagination(self) -> None:
        one, other = self.old.node.value.get("x-pagination"), self.new.node.value.get("x-pagination")
        if one == other:
            return
        place = self.new.node.get("x-pagination") or self.new.node
        if one is None:
            rule = "Readers who read one answer get a page of it only."
            self._add("x-pagination", place, "answers come in pages", BREAKS, SAFE, rule)
        else:
            rule = "Readers who follow pages in the old way miss some, or never end."
            self._add("x-pagination", place, "paging changed", BREAKS, BREAKS, rule)

    def _rest(self) -> None:
        old, new = self.old.node.value, self.new.node.value
        pointer = self.new.node.pointer
        self.found.found.deprecation(self.new.name, pointer, old.get("deprecated"), new.get("deprecated"))
        if old.get("operationId") != new.get("operationId"):
            rule = "Requests and answers are the same, but generated code has another function."
            what = f"operationId {old.get('operationId')} became {new.get('operationId')}"
            self._add("", self.new.node, what, CAUTION, CAUTION, rule)
        for keyword in sorted((old.keys() | new.keys()) - _KNOWN):
            if keyword.startswith("x-"):
                continue
            if canonical(self.found.old, old.get(keyword)) != canonical(self.found.new, new.get(keyword)):
                pointer = f"{self.new.node.pointer}/{keyword}"
                raise CannotJudge(keyword, pointer, "it changed, and what that means is not known here")


def _parameters(document: Document, operation: _Operation) -> dict[tuple[str, str], Node]:
    """Parameters by place and name; those of a path by position, because their names are not on the wire."""
    found: dict[tuple[str, str], Node] = {}
    order = re.findall(r"\{([^}]*)\}", operation.path)
    for holder in (operation.item, operation.node):
        listed = holder.get("parameters")
        for node in listed.elements() if listed else ():
            parameter = document.at(node)
            place, name = str(parameter.value["in"]), str(parameter.value["name"])
            if place == "path" and name in order:
                found[place, f"#{order.index(name)}"] = parameter
            else:
                found[place, name.lower() if place == "header" else name] = parameter
    return found


def _written(parameter: Mapping[str, Any]) -> Mapping[str, Any]:
    """A parameter with what OpenAPI means where it does not say how the value is written."""
    style = parameter.get("style", "form" if parameter["in"] in ("query", "cookie") else "simple")
    return {"explode": style == "form", **parameter, "style": style}


def _access(document: Document, operation: _Operation) -> set[tuple[Any, ...]]:
    """The ways to be let in: each a set of schemes with their scopes."""
    listed: list[Mapping[str, Any]] = operation.node.value.get("security", document.root.get("security", []))
    schemes: Mapping[str, Any] = document.root.get("components", {}).get("securitySchemes", {})
    found: set[tuple[Any, ...]] = set()
    for way in listed or ({},):
        parts = [(str(canonical(document, schemes.get(name))), tuple(scopes)) for name, scopes in way.items()]
        found.add(tuple(sorted(parts)))
    return found


def _flags(document: Document) -> set[str]:
    """The parameters that add members to the answer (`x-include`)."""
    found: set[str] = set()
    under_way: list[Any] = [document.root]
    while under_way:
        node = under_way.pop()
        if isinstance(node, dict):
            if isinstance(node.get("x-include"), str):  # pyright: ignore[reportUnknownMemberType]
                found.add(node["x-include"])  # pyright: ignore[reportUnknownArgumentType]
            under_way.extend(node.values())  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(node, list):
            under_way.extend(node)  # pyright: ignore[reportUnknownArgumentType]
    return found
