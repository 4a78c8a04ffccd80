"""The leak scanner finds what it looks for: otherwise its silence would say nothing."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.leak_scan import needles, scan, scan_tree

NAME, NUMBER = "Quixworthy", "987654321"
AROUND = st.binary(max_size=40)
NUMBERS = st.text("0123456789", min_size=9, max_size=19)
WORDS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ @.", min_size=8, max_size=40)


def found(data: bytes, value: str) -> set[str]:
    return {leak.encoding for leak in scan(data, {"it": value}, "here")}


@given(AROUND, WORDS, AROUND)
def test_text_in_either_case(before: bytes, value: str, after: bytes) -> None:
    assert "utf-8" in found(before + value.encode() + after, value)
    assert "utf-8" in found(before + value.upper().encode() + after, value)
    assert "utf-16-le" in found(before + value.encode("utf-16-le") + after, value)


@given(AROUND, WORDS, AROUND)
def test_base64_at_every_alignment(before: bytes, value: str, after: bytes) -> None:
    data = before + value.encode() + after
    assert "base64" in found(base64.b64encode(data), value)
    assert "base64" in found(base64.urlsafe_b64encode(data), value)
    assert "hexadecimal" in found(data.hex().encode(), value)


@given(AROUND, NUMBERS, AROUND, st.sampled_from("0123456789abcdef"))
def test_bcd_at_both_nibbles(before: bytes, number: str, after: bytes, filler: str) -> None:
    padded = number + filler * (len(number) % 2)
    assert "bcd" in found(before + bytes.fromhex(padded) + after, number)
    shifted = filler + number + filler * ((len(number) + 1) % 2)
    assert "bcd" in found(before + bytes.fromhex(shifted) + after, number)


def test_a_number_is_found_without_its_separators() -> None:
    assert "utf-8" in found(b"x123456789y", "123-45-6789")
    assert "bcd" in found(b"x\x12\x34\x56\x78\x9f", "123-45-6789")


def test_other_bytes_are_no_leak() -> None:
    assert not found(b"Quixworth 12345678 QUIX WORTHY", NAME)
    assert not found(bytes(range(256)) * 8, NUMBER)


def test_tree_tells_where(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "log").write_bytes(b"\0\0" + NAME.encode() + b"\0\0")
    (tmp_path / "clean").write_bytes(b"nothing")
    leaks = scan_tree(tmp_path, {"family name": NAME})
    assert {(leak.label, leak.place) for leak in leaks} == {("family name", "below/log")}


def test_short_values_are_refused() -> None:
    with pytest.raises(ValueError, match="8 characters"):
        list(needles("Smith"))
