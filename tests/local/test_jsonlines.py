"""Lines that were flushed are read back in order; a file stays bounded."""

from pathlib import Path

import msgspec
import pytest

from local import jsonlines
from local.jsonlines import JsonLines, read


def test_flushed_lines_come_back_in_order(tmp_path: Path) -> None:
    file = JsonLines(tmp_path / "new" / "lines.jsonl")
    for number in range(3):
        file.add({"number": number})
    assert list(read(tmp_path / "new" / "lines.jsonl")) == []
    file.flush()
    file.add({"number": 3})
    file.flush()
    assert [line["number"] for line in read(tmp_path / "new" / "lines.jsonl")] == [0, 1, 2, 3]


def test_a_line_that_is_being_added_while_others_are_flushed_comes_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread's flush may fall between any two steps of adding; here it falls where the record is encoded."""
    file = JsonLines(tmp_path / "lines.jsonl")
    file.add({"number": 0})

    class Flushing:
        def encode(self, record: dict[str, object]) -> bytes:
            file.flush()
            return msgspec.json.encode(record)

    monkeypatch.setattr(jsonlines, "_ENCODER", Flushing())
    file.add({"number": 1})
    assert [line["number"] for line in read(tmp_path / "lines.jsonl")] == [0]
    file.flush()
    assert [line["number"] for line in read(tmp_path / "lines.jsonl")] == [0, 1]


def test_a_line_cut_short_by_a_crash_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_bytes(b'{"number":0}\n{"numb')
    assert list(read(tmp_path / "lines.jsonl")) == [{"number": 0}]


def test_a_large_file_is_turned_and_one_before_it_kept(tmp_path: Path) -> None:
    file = JsonLines(tmp_path / "lines.jsonl", most_bytes=100)
    for number in range(40):
        file.add({"number": number})
        file.flush()
    kept = [line["number"] for line in read(tmp_path / "lines.jsonl")]
    assert kept == list(range(40 - len(kept), 40))
    assert 7 <= len(kept) <= 20
    assert {path.name for path in tmp_path.iterdir()} <= {"lines.jsonl", "lines.jsonl.1"}
