"""Generate the client from the contract, or check that what is committed is what would be generated.

    python generated/generate.py            # write generated/run_results_api and wrapper/run_results/include.py
    python generated/generate.py --check    # exit 1 and name the files that are stale

`preflight` names what cannot be generated (exit code 2), `prepare` gives the generator a form that it reads well, and
openapi-python-client writes the code. This script adds a banner to each file, `py.typed`, the contract as JSON (so that
reading it at run time needs no YAML parser), the lines of its parts in the YAML (`spec_lines`), the include flags
(`include_flags`), and a stamp that says what the code was made from. `trial` imports the result and reads the
contract's examples with it. Only then is the package replaced.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from ruamel.yaml import YAML

from include_flags import include_flags, levels
from preflight import obstacles
from prepare import prepared
from spec_lines import spec_lines

HERE = Path(__file__).resolve().parent
SPEC = HERE.parent / "openapi.yaml"
PACKAGE = HERE / "run_results_api"
INCLUDE = HERE.parent / "wrapper" / "run_results" / "include.py"
BANNER = "# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.\n"


def sha256(*paths: Path) -> str:
    """One digest of the files' names and contents, in the given order."""
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def stamp() -> dict[str, object]:
    """What the code is made from: digests of the spec and of what steers the generator, tool versions."""
    return {
        "spec": sha256(SPEC),
        "steering": sha256(
            *(HERE / name for name in ("generator.yaml", "include_flags.py", "prepare.py", "spec_lines.py")),
            *sorted((HERE / "templates").rglob("*.jinja")),
        ),
        "tools": {name: version(name) for name in ("openapi-python-client", "ruff")},
    }


def write_flags(contract: Mapping[str, Any], package: Path, include: Path) -> None:
    """Write the two modules of the include flags."""
    # Spaces of the templates are left to ruff.
    environment = Environment(  # noqa: S701 - Python is written, not HTML
        loader=FileSystemLoader(HERE / "templates"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    names = {"flags": include_flags(contract), "levels": levels(contract), "answer": "RunResults"}
    for module, width in ((package / "flags.py", "110"), (include, "120")):
        module.write_text(environment.get_template(f"{module.name}.jinja").render(names), "utf-8")
        style = ["--isolated", "--no-cache", "--quiet", "--target-version", "py311", "--line-length", width]
        subprocess.run([sys.executable, "-m", "ruff", "format", *style, module], check=True)


def generate(package: Path, include: Path) -> None:
    """Write the package into a folder that does not exist yet, and try it. Exits when anything is wrong with it."""
    contract = YAML(typ="safe").load(SPEC.read_text("utf-8"))
    if found := obstacles(contract):
        print(*found, sep="\n", file=sys.stderr)
        sys.exit(2)
    readable = package.with_name("openapi.json")
    readable.write_text(json.dumps(prepared(contract)), "utf-8")
    # The generator runs ruff by its name. It shall find the pinned one, which is beside this interpreter.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    finished = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta", "none"]
        + ["--path", str(readable), "--config", str(HERE / "generator.yaml")]
        + ["--custom-template-path", str(HERE / "templates"), "--output-path", str(package)],
        env={**os.environ, "PATH": path, "PYTHONHASHSEED": "0", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        sys.exit(f"the generator failed on {SPEC.name}:\n{finished.stdout}{finished.stderr}")
    write_flags(contract, package, include)
    for module in (*package.rglob("*.py"), include):
        module.write_text(BANNER + module.read_text("utf-8"), "utf-8")
    (package / "py.typed").touch()
    (package / "openapi.json").write_text(json.dumps(contract, ensure_ascii=False, indent=1) + "\n", "utf-8")
    lines = spec_lines(SPEC.read_text("utf-8"))
    (package / "lines.json").write_text(json.dumps(lines, indent=1) + "\n", "utf-8")
    (package / "stamp.json").write_text(json.dumps(stamp(), indent=1) + "\n", "utf-8")
    tried = subprocess.run(
        [sys.executable, "-B", str(HERE / "trial.py"), str(package)], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        sys.exit(f"what {SPEC.name} generates cannot be used: {tried.stderr.strip().splitlines()[-1]}")


def contents(folder: Path) -> dict[str, bytes]:
    """The contents of every file below a folder, by relative path, without caches."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Generate the client from the contract.")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 when a file is stale")
    check: bool = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        fresh, include = Path(folder) / PACKAGE.name, Path(folder) / INCLUDE.name
        generate(fresh, include)
        if not check:
            shutil.rmtree(PACKAGE, ignore_errors=True)
            shutil.copytree(fresh, PACKAGE)
            INCLUDE.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(include, INCLUDE)
            print(f"generated {PACKAGE.relative_to(HERE.parent)} from {SPEC.name}")
            return
        wanted, found = contents(fresh), contents(PACKAGE)
        beside = INCLUDE.relative_to(HERE.parent).as_posix()
        wanted[beside] = include.read_bytes()
        if INCLUDE.exists():
            found[beside] = INCLUDE.read_bytes()
        stale = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if stale:
        sys.exit(f"{PACKAGE.relative_to(HERE.parent)} is stale; run `make generate` and commit: {', '.join(stale)}")
    print(f"{PACKAGE.relative_to(HERE.parent)} is what {SPEC.name} generates")


if __name__ == "__main__":
    main()
