"""Downloads from a real server that breaks off, changes its files, refuses and lies."""

import fcntl
import gzip
import hashlib
import json
import socket
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from data import transfer
from data.download import download
from data.errors import DataError
from tests.data.file_server import serving

CONTENT = np.random.default_rng(5).bytes(3_000_000)
SHA1 = hashlib.sha1(CONTENT).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MEGABYTE = 1_000_000


@pytest.fixture
def server():
    with serving(files={"/f.zip": CONTENT}) as state:
        yield state


@pytest.fixture
def target(tmp_path):
    return tmp_path / "new" / "f.zip"


def fetch(server, target, **options):
    options = {"backoff": 0.001, "retries": 2, **options}
    return download(f"{server.url}/f.zip", target, **options)


def leave_part(server, target, size=MEGABYTE):
    """Start a download, and be cut off after `size` bytes."""
    server.cuts = [size]
    with pytest.raises(DataError, match="run it again to go on"):
        fetch(server, target, retries=0)
    assert not target.exists()
    part = target.with_name("f.zip.part").stat().st_size
    # What of the last piece has come is lost.
    assert size - transfer._PIECE <= part <= size
    server.requests.clear()
    return part


def only(target):
    """Whether nothing but the target lies in its folder."""
    return [path.name for path in target.parent.iterdir()] == [target.name]


class TestWhole:
    @pytest.mark.parametrize("checks", [{}, {"sha1": SHA1}, {"sha1": SHA1, "sha256": SHA256}])
    def test_a_plain_download(self, server, target, checks):
        assert fetch(server, target, **checks) == target
        assert target.read_bytes() == CONTENT
        assert only(target)
        assert server.requests == [("/f.zip", None)]

    def test_progress(self, server, target):
        calls = []
        fetch(server, target, progress=lambda *call: calls.append(call))
        done = [call[0] for call in calls]
        assert done == sorted(done)
        assert calls[-1] == (3_000_000, 3_000_000, "f.zip")

    def test_what_is_there_is_not_fetched_again(self, server, target):
        fetch(server, target, sha1=SHA1)
        fetch(server, target, sha1=SHA1.upper())
        fetch(server, target)
        assert len(server.requests) == 1

    def test_what_is_there_but_wrong_is_fetched_anew(self, server, target):
        target.parent.mkdir()
        target.write_bytes(b"stale")
        fetch(server, target, sha256=SHA256)
        assert target.read_bytes() == CONTENT

    def test_without_a_known_size(self, server, target):
        server.length = -1
        calls = []
        fetch(server, target, progress=lambda *call: calls.append(call))
        assert target.read_bytes() == CONTENT
        assert calls[-1] == (3_000_000, 0, "f.zip")

    def test_a_server_that_packs_against_our_wish(self, server, target):
        server.files["/f.zip"] = gzip.compress(CONTENT)
        server.encoding = "gzip"
        fetch(server, target, sha1=SHA1)
        assert target.read_bytes() == CONTENT


class TestResume:
    def test_it_goes_on_where_it_was_cut_off(self, server, target):
        part = leave_part(server, target)
        fetch(server, target)
        assert target.read_bytes() == CONTENT
        assert server.requests == [("/f.zip", f"bytes={part}-")]
        assert only(target)

    def test_within_one_call_as_often_as_new_bytes_come(self, server, target):
        server.cuts = [400_000] * 7
        fetch(server, target, retries=1)
        assert target.read_bytes() == CONTENT
        assert len(server.requests) == 8

    def test_a_date_will_do_where_there_is_no_tag(self, server, target):
        server.etag, server.modified = False, "Mon, 01 Jan 2024 12:00:00 GMT"
        part = leave_part(server, target)
        fetch(server, target)
        assert target.read_bytes() == CONTENT
        assert server.requests == [("/f.zip", f"bytes={part}-")]

    def test_a_changed_file_starts_anew(self, server, target):
        leave_part(server, target)
        server.files["/f.zip"] = CONTENT[::-1]
        fetch(server, target)
        assert target.read_bytes() == CONTENT[::-1]

    def test_a_server_without_ranges_starts_anew(self, server, target):
        leave_part(server, target)
        server.ranges = False
        fetch(server, target)
        assert target.read_bytes() == CONTENT

    def test_a_server_without_ranges_that_always_breaks_off_is_given_up(self, server, target):
        server.ranges = False
        server.cuts = [MEGABYTE] * 20
        with pytest.raises(DataError, match="run it again"):
            fetch(server, target, retries=3)
        assert len(server.requests) == 4  # the first, which brought bytes, and three more

    def test_nothing_is_joined_blindly(self, server, target):
        server.etag = False
        leave_part(server, target)
        fetch(server, target)
        assert server.requests == [("/f.zip", None)]
        assert target.read_bytes() == CONTENT

    def test_a_checksum_allows_to_join(self, server, target):
        server.etag = False
        part = leave_part(server, target)
        fetch(server, target, sha1=SHA1)
        assert server.requests == [("/f.zip", f"bytes={part}-")]
        assert target.read_bytes() == CONTENT

    @pytest.mark.parametrize("note", [None, "{", "[]", '{"url": 1}', '{"url": "http://other"}'])
    def test_a_part_of_unknown_origin_is_dropped(self, server, target, note):
        leave_part(server, target)
        path = target.with_name("f.zip.part.json")
        path.unlink() if note is None else path.write_text(note)
        fetch(server, target, sha1=SHA1)
        assert server.requests == [("/f.zip", None)]
        assert target.read_bytes() == CONTENT

    def test_a_part_of_another_address_is_dropped(self, server, target):
        leave_part(server, target)
        server.files["/g.zip"] = CONTENT[:5]
        download(f"{server.url}/g.zip", target)
        assert target.read_bytes() == CONTENT[:5]

    def test_a_part_that_is_whole_is_taken(self, server, target):
        leave_part(server, target)
        target.with_name("f.zip.part").write_bytes(CONTENT)
        fetch(server, target, sha1=SHA1)
        assert target.read_bytes() == CONTENT
        assert server.requests == [("/f.zip", "bytes=3000000-")]

    def test_a_part_longer_than_the_file_starts_anew(self, server, target):
        leave_part(server, target)
        target.with_name("f.zip.part").write_bytes(CONTENT + b"x")
        fetch(server, target)
        assert target.read_bytes() == CONTENT
        assert [asked for _, asked in server.requests] == ["bytes=3000001-", None]

    @pytest.mark.parametrize("span", ["bytes 5-2999999/3000000", "bytes {}-8/9", "nonsense"])
    def test_an_answer_to_another_question_starts_anew(self, server, target, span):
        part = leave_part(server, target)
        server.span = span.format(part)
        fetch(server, target)
        assert target.read_bytes() == CONTENT
        assert [asked for _, asked in server.requests] == [f"bytes={part}-", None]


class TestFailures:
    def test_errors_that_pass_are_waited_out(self, server, target):
        server.statuses = [503, 429]
        fetch(server, target)
        assert target.read_bytes() == CONTENT
        assert len(server.requests) == 3

    def test_errors_that_do_not_pass_end_it(self, server, target):
        server.statuses = [503] * 9
        with pytest.raises(DataError, match=r"could not be fetched: the server answered 503"):
            fetch(server, target)
        assert len(server.requests) == 3

    def test_waiting_doubles_up_to_a_limit(self, server, target, monkeypatch):
        waits = []
        monkeypatch.setattr(transfer, "time", SimpleNamespace(sleep=waits.append))
        server.statuses = [500] * 7
        fetch(server, target, backoff=2.0, retries=7)
        assert waits == [2, 4, 8, 16, 30, 30, 30]

    @pytest.mark.parametrize("status", [404, 403])
    def test_a_refusal_is_final(self, server, target, status):
        server.statuses = [status]
        with pytest.raises(DataError, match=rf"the server answered {status} .*Check the address"):
            fetch(server, target)
        assert len(server.requests) == 1
        assert not target.exists()

    @pytest.mark.parametrize("checks", [{"sha1": "0" * 40}, {"sha1": SHA1, "sha256": "0" * 64}])
    def test_a_wrong_checksum_leaves_nothing(self, server, target, checks):
        with pytest.raises(DataError, match=r"has the wrong sha.*: 0+ was expected, "):
            fetch(server, target, **checks)
        assert list(target.parent.iterdir()) == []

    def test_nobody_listens(self, target):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{probe.getsockname()[1]}/f.zip"
            with pytest.raises(DataError, match=r"the connection failed \(ConnectionError\)"):
                download(url, target, retries=1, backoff=0.001)

    def test_a_server_that_falls_silent(self, target):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/f.zip"
            with pytest.raises(DataError, match=r"the connection failed \(ReadTimeout\)"):
                download(url, target, retries=0, timeout=0.05)

    def test_no_trust_without_a_certificate(self, server, target):
        with pytest.raises(DataError, match="cannot be trusted"):
            download(server.url.replace("http", "https") + "/f.zip", target)

    @pytest.mark.parametrize("url", ["no address", "ftp://127.0.0.1/f"])
    def test_no_address(self, target, url):
        with pytest.raises(DataError, match="cannot be fetched"):
            download(url, target)

    def test_a_disk_that_is_too_small(self, server, target):
        server.length = 10**18
        with pytest.raises(DataError, match=r"1000000000\.00 GB more are needed in .*Free some"):
            fetch(server, target)
        assert not target.exists()

    def test_a_folder_that_cannot_be_made(self, server, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(DataError, match=r"f\.zip cannot be written"):
            fetch(server, tmp_path / "file" / "f.zip")

    def test_two_at_once(self, server, target):
        leave_part(server, target)
        with target.with_name("f.zip.part").open("ab") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            with pytest.raises(DataError, match=r"Another process is fetching f\.zip"):
                fetch(server, target)
        fetch(server, target)
        assert target.read_bytes() == CONTENT

    def test_many_at_once_never_harm_the_file(self, server, target):
        errors = []

        def work():
            try:
                fetch(server, target, sha1=SHA1)
            except DataError as error:
                errors.append(str(error))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert target.read_bytes() == CONTENT
        assert len(errors) < 8
        assert all("Another process is fetching" in error for error in errors)

    def test_the_note_says_which_version_came(self, server, target):
        leave_part(server, target)
        note = json.loads(target.with_name("f.zip.part.json").read_text())
        assert note == {
            "url": f"{server.url}/f.zip",
            "validator": f'"{SHA256[:16]}"',
            "size": 3_000_000,
        }
