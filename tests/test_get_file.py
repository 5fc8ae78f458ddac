"""get_file, against a web server on this machine."""

import hashlib
import http.client
import os
import sys

import pytest
from stand_ins import child, put

from lamella import _fetch
from lamella.datasets import DatasetError, DatasetNotFoundError
from lamella.utils import get_file

CONTENT = bytes(range(256)) * 1000
SHA256, MD5 = hashlib.sha256(CONTENT).hexdigest(), hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def url(server):
    put(server.folder, {"words.txt": CONTENT})
    return server.url + "words.txt"


def contents(path):
    with open(path, "rb") as stream:
        return stream.read()


def test_file_is_downloaded_once_and_its_path_returned(url, server, places, capsys):
    path = get_file(origin=url)
    assert path == str(places / "ours" / "datasets" / "words.txt") and contents(path) == CONTENT
    assert f"Downloading data from {url}\n" in capsys.readouterr().out
    assert get_file(origin=url) == path
    assert len(server.requested) == 1 and capsys.readouterr().out == ""


def test_names_and_folders_are_those_asked_for(url, places):
    path = get_file("mine.txt", url, cache_subdir="books/new", cache_dir=str(places / "cache"))
    assert path == str(places / "cache" / "books" / "new" / "mine.txt") and contents(path) == CONTENT
    assert os.listdir(places / "cache" / "books" / "new") == ["mine.txt"]
    assert not (places / "ours").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"file_hash": SHA256},
        {"file_hash": SHA256.upper()},
        {"file_hash": MD5},
        {"md5_hash": MD5},
        {"file_hash": SHA256, "hash_algorithm": "sha256"},
        {"file_hash": MD5, "hash_algorithm": "md5"},
        {"file_hash": SHA256, "md5_hash": "0" * 32},
    ],
    ids=str,
)
def test_right_hash_is_accepted(url, options):
    assert contents(get_file(origin=url, **options)) == CONTENT


@pytest.mark.parametrize("options", [{"file_hash": "0" * 64}, {"file_hash": "0" * 32}, {"md5_hash": "0" * 32}], ids=str)
def test_wrong_hash_is_refused_and_nothing_stays(url, places, options):
    with pytest.raises(DatasetError, match=r"incomplete, corrupted or another file.*expected 0{32}") as caught:
        get_file(origin=url, **options)
    assert isinstance(caught.value, ValueError)
    assert os.listdir(places / "ours" / "datasets") == []


def test_cached_file_with_a_wrong_hash_is_replaced(url, places):
    path = put(places / "ours" / "datasets", {"words.txt": CONTENT[:-1]}) / "words.txt"
    assert get_file(origin=url) == str(path) and contents(path) == CONTENT[:-1]  # no hash, no doubt
    assert get_file(origin=url, file_hash=SHA256) == str(path) and contents(path) == CONTENT


def test_failed_download_keeps_the_old_file(url, server, places):
    path = put(places / "ours" / "datasets", {"words.txt": b"old"}) / "words.txt"
    (server.folder / "words.txt").unlink()
    with pytest.raises(DatasetNotFoundError, match="404"):
        get_file(origin=url, force_download=True)
    assert contents(path) == b"old" and os.listdir(path.parent) == ["words.txt"]


def test_force_download_fetches_again(url, server):
    path = get_file(origin=url)
    put(server.folder, {"words.txt": b"new"})
    assert contents(get_file(origin=url)) == CONTENT
    assert get_file(origin=url, force_download=True) == path and contents(path) == b"new"


def test_good_file_in_the_cache_of_keras_is_used_and_a_bad_one_left(url, server, places):
    path = put(places / "keras" / "datasets", {"words.txt": CONTENT}) / "words.txt"
    assert get_file(origin=url, file_hash=SHA256) == str(path) and not server.requested
    path.write_bytes(b"bad")
    assert get_file(origin=url, file_hash=SHA256) == str(places / "ours" / "datasets" / "words.txt")
    assert contents(path) == b"bad"


def test_cache_that_cannot_be_written_falls_back_to_the_temporary_folder(url, places):
    (places / "ours").write_text("a file where the folder should be")
    path = get_file(origin=url)
    assert path.startswith(str(_fetch.cache_folders()[-1])) and contents(path) == CONTENT
    with pytest.raises(DatasetNotFoundError, match="`cache_dir` must be a folder that can be written"):
        get_file(origin=url, cache_dir=places / "ours")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has a temporary folder for each user")
@pytest.mark.parametrize("kind", ["writable", "link", "of another"])
def test_temporary_folder_that_others_could_have_filled_is_not_used(url, places, monkeypatch, kind):
    (places / "ours").write_text("a file where the folder should be")
    shared = _fetch.cache_folders()[-1]
    put((places / "theirs" if kind == "link" else shared) / "datasets", {"words.txt": b"planted"})
    if kind == "writable":
        shared.chmod(0o777)
    elif kind == "link":
        shared.parent.mkdir()
        shared.symlink_to(places / "theirs")
    else:
        user = os.getuid()
        monkeypatch.setattr(_fetch, "cache_folders", lambda: [places / "ours", shared])
        monkeypatch.setattr(os, "getuid", lambda: user + 1)
    with pytest.raises(DatasetNotFoundError, match="`cache_dir` must be a folder that can be written"):
        get_file(origin=url)


def test_redirects_are_followed_while_they_are_secure(url, server, places):
    assert contents(get_file(origin=server.url + "moved/words.txt")) == CONTENT
    with pytest.raises(DatasetNotFoundError, match=r"redirects to ftp://127\.0\.0\.1/file"):
        get_file(origin=server.url + "insecure/other.txt")
    assert os.listdir(places / "ours" / "datasets") == ["words.txt"]


def test_file_that_is_shorter_than_promised_is_refused(url, server, places):
    with pytest.raises(DatasetNotFoundError, match="could not be downloaded"):
        get_file(origin=server.url + "short/words.txt")
    assert os.listdir(places / "ours" / "datasets") == []


def test_promised_length_is_checked_where_the_http_library_does_not(url, places, monkeypatch):
    transfer = _fetch.transfer

    def cut(pooch, address, stream, **options):
        transfer(pooch, address, stream, **options)
        stream.truncate(1000)
        stream.seek(1000)

    monkeypatch.setattr(_fetch, "transfer", cut)
    with pytest.raises(DatasetNotFoundError, match=f"it broke off after 1000 of {len(CONTENT)} bytes"):
        get_file(origin=url)


@pytest.mark.parametrize("broken", [True, False])
def test_connection_that_breaks_off_leaves_nothing(url, places, monkeypatch, broken):
    def interrupted(*_, **__):
        raise http.client.IncompleteRead(b"") if broken else KeyboardInterrupt

    monkeypatch.setattr(http.client.HTTPResponse, "read", interrupted)
    with pytest.raises(DatasetNotFoundError if broken else KeyboardInterrupt):
        get_file(origin=url)
    assert os.listdir(places / "ours" / "datasets") == []


@pytest.mark.parametrize(
    "origin", [None, 3, "", "words.txt", "http://example.com/words.txt", "ftp://example.com/a", "file:///etc/hosts"]
)
def test_addresses_without_https_are_refused(places, origin):
    with pytest.raises(ValueError, match="get_file `origin` must be an address that starts with https://"):
        get_file("words.txt", origin)
    assert not list(places.rglob("*.txt"))


@pytest.mark.parametrize("fname", ["../words.txt", "a/b", "/etc/hosts", "..", ".", "", "a\\b", "c:b", "a\0b", "a\nb"])
def test_name_with_a_folder_is_refused(places, fname):
    with pytest.raises(ValueError, match="get_file `fname` must be the name of a file, without folders"):
        get_file(fname, "https://127.0.0.1:9/words.txt")


def test_name_of_another_kind_is_refused(places):
    with pytest.raises(TypeError, match="get_file `fname` must be a str, got 3"):
        get_file(3, "https://127.0.0.1:9/words.txt")


def test_address_without_a_name_needs_one(places):
    with pytest.raises(ValueError, match="`fname` must be the name of a file"):
        get_file(origin="https://127.0.0.1:9/?words.txt")


@pytest.mark.parametrize("option", ["extract", "untar"])
def test_archives_are_not_extracted(places, option):
    with pytest.raises(ValueError, match=rf"get_file `{option}` must be False: .*tarfile\.open.*zipfile\.ZipFile"):
        get_file("a.zip", "https://127.0.0.1:9/a.zip", **{option: True})
    with pytest.raises(TypeError, match=f"`{option}` must be True or False"):
        get_file("a.zip", "https://127.0.0.1:9/a.zip", **{option: "yes"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"file_hash": "abc"}, "must have 32 or 64 hexadecimal digits"),
        ({"file_hash": "g" * 64}, "must have 32 or 64 hexadecimal digits"),
        ({"file_hash": MD5, "hash_algorithm": "sha256"}, "must have 64 hexadecimal digits"),
        ({"file_hash": 7}, "must have 32 or 64 hexadecimal digits"),
        ({"md5_hash": SHA256}, "must have 32 hexadecimal digits"),
        ({"hash_algorithm": "sha1"}, "`hash_algorithm` must be"),
    ],
    ids=str,
)
def test_bad_hashes_are_refused_before_any_download(places, options, message):
    with pytest.raises(ValueError, match=message):
        get_file("words.txt", "https://127.0.0.1:9/words.txt", **options)


def test_missing_pooch_is_one_error_with_the_install_line(places, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(DatasetNotFoundError, match=r'pip install "lamella\[datasets\]"') as caught:
        get_file("words.txt", "https://127.0.0.1:9/words.txt")
    assert caught.value.__context__ is None


def test_no_network_is_one_error(places):
    pytest.importorskip("pooch")
    with pytest.raises(DatasetNotFoundError, match="could not be downloaded") as caught:
        get_file("words.txt", "https://127.0.0.1:9/words.txt")
    assert caught.value.__context__ is None


def test_import_of_lamella_loads_nothing_for_downloads():
    process = child(
        "import sys, lamella; assert not {'lamella._fetch', 'lamella.datasets', 'pooch'} & set(sys.modules)"
    )
    _, fault = process.communicate(timeout=60)
    assert process.returncode == 0, fault
