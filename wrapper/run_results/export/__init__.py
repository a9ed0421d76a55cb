"""A run as files on disk, of any size. An export can be interrupted at any moment, and resumed.

`job` is the export itself: pages in, files out. It follows a `plan` (which files, from the `options` and the path),
begins where the `checkpoint` says (what earlier exports left on disk), writes `parts` with a `manifest`, and has
`merge` make one file of them, or the wide view, for which they are sorted `by_class`. Where it is made again, a
`replacement` puts the new one in the place of the old one. `preview` says all that without writing. `result` is what an
export reports. It needs the extra `run-results[arrow]`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from run_results.export.options import ExportOptions
    from run_results.export.result import Exported

__all__ = ["ExportOptions", "Exported"]

_HOMES = {"ExportOptions": "options", "Exported": "result"}


def __getattr__(name: str) -> Any:
    # Loaded when it is asked for: the clients name this package, and few programs export.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"run_results.export.{_HOMES[name]}"), name)
