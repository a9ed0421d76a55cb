"""Inputs: offsets that are read or refused differently than the contract says."""

import re
from collections.abc import Callable
from urllib.parse import quote

from starlette.requests import Request

from run_results_conformance.faults.fault import Make
from run_results_conformance.faults.standard import asking, from_offset
from run_results_conformance.faults.steps import Call, Step, chosen, refuse, server_with, spelled

from .family import inputs

LAST = 2**63 - 1


_INTEGER = re.compile(r"-?[0-9]+", re.ASCII)


def _offset(change: Callable[[str], str]) -> Make:
    """Changes the text of the offset before it is read."""
    return spelled(change, "file_offset")


def _number(change: Callable[[int], int]) -> Make:
    """Changes an offset that is an integer of any size."""
    return _offset(lambda text: str(change(int(text))) if _INTEGER.fullmatch(text) else text)


def _python_number(text: str) -> str:
    try:
        return str(int(text))
    except ValueError:
        return text


def _float_if(pattern: str) -> Make:
    return _offset(lambda text: str(int(float(text))) if re.fullmatch(pattern, text) else text)


def _leading_digits(text: str) -> str:
    digits = re.match("[0-9]+", text)
    return digits[0] if digits else text


def _from_the_end(call: Call, honest: Step, request: Request) -> int:
    text = request.query_params.get("file_offset", "")
    if re.fullmatch("-[1-9][0-9]{0,9}", text):
        run = call.server.find_run(call.run_id, call.context)
        return max(0, run.file_count + int(text))
    return int(honest(request))


def _limit(bits: int, status: int) -> Make:
    """Refuses offsets that the contract allows."""

    def read_offset(_call: Call, honest: Step, request: Request) -> int:
        offset = int(honest(request))
        if offset >= 2**bits:
            refuse(status, "file_offset is too large")
        return offset

    return server_with(read_offset=read_offset)


def _signed(value: int, bits: int) -> int:
    wrapped = value % (1 << bits)
    return wrapped if wrapped < 1 << (bits - 1) else wrapped - (1 << bits)


OFFSETS = (
    inputs(
        "offset-negative-as-zero",
        "A negative offset is read as 0.",
        _number(lambda offset: max(0, offset)),
        *from_offset(-1),
    ),
    inputs("offset-negative-absolute", "The sign of an offset is dropped.", _number(abs), *from_offset(-2)),
    inputs(
        "offset-from-the-end",
        "A negative offset counts from the end.",
        server_with(read_offset=_from_the_end),
        *from_offset(-2),
    ),
    inputs(
        "offset-minus-one-as-all",
        "The offset -1 is read as 0.",
        _offset(lambda text: "0" if text == "-1" else text),
        *from_offset(-1),
    ),
    inputs(
        "offset-fraction-floored", "A fraction is rounded down.", _float_if(r"[0-9]+\.[0-9]*[1-9]"), *from_offset("1.5")
    ),
    inputs(
        "offset-fraction-zero",
        "The offset 2.0 is read as 2.",
        _float_if(r"[0-9]+\.0"),
        *from_offset("2.0"),
        level="POLICY",
    ),
    inputs(
        "offset-exponent",
        "The offset 1e0 is read as 1.",
        _float_if(r"[0-9]+e[0-9]"),
        *from_offset("1e0"),
        level="POLICY",
    ),
    inputs(
        "offset-empty-as-zero", "An empty offset is read as 0.", _offset(lambda text: text or "0"), *from_offset("")
    ),
    inputs(
        "offset-text-as-zero",
        "An offset that is not a number is read as 0.",
        _offset(lambda text: text if _INTEGER.fullmatch(text) else "0"),
        *from_offset("abc"),
    ),
    inputs(
        "offset-null-as-zero",
        "The word null is read as 0.",
        _offset(lambda text: "0" if text == "null" else text),
        *from_offset("null"),
    ),
    inputs(
        "offset-leading-digits",
        "What follows the digits of an offset is dropped.",
        _offset(_leading_digits),
        *from_offset("2abc"),
    ),
    inputs(
        "offset-boolean",
        "The word true is read as 1.",
        _offset(lambda text: "1" if text == "true" else text),
        *from_offset("true"),
    ),
    inputs(
        "offset-hexadecimal",
        "The offset 0x2 is read as 2.",
        _offset(lambda text: str(int(text, 16)) if re.fullmatch("0x[0-9a-f]+", text) else text),
        *from_offset("0x2"),
        level="POLICY",
    ),
    inputs(
        "offset-plus-sign",
        "The offset +2 is read as 2.",
        _offset(lambda text: text.removeprefix("+")),
        *from_offset("%2B2"),
        level="POLICY",
    ),
    inputs(
        "offset-spaces",
        "Spaces around an offset are dropped.",
        _offset(str.strip),
        *from_offset("%202"),
        level="POLICY",
    ),
    inputs(
        "offset-leading-zeros",
        "Leading zeros of an offset are dropped.",
        _offset(lambda text: text.lstrip("0") or "0" if text.isdigit() else text),
        *from_offset("02"),
        level="POLICY",
    ),
    inputs(
        "offset-octal",
        "An offset with a leading zero is read in base 8.",
        _offset(lambda text: str(int(text, 8)) if re.fullmatch("0[0-7]+", text) else text),
        *from_offset("011"),
    ),
    inputs(
        "offset-grouped",
        "The offset 1_0 is read as 10.",
        _offset(lambda text: text.replace("_", "")),
        *from_offset("1_0"),
        level="POLICY",
    ),
    inputs(
        "offset-other-digits",
        "Digits of other scripts are read as digits.",
        _offset(_python_number),
        *from_offset(quote("٣")),
        level="POLICY",
    ),
    inputs(
        "offset-wraps-32",
        "Offsets are kept in 32 bits: 2^32 + 1 is 1.",
        _number(lambda offset: offset % 2**32 if offset >= 0 else offset),
        *from_offset(2**32 + 1),
    ),
    inputs(
        "offset-wraps-negative-32",
        "Offsets are kept in 32 bits with a sign: 2^31 is below zero, and refused.",
        _number(lambda offset: _signed(offset, 32) if offset >= 0 else offset),
        *from_offset(2**31),
    ),
    inputs(
        "offset-wraps-64",
        "Offsets beyond 64 bits wrap: 2^64 is 0.",
        _number(lambda offset: offset % 2**64 if offset > LAST else offset),
        *from_offset(2**64),
    ),
    inputs(
        "offset-beyond-int64",
        "Offsets beyond 2^63-1 are answered like any past the end.",
        _number(lambda offset: min(offset, LAST)),
        *from_offset(2**63),
    ),
    inputs(
        "offset-very-long-crashes",
        "An offset of a hundred digits is answered with 500.",
        server_with(
            read_offset=lambda _call, honest, request: (
                refuse(500, "Internal error")
                if len(request.query_params.get("file_offset", "")) > 64
                else honest(request)
            )
        ),
        *from_offset("1" * 100),
    ),
    inputs("offset-beyond-int32-refused", "Offsets from 2^31 on are refused.", _limit(31, 400), *from_offset(2**31)),
    inputs("offset-beyond-2-53-refused", "Offsets from 2^53 on are refused.", _limit(53, 400), *from_offset(2**53)),
    inputs(
        "offset-near-int64-crashes",
        "The largest offset is answered with 500.",
        server_with(
            slice=lambda _call, honest, run, offset, size: (
                refuse(500, "integer out of range") if offset + size > LAST else honest(run, offset, size)
            )
        ),
        *from_offset(LAST),
    ),
    inputs(
        "offset-beyond-window-refused",
        "Offsets above 10,000 are refused.",
        server_with(
            read_offset=lambda _call, honest, request: (
                offset if (offset := honest(request)) <= 10_000 else refuse(400, "file_offset must not exceed 10000")
            )
        ),
        *from_offset(10_001),
    ),
    inputs(
        "offset-zero-refused",
        "The offset 0 is refused when it is given: offsets are to be positive.",
        spelled(lambda text: "" if text == "0" else text, "file_offset"),
        asking(query="file_offset=0"),
    ),
    inputs(
        "offset-doubled-first-wins",
        "Of two offsets the first is taken.",
        chosen(lambda texts: texts[0], "file_offset"),
        asking(query="file_offset=1&file_offset=2"),
        level="POLICY",
    ),
    inputs(
        "offset-doubled-last-wins",
        "Of two offsets the last is taken.",
        chosen(lambda texts: texts[-1], "file_offset"),
        asking(query="file_offset=1&file_offset=2"),
        level="POLICY",
    ),
    inputs(
        "offset-comma-list",
        "Of a list of offsets the first is taken.",
        _offset(lambda text: text.split(",")[0]),
        *from_offset("1,2"),
    ),
)
