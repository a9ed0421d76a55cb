"""Runs the benchmarks, or some of them, and writes what they came to. See README.md."""

import argparse
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOTS = [str(HERE.parent / name) for name in ("generated", "wrapper", "conformance")]


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
    parser.add_argument("--quick", action="store_true", help="small and few: under two minutes, for a first look")
    parser.add_argument("--only", default="", metavar="NAME", help="cases whose name begins so")
    parser.add_argument("--rounds", type=int, help="measure each case so many times at most")
    parser.add_argument("--output", type=Path, help="where the results go; else benchmarks/RESULTS.md, if all was run")
    arguments = parser.parse_args()
    sys.path[:0] = ROOTS
    os.environ["PYTHONPATH"] = os.pathsep.join(ROOTS)  # for the processes that some cases start
    from harness import Case, Outcome, Setting, SkipCase, measure
    from results import show, write

    outcomes: list[Outcome] = []
    skipped: list[str] = []

    def found(setting: Setting) -> Iterator[Case]:
        for path in sorted((HERE / "cases").glob("*.py")):
            try:
                yield from load(path).cases(setting)  # type: ignore[attr-defined]
            except (SkipCase, ImportError) as error:
                skipped.append(f"{path.stem}: {error}")
                print(f"SKIPPED {skipped[-1]}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(quick=arguments.quick, folder=Path(folder), rounds=arguments.rounds, only=arguments.only)
        sys.path.insert(0, folder)
        for case in found(setting):
            if case.name.startswith(arguments.only):
                outcomes.append(measure(case, setting))
                print(show(outcomes[-1]), flush=True)
    if not outcomes:
        sys.exit(f"no case was run ({len(skipped)} skipped)")
    output = arguments.output
    if output is None and not (arguments.quick or arguments.only):
        output = HERE / "RESULTS.md"
    if output is not None:
        write(outcomes, skipped, output, quick=arguments.quick)
        print(f"wrote {output}")


if __name__ == "__main__":
    main()
