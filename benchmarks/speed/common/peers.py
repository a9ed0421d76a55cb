"""From JSON text to models and back, with each peer as its documentation shows it."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Optional, Union, get_args, get_origin, get_type_hints

import attrs
import msgspec
import orjson
import pydantic
from harness import SkipCase

from run_results.answer import decode
from run_results_api import models
from run_results_api.types import UNSET, Unset

OURS = "run-results"
ORJSON = "orjson to dicts"
JSON = "json to dicts"
UNTYPED = "msgspec to dicts"
STRUCTS = "msgspec Structs"
PYDANTIC = "pydantic models"
STOCK = "stock generated models"
VENDOR = "vendor's SDK"


@dataclass(frozen=True)
class Peer:
    """A library, or a way of using one."""

    read: Callable[[bytes], Any]
    """JSON text to models."""
    plain: Callable[[Any], Any]
    """Models to dicts, lists and plain values, as `json.loads` would make them."""
    write: Callable[[Any], bytes | str]
    """Models to JSON text."""


def generate_stock(folder: Path) -> None:
    """Generate the package `stock_client` from our openapi.yaml, with the templates of openapi-python-client."""
    if (folder / "stock_client").exists():
        return
    config = folder / "stock.yaml"
    config.write_text("package_name_override: stock_client\nproject_name_override: stock-client\n")
    spec, package = Path(__file__).parents[3] / "openapi.yaml", folder / "stock_client"
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    subprocess.run(
        [*command, "--config", config, "--path", spec, "--output-path", package],
        # The generator runs ruff by its name.
        env={**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])},
        check=True,
        capture_output=True,
    )
    importlib.invalidate_caches()


def all_peers(folder: Path) -> dict[str, Peer]:
    """Every peer by its name. Generates the stock client into `folder`. Raises `SkipCase` if a peer is missing."""
    try:
        generate_stock(folder)
        from aihub.models.results_response import ResultsResponse
        from stock_client.models import RunResults as StockResults
    except ImportError as error:
        raise SkipCase(f"{error.name} is not installed") from None
    dicts: Callable[[Any], Any] = lambda value: value  # noqa: E731
    structs = msgspec.json.Decoder(_rebuild(_struct)["RunResults"]).decode
    pydantic_model = _rebuild(_pydantic)["RunResults"]
    return {
        OURS: Peer(lambda body: decode(body)[0], lambda run: run.to_dict(), lambda run: run.to_json()),
        ORJSON: Peer(orjson.loads, dicts, orjson.dumps),
        JSON: Peer(json.loads, dicts, json.dumps),
        UNTYPED: Peer(msgspec.json.Decoder().decode, dicts, msgspec.json.encode),
        STRUCTS: Peer(structs, msgspec.to_builtins, msgspec.json.encode),
        PYDANTIC: Peer(
            pydantic_model.model_validate_json,
            lambda run: run.model_dump(mode="json", exclude_unset=True),
            lambda run: run.model_dump_json(exclude_unset=True),
        ),
        STOCK: Peer(
            lambda body: StockResults.from_dict(json.loads(body)),
            lambda run: run.to_dict(),
            lambda run: json.dumps(run.to_dict()),
        ),
        VENDOR: Peer(
            lambda body: ResultsResponse.from_dict(json.loads(body.decode())),
            lambda run: run.to_dict(),
            lambda run: run.to_json(),
        ),
    }


# --- Our models again, as Structs and as pydantic models ------------------------------------------------------


@cache
def _hints(name: str) -> dict[str, Any]:
    return get_type_hints(getattr(models, name), include_extras=True)


def _rebuild(make: Callable[[str, dict[str, Any], set[str]], Any]) -> dict[str, Any]:
    """Make each of our models again: `make` gets its name, its types and its required members."""
    made: dict[str, Any] = {}

    def translate(hint: Any) -> Any:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return Annotated[(translate(arguments[0]), *arguments[1:])]
        if origin in (Union, UnionType):
            return Union[tuple(translate(option) for option in arguments)]  # noqa: UP007 - the options are computed
        if origin is list:
            return list[translate(arguments[0])]  # type: ignore[misc]
        return remake(hint.__name__) if isinstance(hint, type) and attrs.has(hint) else hint

    def remake(name: str) -> Any:
        if name not in made:
            required = {a.name for a in attrs.fields(getattr(models, name)) if a.default is attrs.NOTHING}
            made[name] = make(name, {key: translate(hint) for key, hint in _hints(name).items()}, required)
        return made[name]

    remake("RunResults")
    return made


def _struct(name: str, hints: dict[str, Any], required: set[str]) -> Any:
    # `gc=False` is what msgspec's documentation recommends for the fastest decoding of trees.
    members = [(key, hint) if key in required else (key, hint, UNSET) for key, hint in hints.items()]
    return msgspec.defstruct(name, members, kw_only=True, gc=False)


def _pydantic(name: str, hints: dict[str, Any], required: set[str]) -> Any:
    def translate(hint: Any) -> Any:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Annotated:
            meta = arguments[1]
            bounds = {word: getattr(meta, word) for word in ("ge", "gt", "le", "lt", "min_length", "max_length")}
            return Annotated[arguments[0], pydantic.Field(**{k: v for k, v in bounds.items() if v is not None})]
        if origin in (Union, UnionType):
            options = tuple(translate(option) for option in arguments if option is not Unset)
            return Union[options]  # noqa: UP007
        return list[translate(arguments[0])] if origin is list else hint  # type: ignore[misc]

    members: dict[str, Any] = {
        key: (translate(hint), ...) if key in required else (Optional[translate(hint)], None)  # noqa: UP045
        for key, hint in hints.items()
    }
    return pydantic.create_model(name, __config__=pydantic.ConfigDict(strict=True), **members)
