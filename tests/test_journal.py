"""The journal of a plan: what it survives, what it refuses, and who may hold it."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ledgerkit.errors import InvalidRequest
from ledgerkit.plans import journal as journals
from ledgerkit.plans.journal import JournalDamaged, JournalInUse

HEADER = {"kind": "payments", "source": "abc", "rows": [{"mark": "lk-A", "body": {}}, {"mark": "lk-B", "body": {}}]}
NOW = 1_800_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of two rows, the first of them sent, the second about to be."""
    path = tmp_path / "plan.jsonl"
    journal = journals.create(path, HEADER)
    with journal.held():
        journal.write("sending", 1, NOW)
        journal.write("sent", 1, NOW, request_id=41)
        journal.write("sending", 2, NOW + 1)
    return path


def states(path: Path) -> list[str]:
    return [row.state for row in journals.read(path).rows]


def test_what_was_written_is_read_again(path: Path) -> None:
    rows = journals.read(path).rows
    assert [row.state for row in rows] == ["sent", "in doubt"]
    assert rows[0].request_id == 41
    assert rows[1].sending_at == NOW + 1


def test_only_its_owner_may_read_it(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_never_written_over(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        journals.create(path, HEADER)
    assert path.read_bytes() == before


def test_an_entry_is_on_the_disk_when_write_returns(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bytes] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        fsync(descriptor)
        synced.append(path.read_bytes())

    monkeypatch.setattr(os, "fsync", noted)
    journal = journals.read(path)
    with journal.held():
        journal.write("not sent", 2, NOW)
    assert b'"not sent"' in synced[-1]


def test_a_last_line_cut_short_by_a_crash_is_passed_over_and_taken_away(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"at":"2027-01-15T08:00:0')
    assert states(path) == ["sent", "in doubt"]
    journal = journals.read(path)
    with journal.held():
        journal.write("sent", 2, NOW, request_id=42)
    assert path.read_bytes().startswith(whole)
    assert states(path) == ["sent", "sent"]


def test_every_cut_of_the_last_line_leaves_a_journal_that_goes_on(path: Path) -> None:
    content = path.read_bytes()
    start = content[:-1].rindex(b"\n") + 1
    for end in range(start, len(content)):
        path.write_bytes(content[:end])
        # The line without its end is whole all the same: an editor may have taken the end away.
        assert states(path) == ["sent", "in doubt" if end == len(content) - 1 else "planned"]


def test_a_line_whose_end_an_editor_took_away_still_counts(path: Path) -> None:
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    journal = journals.read(path)
    with journal.held():
        assert journal.rows[1].state == "in doubt"
        journal.write("sent", 2, NOW, request_id=42)
    assert states(path) == ["sent", "sent"]


def damaged(content: bytes) -> dict[str, bytes]:
    lines = content.splitlines(keepends=True)
    return {
        "a byte flipped in the header": content.replace(b"lk-A", b"lk-C"),
        "another request": content.replace(b'"request_id":41', b'"request_id":14'),
        "a line in the middle missing": b"".join(lines[:1] + lines[2:]),
        "the line about to send missing": b"".join(lines[:1] + lines[2:3]),
        "two lines exchanged": b"".join([lines[0], lines[2], lines[1], lines[3]]),
        "a line twice": b"".join([*lines, lines[3]]),
        "a line in the middle cut": b"".join([lines[0], lines[1][:20] + b"\n", *lines[2:]]),
        "junk before": b"junk\n" + content,
        "a foreign line after": content + b"{}\n",
        "zeros after": content + b"\0" * 64 + b"\n",
        "no header": b"".join(lines[1:]),
        "no journal": b"account,recipient\n2,tb1q\n",
        "empty": b"",
        "a header cut short": lines[0][:40],
    }


@pytest.mark.parametrize("what", damaged(b'{"request_id":41}\n' * 4))
def test_any_other_damage_is_refused_and_left_as_it_is(path: Path, what: str) -> None:
    content = damaged(path.read_bytes())[what]
    path.write_bytes(content)
    with pytest.raises(JournalDamaged, match=path.name):
        journals.read(path)
    assert path.read_bytes() == content


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "newer.jsonl"
    line, _ = journals._line({"entry": "plan", "version": 3, "rows": []}, "")
    path.write_bytes(line)
    with pytest.raises(JournalDamaged, match="version 3"):
        journals.read(path)


def test_an_entry_that_does_not_follow_is_refused(path: Path) -> None:
    check = json.loads(path.read_bytes().splitlines()[-1])["check"]
    entry = {"entry": "sent", "row": 1, "at": "2027-01-15T08:00:00+00:00", "request_id": 42}  # a second time
    path.write_bytes(path.read_bytes() + journals._line(entry, check)[0])
    with pytest.raises(JournalDamaged, match=r"line 5 of .* does not follow"):
        journals.read(path)


def test_an_entry_that_does_not_follow_is_not_written(path: Path) -> None:
    content = path.read_bytes()
    journal = journals.read(path)
    with journal.held(), pytest.raises(ValueError, match="'sent' does not follow for row 1, which is sent"):
        journal.write("sent", 1, NOW, request_id=42)
    assert path.read_bytes() == content


def test_a_refusal_may_turn_out_to_be_none_of_the_row(path: Path) -> None:
    journal = journals.read(path)
    with journal.held():
        journal.write("refused", 2, NOW)
        journal.write("not sent", 2, NOW)
    assert states(path) == ["sent", "planned"]


def test_a_journal_is_parsed_once_where_it_is_held(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed, parse = [], journals._parsed

    def counted(content: bytes, path: Path) -> object:
        parsed.append(path)
        return parse(content, path)

    monkeypatch.setattr(journals, "_parsed", counted)
    with journals.read(path).held():
        assert parsed == [path, path]  # once when it was read, and once when it was held


def test_two_can_not_hold_it_at_once(path: Path) -> None:
    with journals.read(path).held(), pytest.raises(JournalInUse, match="in use"), journals.read(path).held():
        pass


def test_it_is_free_again_after_a_failure(path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), journals.read(path).held():
        raise KeyboardInterrupt
    with journals.read(path).held():
        pass


def test_who_holds_it_sees_what_was_written_since_it_was_read(path: Path) -> None:
    early, late = journals.read(path), journals.read(path)
    with early.held():
        early.write("sent", 2, NOW, request_id=42)
    with late.held():
        assert late.rows[1].request_id == 42


def test_a_journal_that_was_replaced_meanwhile_is_refused(path: Path) -> None:
    opened = journals.read(path)
    path.unlink()
    journals.create(path, {**HEADER, "source": "another"})
    with pytest.raises(InvalidRequest, match="another plan"), opened.held():
        pass


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_journal_that_others_may_write_does_not_say_who_is_paid(path: Path, mode: int) -> None:
    opened = journals.read(path)
    path.chmod(mode)
    for use in (lambda: journals.read(path), lambda: opened.held().__enter__()):
        with pytest.raises(InvalidRequest, match=f"mode {mode:o}.*chmod 600 {path}"):
            use()
    path.chmod(0o644)  # to be read by others is no danger to what is paid
    assert states(path) == ["sent", "in doubt"]


def test_a_journal_of_another_user_of_the_machine_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(InvalidRequest, match="belongs to another user"):
        journals.read(path)


def replaced(path: Path) -> None:
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.chmod(0o600)
    copy.replace(path)


def test_a_journal_that_was_replaced_while_it_is_held_lets_no_second_one_in(path: Path) -> None:
    with journals.read(path).held():
        replaced(path)
        with pytest.raises(JournalInUse), journals.read(path).held():
            pass
    with journals.read(path).held():
        pass


def test_a_second_name_of_a_journal_lets_no_second_one_in(path: Path, tmp_path: Path) -> None:
    (tmp_path / "other.jsonl").symlink_to(path)
    with journals.read(path).held(), pytest.raises(JournalInUse), journals.read(tmp_path / "other.jsonl").held():
        pass


@pytest.mark.parametrize("change", [replaced, Path.unlink])
def test_nothing_is_about_to_be_sent_where_the_journal_was_replaced(
    path: Path, change: Callable[[Path], None]
) -> None:
    journal = journals.read(path)
    with journal.held():
        journal.write("not sent", 2, NOW)
        change(path)
        with pytest.raises(JournalDamaged, match="replaced or taken away"):
            journal.write("sending", 2, NOW)
        assert journal.rows[1].state == "planned"


def test_nothing_is_written_to_a_journal_that_is_not_held(path: Path) -> None:
    with pytest.raises(RuntimeError):
        journals.read(path).write("sent", 2, NOW, request_id=42)


@pytest.mark.parametrize("field", ["source", "kind"])
def test_the_journal_of_something_else_is_refused_by_name(path: Path, field: str) -> None:
    with pytest.raises(InvalidRequest, match=f"`{field}`"):
        journals.refuse_other(HEADER, {**HEADER, field: "other"}, path)


def test_windows_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(NotImplementedError, match="Windows"):
        journals.check_platform()


def test_digests_do_not_depend_on_the_order_of_keys() -> None:
    assert journals.digest({"a": 1, "b": 2}) == journals.digest({"b": 2, "a": 1})


def test_each_line_is_json(path: Path) -> None:
    assert [json.loads(line)["entry"] for line in path.read_text().splitlines()] == [
        "plan",
        "sending",
        "sent",
        "sending",
    ]
