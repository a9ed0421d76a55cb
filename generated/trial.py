"""Try a generated package in an interpreter of its own: `python trial.py PACKAGE`. The last line of an error says why.

Each model is known to attrs and can be decoded, and every example of the contract comes back as it was.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import msgspec


def main(package: Path) -> None:
    """Raise an error if a model or an example does not work."""
    sys.path.insert(0, str(package.parent))
    models = importlib.import_module(f"{package.name}.models")
    for name in models.__all__:
        model = getattr(models, name)
        msgspec.json.Decoder(model)  # reads the types, which are texts until then
        if isinstance(model, type) and issubclass(model, msgspec.Struct) and model.__struct_fields__:
            attrs.fields(model)  # type: ignore[arg-type]  # attrs knows the models at run time
    contract = json.loads((package / "openapi.json").read_text("utf-8"))
    for name, schema, example in examples(contract):
        model = getattr(models, schema)
        read = msgspec.convert(example, model)
        written = msgspec.to_builtins(read)
        if written != example:
            raise ValueError(f"the example {name} comes back otherwise from {schema}")


def examples(contract: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """The examples of answers: name, class of the model, value."""
    components = contract.get("components", {})
    for item in contract["paths"].values():
        for operation in (part for part in item.values() if isinstance(part, dict)):
            for response in operation.get("responses", {}).values():
                for content in followed(response, components).get("content", {}).values():
                    reference = content.get("schema", {}).get("$ref")
                    for name, example in content.get("examples", {}).items() if reference else ():
                        yield name, class_name(reference), followed(example, components)["value"]


def followed(node: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """What a reference to a component leads to."""
    if "$ref" not in node:
        return node
    kind, name = node["$ref"].split("/")[-2:]
    found: dict[str, Any] = components[kind][name]
    return found


def class_name(reference: str) -> str:
    """The class that the generator makes of a schema, by its own rule."""
    from openapi_python_client.strings import ClassName

    return ClassName(reference.rpartition("/")[2], "")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
