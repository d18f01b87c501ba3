"""The files of an archive: written whole or not at all, for their owner alone, and telling what they are."""

import errno
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ledgerkit as lk
from archives.handmade import day, node, put
from ledgerkit.archives import folders, parts
from ledgerkit.archives.parts import EVERYTHING

ROWS = [node(1, "1", "2026-02-03T00:00:00Z"), node(2, "2", "2026-02-04T00:00:00Z")]
DIRECTORY = Path("transactions", "workspace=acme")


def written(folder: Path) -> Path:
    return put(folder, ROWS, start=day(2), until=day(3))


def both(folder: Path) -> list[Callable[[], pd.DataFrame]]:
    """Return what both readers do with an archive."""
    return [lambda: lk.read_archive(folder), lambda: lk.query("select count(*) from transactions", folder)]


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
        with folders.held(folder / DIRECTORY):
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
        "open": (folders, "_private"),
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

    monkeypatch.setattr(folders, "_private", noted)
    written(folder)
    assert [name.split(".")[:3] for name in names] == [["", "20260201T000000", "000000Z"], ["", "ended", "json"]]
    assert all(name.endswith(".tmp") for name in names)


def test_leftovers_are_removed_and_nothing_else(folder: Path) -> None:
    path = written(folder)
    leftovers = [path.with_name(".20260201T000000.000000Z.0badf00d.tmp"), folder / DIRECTORY / ".all.0badf00d.tmp"]
    others = [path.with_name("notes.txt"), folder / DIRECTORY / ".lock", path.with_name("copy.tmp")]
    for one in [*leftovers, *others]:
        one.write_text("x")
    folders.clear(folder / DIRECTORY)
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
    with pytest.raises(lk.ArchiveDamaged, match=f"{path.name} can't be used.*{why}"):
        lk.read_archive(folder)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not a file of the kit at all"])
def test_a_file_that_is_none_is_refused_by_its_name(folder: Path, content: bytes) -> None:
    path = written(folder)
    path.write_bytes(content)
    with pytest.raises(lk.ArchiveDamaged, match=path.name):
        lk.read_archive(folder)
    with pytest.raises(lk.ArchiveDamaged, match=path.name):
        parts.kept_in(folder / DIRECTORY)


def test_a_file_of_somebody_else_is_refused(folder: Path) -> None:
    path = written(folder)
    pq.write_table(pa.table({"id": [1]}), path)
    with pytest.raises(lk.ArchiveDamaged, match="Move the file out of the archive"):
        lk.read_archive(folder)
    path.rename(path.with_name("mine.parquet"))
    with pytest.raises(lk.ArchiveDamaged, match="its name is none that the kit gives"):
        lk.read_archive(folder)


def test_files_that_cover_the_same_moment_are_refused(folder: Path) -> None:
    written(folder)
    put(folder, ROWS[1:], start=day(2, 4), until=day(3), ended=False)
    with pytest.raises(lk.ArchiveDamaged, match=r"covers what 20260204T000000.000000Z.parquet covers too"):
        parts.kept_in(folder / DIRECTORY)


def span(start: int, until: int) -> tuple[datetime, datetime]:
    return day(start), day(until)


def kept(folder: Path, *months: tuple[int, int], mark: tuple[Any, ...] | None) -> parts.Kept:
    """Return files of some months, and a mark: since, until, and the months that had files then."""
    one = parts.read_part(written(folder))
    said = (
        None
        if mark is None
        else parts.Mark(one.origin, mark[0], mark[1], tuple(span(*months) for months in mark[2:]))
    )
    return parts.Kept(said, [replace(one, start=day(low), until=day(high)) for low, high in months])


FEB, MAR, MAY = (2, 3), (3, 4), (5, 6)


@pytest.mark.parametrize(
    ("months", "mark", "holes"),
    [
        pytest.param([FEB, MAY], (EVERYTHING, day(7), FEB, MAY), [], id="a whole run"),
        pytest.param([FEB, MAY], (day(1), day(7), FEB, MAY), [], id="a bounded run"),
        pytest.param([], (EVERYTHING, day(7)), [], id="a run that found no rows"),
        pytest.param([], None, [(EVERYTHING, parts.FOREVER)], id="a first run that did not end, without a file"),
        pytest.param([FEB, MAY], None, [(EVERYTHING, day(2)), (day(3), day(5))], id="a first run that did not end"),
        pytest.param([FEB, MAR], None, [(EVERYTHING, day(2))], id="one that did not end, side by side"),
        pytest.param([FEB, MAY], (EVERYTHING, day(4), FEB), [(day(4), day(5))], id="a later run that did not end"),
        pytest.param([MAR, MAY], (EVERYTHING, day(7), FEB, MAR, MAY), [span(2, 3)], id="the first file is gone"),
        pytest.param(
            [FEB, MAY], (EVERYTHING, day(7), FEB, MAR, MAY), [span(3, 4)], id="a file in the middle is gone"
        ),
        pytest.param([FEB, MAR], (EVERYTHING, day(7), FEB, MAR, MAY), [span(5, 6)], id="the last file is gone"),
        pytest.param([], (EVERYTHING, day(7), FEB, MAR), [span(2, 4)], id="all files are gone"),
        pytest.param([(2, 5), MAY], (EVERYTHING, day(7), FEB, MAY), [], id="a file grew since"),
        pytest.param(
            [FEB, MAY], (day(5), day(7), MAY), [(EVERYTHING, day(2)), (day(3), day(5))], id="further back, not ended"
        ),
    ],
)
def test_holes_are_what_no_file_covers_and_no_run_has_shown_to_be_empty(
    folder: Path, months: list[tuple[int, int]], mark: tuple[Any, ...] | None, holes: list[tuple[datetime, datetime]]
) -> None:
    assert kept(folder, *months, mark=mark).holes() == holes


def test_holes_of_a_window_are_those_that_touch_it(folder: Path) -> None:
    there = kept(folder, FEB, MAY, mark=None)
    assert there.holes(day(3), day(4)) == [span(3, 5)]
    assert there.holes(day(5)) == []
    assert there.doubts(None, day(2)) == ["the beginning to 2026-02-01T00:00:00Z"]


def test_a_later_run_keeps_what_an_earlier_one_has_shown(folder: Path) -> None:
    path = put(folder, ROWS, start=day(2), until=day(3))
    put(folder, ROWS, start=day(5), until=day(6))
    directory = folder / DIRECTORY
    origin = parts.kept_in(directory).parts[0].origin
    path.unlink()
    # A run that looks at the time since March alone can't tell that the file is meant to be missing.
    mark = parts.seal(folder, origin, parts.kept_in(directory).parts, since=day(3), until=day(8))
    assert (mark.since, mark.until) == (EVERYTHING, day(8))
    assert parts.kept_in(directory).holes() == [span(2, 3)]
    # One that began after the end of what was shown says nothing of the time between.
    assert parts.seal(folder, origin, [], since=day(10), until=day(11)).since == day(10)


def test_a_run_that_was_not_sure_makes_both_readers_doubt_until_one_is(folder: Path) -> None:
    put(folder, ROWS, start=day(2), until=day(3))
    directory = folder / DIRECTORY
    found = parts.kept_in(directory).parts
    for since in (None, day(2)):
        parts.seal(folder, ORIGIN, found, since=since, until=day(3), sure=False)
        assert parts.kept_in(directory).holes(day(2), day(3)) == [(EVERYTHING, parts.FOREVER)]
        for reads in both(folder):
            with pytest.warns(lk.IncompleteResult, match="the beginning to the end"):
                reads()
        with pytest.warns(lk.IncompleteResult):
            assert lk.read_archive(folder).attrs["complete"] is False
    parts.seal(folder, ORIGIN, found, since=None, until=day(3))
    for reads in both(folder):
        reads()


def test_who_holds_it_is_alone_and_lets_go(folder: Path) -> None:
    with folders.held(folder / DIRECTORY):
        with pytest.raises(lk.ArchiveInUse), folders.held(folder / DIRECTORY):
            pass
        with folders.held(folder / "requests" / "workspace=acme"):  # another list is another matter
            pass
    with folders.held(folder / DIRECTORY):
        pass


def test_a_folder_that_can_not_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(lk.InvalidRequest, match="Choose another folder"), folders.held(tmp_path / "file" / "inside"):
        pass


def test_a_folder_is_one_place_for_whoever_writes_and_whoever_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert folders.folder_of("~/data") == tmp_path / "home" / "data"
    assert folders.folder_of("data") == tmp_path / "data"
    assert folders.folder_of(Path("~") / "data") == tmp_path / "home" / "data"


@pytest.mark.parametrize(
    "value", ["", "  ", "a\0b", None, 7, b"data"], ids=["no", "blank", "nul", "none", "7", "bytes"]
)
def test_a_folder_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match=r"`folder` = .*it takes the path of one"):
        folders.folder_of(value)


@pytest.mark.parametrize("value", ["", " ", "a\nb", "x" * 61, 7, None, "__HIVE_DEFAULT_PARTITION__", "\ud800"])
def test_a_name_that_no_directory_can_have_is_refused(value: Any) -> None:
    with pytest.raises(lk.InvalidRequest):
        folders.check_name(value)
    assert folders.check_name("Trésor / 1") == "Trésor / 1"


@pytest.mark.parametrize("to", ["workspace=backup", "workspace=Acme", "workspace=a b"])
@pytest.mark.parametrize("copied", [True, False], ids=["copied", "renamed"])
def test_a_directory_that_was_copied_or_renamed_by_hand_is_refused(folder: Path, to: str, copied: bool) -> None:
    written(folder)
    there, here = folder / DIRECTORY, folder / "transactions" / to
    if copied:
        shutil.copytree(there, here)
    else:
        there.rename(here)
    for reads in both(folder):
        with pytest.raises(lk.ArchiveDamaged, match=r"[Rr]ename it back.*or move it out"):
            reads()


def test_a_file_of_another_list_or_month_is_refused(folder: Path) -> None:
    path = written(folder)
    for other in (
        folder / "requests" / "workspace=acme" / path.relative_to(folder / DIRECTORY),
        folder / DIRECTORY / "year=2026" / "month=03" / path.name,
        folder / DIRECTORY / "year=2025" / "month=02" / path.name,
        folder / DIRECTORY / "year=02026" / "month=02" / path.name,
    ):
        other.parent.mkdir(parents=True)
        path.rename(other)
        with pytest.raises(lk.ArchiveDamaged):
            lk.read_archive(folder, other.relative_to(folder).parts[0])
        other.rename(path)
        shutil.rmtree(other.parent)
        shutil.rmtree(folder / "requests", ignore_errors=True)
    assert len(lk.read_archive(folder)) == 2


@pytest.mark.parametrize("dataset", ["../outside", "/outside", "..", "requests"])
def test_no_word_of_a_file_leads_out_of_its_directory(folder: Path, dataset: str) -> None:
    path = written(folder)
    rewritten(path, dataset=dataset)
    with pytest.raises(lk.ArchiveDamaged, match="renamed or copied by hand"):
        parts.kept_in(folder / DIRECTORY)
    with pytest.raises(lk.ArchiveDamaged, match="renamed or copied by hand"):
        lk.read_archive(folder)


@pytest.mark.parametrize(
    "said",
    [
        {"rows": "x"},
        {"rows": True},
        {"unfit": [1]},
        {"unfit": {"amount": None}},
        {"workspace": None},
        {"dataset": 7},
        {"identity": None},
        {"start": "2026-02-01T00:00:00"},
        {"start": 7},
        {"until": "2026-03-01T01:00:00+01:00"},
        {"until": None},
        {"until": "2026-01-01T00:00:00+00:00"},
        {"until": "2026-03-01T00:00:00.000001+00:00"},
        {"until": "0001-01-01T00:00:00+00:00"},
        {"read_at": None},
        {"further": "id"},
        {"gone": [None]},
        {"gone": [1.5]},
        {"kit": None},
        {"complete": "yes"},
    ],
    ids=str,
)
def test_words_of_another_type_are_refused(folder: Path, said: dict[str, Any]) -> None:
    path = written(folder)
    rewritten(path, **said)
    with pytest.raises(lk.ArchiveDamaged, match=path.name):
        parts.kept_in(folder / DIRECTORY)


@pytest.mark.parametrize("text", ["", "[]", "7", "{", '{"format": 1}', "[" * 100_000], ids=lambda text: text[:13])
def test_a_mark_that_says_something_else_is_refused(folder: Path, text: str) -> None:
    written(folder)
    (folder / DIRECTORY / "ended.json").write_text(text)
    with pytest.raises(lk.ArchiveDamaged, match=r"ended\.json"):
        lk.read_archive(folder)
    with pytest.raises(lk.ArchiveDamaged, match=r"ended\.json"):
        parts.kept_in(folder / DIRECTORY)


def test_a_file_of_a_later_format_says_to_update(folder: Path) -> None:
    path = written(folder)
    rewritten(path, format=2)
    with pytest.raises(lk.ArchiveDamaged, match="A newer one of ledgerkit wrote it: update") as caught:
        lk.read_archive(folder)
    assert "Move the file" not in str(caught.value)


def refused_with(code: int) -> Any:
    def refuses(path: Path, *_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code), str(path))

    return refuses


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ESTALE, errno.EMFILE])
@pytest.mark.parametrize("method", ["open", "iterdir", "is_dir"])
def test_what_the_system_refuses_is_no_damage(
    folder: Path, monkeypatch: pytest.MonkeyPatch, method: str, code: int
) -> None:
    written(folder)
    monkeypatch.setattr(Path, method, refused_with(code))
    looks: tuple[Callable[[], object], ...] = (
        lambda: lk.read_archive(folder),
        lambda: parts.kept_in(folder / DIRECTORY),
    )
    for reads in looks:
        with pytest.raises(lk.InvalidRequest, match=f"could not be read: {os.strerror(code)}") as caught:
            reads()
        assert "ove the file" not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="everything is open here")
@pytest.mark.parametrize("level", range(4))
def test_a_directory_that_can_not_be_listed_is_not_taken_for_an_empty_one(folder: Path, level: int) -> None:
    path = written(folder)
    closed = path.parents[level]
    closed.chmod(0)
    try:
        for reads in both(folder):
            with pytest.raises(lk.InvalidRequest, match="could not be read: Permission denied"):
                reads()
    finally:
        closed.chmod(0o700)


def test_a_directory_named_as_a_file_is_said_as_it_is(folder: Path) -> None:
    path = written(folder)
    (path.parent / "20260301T000000.000000Z.parquet").mkdir()
    with pytest.raises(lk.InvalidRequest, match="could not be read"):
        lk.read_archive(folder)


def test_a_directory_named_as_a_leftover_stays(folder: Path) -> None:
    path = written(folder)
    for one in (path.parent, folder / DIRECTORY):
        (one / ".x.tmp").mkdir()
    folders.clear(folder / DIRECTORY)
    assert len(lk.read_archive(folder)) == 2


def test_a_year_before_1000_has_a_name_that_is_read_back(folder: Path) -> None:
    rows = [node(1, "1", "0999-02-03T00:00:00Z")]
    path = put(folder, rows, start=day(2).replace(year=999), until=day(3).replace(year=999))
    assert path == folder / DIRECTORY / "year=0999" / "month=02" / "09990201T000000.000000Z.parquet"
    assert lk.read_archive(folder)["id"].tolist() == [1]


ORIGIN = parts.Origin("transactions", "acme", "http://127.0.0.1:1", "LOCAL", "api_user", "acme")


@pytest.mark.parametrize("ended", [True, False])
def test_a_workspace_is_kept_under_one_name(folder: Path, ended: bool) -> None:
    put(folder, ROWS, start=day(2), until=day(3), ended=ended)
    other = replace(ORIGIN, workspace="other")
    with pytest.raises(lk.ConfigurationError, match=r"twice\. Nothing was asked; go on with name='acme'"):
        parts.check_only_here(parts.directory_of(folder, "transactions", "other"), other)
    for apart in (replace(other, identity="other"), replace(other, base_url="http://127.0.0.1:2")):
        parts.check_only_here(parts.directory_of(folder, "transactions", "other"), apart)


@pytest.mark.parametrize("identity", ["acme", ""], ids=["known", "of a LAM"])
@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("copied", [True, False], ids=["copied", "renamed"])
def test_beside_a_directory_that_was_copied_or_renamed_by_hand_nothing_is_archived(
    folder: Path, copied: bool, ended: bool, identity: str
) -> None:
    put(folder, ROWS, start=day(2), until=day(3), ended=ended, identity=identity)
    there, here = folder / DIRECTORY, folder / "transactions" / "workspace=backup"
    if copied:
        shutil.copytree(there, here)
    else:
        there.rename(here)
    with pytest.raises(lk.ArchiveDamaged, match=r"workspace=backup holds .*[Rr]ename it back.*or move it out"):
        parts.check_only_here(there, replace(ORIGIN, identity=identity))
    parts.check_only_here(folder / "transactions" / "workspace=else", replace(ORIGIN, workspace="else", identity="e"))


def test_another_workspace_under_the_same_name_is_refused(folder: Path) -> None:
    put(folder, ROWS, start=day(2), until=day(3))
    there = parts.kept_in(folder / DIRECTORY)
    with pytest.raises(lk.ConfigurationError, match="holds rows of the workspace 'acme', and these would be of 'x'"):
        parts.check_origin(folder / DIRECTORY, there, replace(ORIGIN, identity="x"))
    with pytest.raises(lk.ConfigurationError, match="the workspace"):  # no file, but a run that found no rows
        parts.check_origin(folder / DIRECTORY, there._replace(parts=[]), replace(ORIGIN, identity="x"))


def test_both_readers_refuse_one_workspace_under_two_names(folder: Path) -> None:
    put(folder, ROWS, start=day(2), until=day(3))
    put(folder, ROWS, start=day(2), until=day(3), workspace="other", identity="acme")
    for reads in both(folder):
        with pytest.raises(lk.ArchiveDamaged, match="'acme' and 'other' are the same workspace"):
            reads()
    assert len(lk.read_archive(folder, workspace="other")) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_directories_of_a_list_that_others_may_read_are_closed(folder: Path) -> None:
    written(folder)
    for one in (folder, *(folder / DIRECTORY).parents[:1], folder / DIRECTORY):
        one.chmod(0o755)
    with folders.held(folder / DIRECTORY):
        pass
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (folder, (folder / DIRECTORY).parent, folder / DIRECTORY)]
    assert modes == [0o755, 0o700, 0o700]  # the folder itself may be one that others need
