"""Runs the benchmarks, or some of them, and writes the results. See README.md."""

import argparse
import importlib.util
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness import Outcome

HERE = Path(__file__).resolve().parent
ROOTS = [str(HERE.parents[1] / name) for name in ("generated", "wrapper", "conformance")]


def load(path: Path) -> object:
    """A case file as a module."""
    spec = importlib.util.spec_from_file_location(f"cases.{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the client and its peers side by side.")
    parser.add_argument("--quick", action="store_true", help="small pages and few rounds, in under two minutes")
    parser.add_argument("--only", default="", metavar="NAME", help="only cases whose names begin with this")
    parser.add_argument("--rounds", type=int, help="measure each case at most so many times")
    parser.add_argument("--output", type=Path, help="file for the results; RESULTS.md if every case is run")
    parser.add_argument("--one", nargs=3, metavar=("FILE", "CASE", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sys.path[:0] = ROOTS
    os.environ["PYTHONPATH"] = os.pathsep.join(ROOTS)  # for the processes that some cases start
    if arguments.one:
        measure_one(*arguments.one, quick=arguments.quick, rounds=arguments.rounds)
        return
    from results import show, write

    outcomes: list[Outcome] = []
    skipped: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for path, name in find_cases(arguments.only, skipped):
            # Each case has its own process: the memory that one case leaves shall not slow the next.
            command = [sys.executable, __file__, *sys.argv[1:], "--one", path, name, folder]
            subprocess.run(command, check=True)
            result = pickle.loads((Path(folder) / name).read_bytes())
            if isinstance(result, str):
                skipped.append(f"{name}: {result}")
                print(f"SKIPPED {skipped[-1]}", flush=True)
            else:
                outcomes.append(result)
                print(show(result), flush=True)
    if not outcomes:
        sys.exit(f"no case was run ({len(skipped)} skipped)")
    output = arguments.output
    if output is None and not (arguments.quick or arguments.only):
        output = HERE / "RESULTS.md"
    if output is not None:
        write(outcomes, skipped, output, quick=arguments.quick)
        print(f"wrote {output}")


def find_cases(only: str, skipped: list[str]) -> Iterator[tuple[Path, str]]:
    """The wanted cases, each with its file. Files that cannot be loaded here are added to `skipped`."""
    for path in sorted((HERE / "cases").glob("*.py")):
        try:
            names: tuple[str, ...] = load(path).CASES  # type: ignore[attr-defined]
        except ImportError as error:
            skipped.append(f"{path.stem}: {error}")
            print(f"SKIPPED {skipped[-1]}", flush=True)
        else:
            yield from ((path, name) for name in names if name.startswith(only))


def measure_one(path: str, name: str, folder: str, *, quick: bool, rounds: int | None) -> None:
    """Measure a case and write its outcome into a file of its name; if it cannot run here, write the reason."""
    from harness import Setting, SkipCase, measure

    sys.path.insert(0, folder)
    module = load(Path(path))
    result: Outcome | str
    try:
        for case in module.cases(Setting(quick=quick, folder=Path(folder), only=name)):  # type: ignore[attr-defined]
            if case.name not in module.CASES:  # type: ignore[attr-defined]
                raise LookupError(f"{case.name} is missing in CASES of {path}")
            if case.name == name:
                result = measure(case, quick=quick, rounds=rounds)
                break
        else:
            raise LookupError(f"there is no case {name} in {path}")
    except (SkipCase, ImportError) as error:
        result = str(error)
    (Path(folder) / name).write_bytes(pickle.dumps(result))


if __name__ == "__main__":
    main()
