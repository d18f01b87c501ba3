"""The files of an archive: written whole or not at all, for their owner alone, and telling what they are."""

import errno
import json
import os
import stat
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ledgerkit as lk
from archives.handmade import day, node, put
from ledgerkit.archives import parts
from ledgerkit.archives.parts import EVERYTHING, Part

ROWS = [node(1, "1", "2026-02-03T00:00:00Z"), node(2, "2", "2026-02-04T00:00:00Z")]
DIRECTORY = Path("transactions", "workspace=acme")


def written(folder: Path) -> Path:
    return put(folder, ROWS, start=day(2), until=day(3))


def rewritten(path: Path, **said: Any) -> None:
    """Give a file other words about itself."""
    rows = pq.ParquetFile(path).read()
    known = json.loads(rows.schema.metadata[parts.KEY])
    pq.write_table(rows.replace_schema_metadata({parts.KEY: json.dumps(known | said)}), path)


def test_a_file_is_named_by_its_start_and_says_what_it_covers(folder: Path) -> None:
    path = written(folder)
    assert path == folder / DIRECTORY / "year=2026" / "month=02" / "20260201T000000.000000Z.parquet"
    part = parts.read_part(path)
    assert (part.start, part.until, part.rows) == (day(2), day(3), 2)
    assert part.path(folder) == path
    assert pq.ParquetFile(path).metadata.num_row_groups == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_files_and_folders_are_for_their_owner_alone_whatever_the_mask(folder: Path) -> None:
    mask = os.umask(0)
    try:
        path = written(folder)
        with parts.held(folder / DIRECTORY):
            pass
    finally:
        os.umask(mask)
    modes = {one: stat.S_IMODE(one.stat().st_mode) for one in [folder, *folder.rglob("*")]}
    assert modes[path] == 0o600
    assert {mode for one, mode in modes.items() if one.is_file()} == {0o600}
    assert {mode for one, mode in modes.items() if one.is_dir()} == {0o700}


@pytest.mark.parametrize("step", ["open", "write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_half_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = written(folder)
    before = path.read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = {
        "open": (parts, "_private"),
        "write": (pq, "write_table"),
        "fsync": (os, "fsync"),
        "replace": (Path, step),
    }
    monkeypatch.setattr(*target[step], full)
    with pytest.raises(lk.InvalidRequest, match=r"No space left on device\. What was archived before is as it was"):
        put(folder, [*ROWS, node(3, "3", "2026-02-05T00:00:00Z")], start=day(2), until=day(3))
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_an_interrupt_while_a_file_is_written_leaves_the_old_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(folder)
    before = path.read_bytes()

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        put(folder, ROWS[:1], start=day(2), until=day(3))
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_half_written_file_has_a_name_that_no_reader_looks_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []

    def noted(path: str, flags: int) -> int:
        names.append(Path(path).name)
        return os.open(path, flags, 0o600)

    monkeypatch.setattr(parts, "_private", noted)
    written(folder)
    [name] = names
    assert name.startswith(".20260201T000000.000000Z.")
    assert name.endswith(".tmp")


def test_leftovers_are_removed_and_nothing_else(folder: Path) -> None:
    path = written(folder)
    leftovers = [path.with_name(".20260201T000000.000000Z.0badf00d.tmp"), folder / DIRECTORY / ".all.0badf00d.tmp"]
    others = [path.with_name("notes.txt"), folder / DIRECTORY / ".lock", path.with_name("copy.tmp")]
    for one in [*leftovers, *others]:
        one.write_text("x")
    parts.clear(folder / DIRECTORY)
    assert not any(one.exists() for one in leftovers)
    assert all(one.exists() for one in [path, *others])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"format": 2}, "it has the format 2, and this version reads 1"),
        ({"start": "2026-02-02T00:00:00+00:00"}, "its name says otherwise"),
        ({"until": "yesterday"}, "does not say what the kit writes"),
    ],
)
def test_a_file_that_says_something_else_is_refused_by_its_name(folder: Path, said: dict[str, Any], why: str) -> None:
    path = written(folder)
    rewritten(path, **said)
    with pytest.raises(parts.ArchiveDamaged, match=f"{path.name} can't be used.*{why}"):
        lk.read_archive(folder)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not a file of the kit at all"])
def test_a_file_that_is_none_is_refused_by_its_name(folder: Path, content: bytes) -> None:
    path = written(folder)
    path.write_bytes(content)
    with pytest.raises(parts.ArchiveDamaged, match=path.name):
        lk.read_archive(folder)
    with pytest.raises(parts.ArchiveDamaged, match=path.name):
        parts.parts_in(folder / DIRECTORY)


def test_a_file_of_somebody_else_is_refused(folder: Path) -> None:
    path = written(folder)
    pq.write_table(pa.table({"id": [1]}), path)
    with pytest.raises(parts.ArchiveDamaged, match="Move the file out of the archive"):
        lk.read_archive(folder)
    path.rename(path.with_name("mine.parquet"))
    with pytest.raises(parts.ArchiveDamaged, match="its name is none that the kit gives"):
        lk.read_archive(folder)


def test_files_that_cover_the_same_moment_are_refused(folder: Path) -> None:
    written(folder)
    put(folder, ROWS[1:], start=day(2, 4), until=day(3))
    with pytest.raises(parts.ArchiveDamaged, match=r"covers what 20260204T000000.000000Z.parquet covers too"):
        parts.parts_in(folder / DIRECTORY)


def test_holes_are_what_no_part_covers_and_no_run_has_shown_to_be_empty(folder: Path) -> None:
    one = parts.read_part(written(folder))

    def part(start: datetime, until: datetime, reaches: datetime | None) -> Part:
        return replace(one, start=start, until=until, reaches=reaches)

    assert parts.holes([part(day(2), day(3), EVERYTHING)]) == []
    assert parts.holes([part(day(2), day(3), day(1))]) == []
    assert parts.holes([part(day(2), day(3), None)]) == [(EVERYTHING, day(2))]
    first = part(day(2), day(3), EVERYTHING)
    assert parts.holes([first, part(day(3), day(4), None)]) == []
    assert parts.holes([first, part(day(5), day(6), None)]) == [(day(3), day(5))]
    assert parts.holes([first, part(day(5), day(6), day(4))]) == [(day(3), day(5))]
    assert parts.holes([first, part(day(5), day(6), day(3))]) == []


def test_who_holds_it_is_alone_and_lets_go(folder: Path) -> None:
    with parts.held(folder / DIRECTORY):
        with pytest.raises(parts.ArchiveInUse), parts.held(folder / DIRECTORY):
            pass
        with parts.held(folder / "requests" / "workspace=acme"):  # another list is another matter
            pass
    with parts.held(folder / DIRECTORY):
        pass


def test_a_folder_that_can_not_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(lk.InvalidRequest, match="Choose another folder"), parts.held(tmp_path / "file" / "inside"):
        pass


def test_a_folder_is_one_place_for_whoever_writes_and_whoever_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert parts.folder_of("~/data") == tmp_path / "home" / "data"
    assert parts.folder_of("data") == tmp_path / "data"
    assert parts.folder_of(Path("~") / "data") == tmp_path / "home" / "data"


@pytest.mark.parametrize(
    "value", ["", "  ", "a\0b", None, 7, b"data"], ids=["no", "blank", "nul", "none", "7", "bytes"]
)
def test_a_folder_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="`folder` = .*it takes the path of one"):
        parts.folder_of(value)


@pytest.mark.parametrize("value", ["", " ", "a\nb", "x" * 61, 7, None, "__HIVE_DEFAULT_PARTITION__"])
def test_a_name_that_no_directory_can_have_is_refused(value: Any) -> None:
    with pytest.raises(lk.InvalidRequest):
        parts.check_name(value)
    assert parts.check_name("Trésor / 1") == "Trésor / 1"
