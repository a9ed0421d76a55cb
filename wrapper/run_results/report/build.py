"""Makes the file: data go into a spool page by page, what was counted is put before them, a rename makes it visible."""

import os
import secrets
import shutil
import tempfile
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files as resources
from pathlib import Path
from typing import IO, Any, Final

from attrs import frozen

from run_results import CaseField, NameMap, Page, RunResults, __version__, sanitize, to_datetime
from run_results.errors import ConfigurationError, ExportError
from run_results.fields import failed
from run_results.report.compact import Compactor, text
from run_results.report.images import Images
from run_results.report.summary import BANDS, Summary, label
from run_results.text import visible
from run_results_api.models import CaseFieldOption

MOST_CASE_FIELDS: Final = 500
MOST_OPTIONS: Final = 200
_MOST_KEYS: Final = 20
_MARK: Final = "<!-- data -->"


@frozen
class Written:
    """What became of a report."""

    path: Path
    size: int
    """In bytes."""
    files: int
    documents: int
    """Those of the pages that were given, shown or not."""
    fields: int
    left_out: int
    """Documents, and files without documents, that are counted and not shown, because the report was full."""
    left_out_from: int | None
    """Index of the first file of which something is left out."""
    images: int
    images_left_out: int
    """Pictures that are not shown: the report was full, or they are of a kind that is not taken."""


def write_report(
    pages: Iterable[Page],
    path: str | os.PathLike[str],
    *,
    names: NameMap | None = None,
    images: Images | None = None,
    title: str | None = None,
    threshold: float = 0.8,
    max_bytes: int = 64 << 20,
    max_image_bytes: int = 64 << 20,
) -> Written:
    """Write the report of a run into one HTML file.

    Only one page is held at a time. The file appears under its name when it is whole, in one step, and an older file of
    the name stays until then.

    Args:
        pages: The run's pages, as `Client.pages(run_id, include=Include.ALL)` gives them. What was not asked for is not
            shown. Errors of the walk pass through, and nothing is written then.
        path: Where to write it; the folder has to be there.
        names: The project's field names; without them fields go by their API names.
        images: Gives the pictures of pages; see `folder`.
        title: What stands above the report; else the run's id.
        threshold: Below which a confidence makes a field unsure, from 0 to 1.
        max_bytes: The most bytes of the run's data in the file. Documents beyond are counted, and the report says that
            they are left out.
        max_image_bytes: The same for pictures.

    Raises `ExportError` where the file cannot be written, and `ConfigurationError` where jinja2 is not installed, where
    the threshold is no confidence, or where there is no page.

    >>> from run_results import Client, Include
    >>> with Client() as client:  # doctest: +SKIP
    ...     write_report(client.pages("run-1", include=Include.ALL), "report.html")
    """
    if not 0 <= threshold <= 1:
        raise ConfigurationError(f"threshold: a confidence is from 0 to 1, not {threshold!r}")
    template = _template()
    compactor = Compactor(names, images, Summary(threshold), max_bytes, max_image_bytes)
    with _whole_file(Path(path)) as (file, spool):
        last: Page | None = None
        number = 0
        for page in pages:
            last = page
            for kind, data in compactor.page(page):
                with _writing(path):
                    spool.write(_element(kind, number if kind == "image" else None, data))
                number += kind == "image"
        if last is None:
            raise ConfigurationError("there is no page to report on")
        run = last.run
        case_fields = (run.case_info.fields if run.case_info else None) or []
        html = template.render(_context(last, compactor, case_fields, title)).partition(_MARK)
        with _writing(path):
            file.write(html[0].encode())
            file.write(_element("index", None, compactor.index(case_fields[:MOST_CASE_FIELDS])))
            spool.seek(0)
            shutil.copyfileobj(spool, file)
            file.write(html[2].encode())
            size = file.tell()
    summary = compactor.summary
    return Written(
        path=Path(path),
        size=size,
        files=summary.files,
        documents=summary.documents,
        fields=summary.fields.fields,
        left_out=compactor.left_out,
        left_out_from=compactor.left_out_from,
        images=compactor.image_count,
        images_left_out=compactor.images_left_out + compactor.images_refused,
    )


# --- The file -------------------------------------------------------------------------------------------------


@contextmanager
def _writing(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # a name with NUL in it is a ValueError
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise ExportError(f"cannot write the report {str(path)!r}: {reason}", path=str(path)) from None


@contextmanager
def _whole_file(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """A file that gets its name when the block ends well, and is gone when it does not; and a nameless spool."""
    with _writing(path):
        with suppress(RuntimeError):  # a link to itself; from Python 3.13 on it stays one
            path = path.resolve()  # through a link, so that the link stays
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise ExportError(f"cannot write the report {str(path)!r}: it is there and is no file", path=str(path))
        made = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.part")
        file = made.open("xb")
    try:
        with _writing(path):
            spool = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 - closed below, with the other one
        try:
            yield file, spool
            with _writing(path):
                file.flush()
                os.fsync(file.fileno())
        finally:
            for each in (file, spool):
                with suppress(OSError):  # a full disk says so again to what is left in the buffer
                    each.close()
        with _writing(path):
            made.replace(path)
    except BaseException:
        with suppress(OSError):
            made.unlink()
        raise


def _element(kind: str, number: int | None, data: bytes) -> bytes:
    attribute = f'class="{kind}"' if number is None else f'id="{kind}-{number}"'
    media_type = "text/plain" if kind == "image" else "application/json"
    return f'<script type="{media_type}" {attribute}>'.encode() + data + b"</script>\n"


# --- The page around the data ---------------------------------------------------------------------------------


@cache
def _read(name: str) -> str:
    return resources(__package__ or "run_results.report").joinpath(name).read_text("utf-8")


@cache
def _template() -> Any:
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError:
        raise ConfigurationError("the report needs more: pip install 'run-results[report]'") from None
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_finalize
    )
    environment.filters["count"] = _count
    environment.filters["score"] = lambda score: "" if score is None else f"{score:.2f}"
    environment.filters["exact"] = _exact
    return environment.from_string(_read("report.html.jinja"))


def _finalize(value: object) -> object:
    # Applied to all that the template shows, before it is escaped, so that no place can be forgotten.
    return visible(value) if type(value) is str else value


def _count(number: int, noun: str) -> str:
    """A number with its noun.

    >>> _count(1, "file"), _count(2000, "file")
    ('1 file', '2,000 files')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _exact(score: float) -> str:
    """A score with two digits, or with all where it has more.

    >>> _exact(0.8), _exact(0.855)
    ('0.80', '0.855')
    """
    short = f"{score:.2f}"
    return short if float(short) == score else str(score)


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _context(page: Page, compactor: Compactor, case_fields: list[CaseField], title: str | None) -> dict[str, Any]:
    from markupsafe import Markup

    style, script = _read("report.css"), _read("report.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)};"
        " base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return {
        "policy": policy,
        "style": Markup(style),  # noqa: S704 - our own
        "script": Markup(script),  # noqa: S704 - our own
        "data": Markup(_MARK),  # noqa: S704 - our own
        "title": title or f"Run {page.run_id}",
        "version": __version__,
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "page": page,
        "run": page.run,
        "facts": list(_facts(page)),
        "compactor": compactor,
        "summary": compactor.summary,
        "fields": compactor.summary.named_fields(compactor.names),
        "case_fields": [_case_field(field, compactor.names) for field in case_fields[:MOST_CASE_FIELDS]],
        "case_fields_left_out": max(0, len(case_fields) - MOST_CASE_FIELDS),
        "bands": [(name, start, stop) for (start, _), (stop, name) in zip(((0.0, ""), *BANDS), BANDS, strict=False)],
        "has_names": compactor.names is not None,
    }


def _facts(page: Page) -> Iterator[tuple[str, str]]:
    """What is known of the run as a whole: what it is called, and the value."""
    run = page.run
    yield "Run", page.run_id
    if message := text(run.message):
        yield "Message", visible(message, 2000)
    started, finished = _time(run.start_timestamp), _time(run.finish_timestamp)
    if started:
        yield "Started", started
    yield "Finished", finished or ("not said when" if page.is_finished else "not yet")
    if isinstance(run.start_timestamp, int) and isinstance(run.finish_timestamp, int):
        yield "Took", _duration((run.finish_timestamp - run.start_timestamp) / 1e9)
    reviewed = run.review_completed
    yield "Review", "completed" if reviewed is True else "not completed" if reviewed is False else "not given"
    if batch := text(run.batch_id):
        yield "Batch", batch
    yield from _keys(run)


def _keys(run: RunResults) -> Iterator[tuple[str, str]]:
    custom = (run.keys.custom if run.keys else None) or {}
    if len(custom) > _MOST_KEYS:
        yield "Keys", f"{len(custom):,}, the first {_MOST_KEYS} of which follow"
    for key, value in list(custom.items())[:_MOST_KEYS]:
        shown = value if isinstance(value, str) else _plain_json(value)
        yield visible(key, 80), visible(shown, 300)


def _plain_json(value: Any) -> str:
    import json

    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return "(cannot be shown)"


def _time(nanoseconds: object) -> str | None:
    if not isinstance(nanoseconds, int):
        return None
    try:
        return f"{to_datetime(nanoseconds):%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:  # beyond the year 9999
        return f"{nanoseconds} ns"


def _duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> _duration(5025), _duration(0.25)
    ('1 h 23 min 45 s', '0.25 s')
    """
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours:,} h " if hours else "") + f"{minutes} min {rest} s"


def _option(option: CaseFieldOption, chosen: CaseFieldOption | None, names: NameMap | None) -> dict[str, Any]:
    name = text(option.refined_phrase_name) or ""
    return {
        "document": option.record_index if isinstance(option.record_index, int) else None,
        "name": name,
        "api_name": sanitize(name) if names is None else names.api_name(name),
        "chosen": option == chosen,
    }


def _case_field(field: CaseField, names: NameMap | None) -> dict[str, Any]:
    """A cross-class field as the template shows it: with its options, and which of them was chosen."""
    name = text(field.name) or ""
    chosen = field.chosen_field or None
    options = list(field.input_fields or ())
    if chosen is not None and chosen not in options:
        options.insert(0, chosen)  # the server chose what it does not list
    shown = sorted((_option(option, chosen, names) for option in options), key=lambda option: not option["chosen"])
    validations = field.validations or None
    failures = (validations and validations.failures) or []
    return {
        "api_name": name,
        "label": label(names, name, None),
        "value": text(field.value),
        "failed": failed(field),
        "error": field.error_msg or None,
        "valid": validations and validations.valid,
        "failures": [text(failure.msg) or "no message" for failure in failures[:50]],
        "edits": len(field.edit_history or ()),
        "options": shown[:MOST_OPTIONS],
        "options_left_out": max(0, len(shown) - MOST_OPTIONS),
        "chose_none": field.chosen_field is None,
    }
