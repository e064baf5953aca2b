"""Stores: objects by path, patience with those that refuse, one sentence where it ends."""

import errno

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from augment.errors import AssetError, RecipeError
from augment.writer.store import Patience, Store, is_url


@pytest.fixture
def store(request):
    MemoryFileSystem.store.clear()
    yield Store(f"memory://bucket/{request.node.name}", Patience(4, 0.001, 0.002))
    MemoryFileSystem.store.clear()


def refuse(monkeypatch, store, name, errors):
    """Let a request of the file system fail with these errors first; return the list."""
    found = getattr(store._fs, name)

    def request(*words, **options):
        if errors:
            raise errors.pop(0)
        return found(*words, **options)

    monkeypatch.setattr(store._fs, name, request)
    return errors


@pytest.mark.parametrize(
    ("out", "expected"),
    [("s3://b/p", True), ("memory://b", True), ("out/x", False), ("/a//b", False), ("c:/x", False)],
)
def test_a_url_is_told_from_a_folder(out, expected):
    assert is_url(out) is expected


def test_what_is_written_is_listed_read_and_removed(store):
    assert store.sizes() == {}
    store.write("a/b.txt", b"12345")
    store.write("c.txt", b"")
    store.write(".run.json", b"{}", beside=True)
    assert store.sizes() == {"a/b.txt": 5, "c.txt": 0}
    assert store.read("a/b.txt") == b"12345"
    store.remove("c.txt")
    store.remove("c.txt")
    assert store.sizes() == {"a/b.txt": 5}
    with pytest.raises(FileNotFoundError):
        store.read("c.txt")


def test_a_folder_is_a_store_too(tmp_path):
    store = Store(f"file://{tmp_path}/data")
    store.write("a/b/c.txt", b"12345")
    assert (tmp_path / "data/a/b/c.txt").read_bytes() == b"12345"
    assert store.sizes() == {"a/b/c.txt": 5}


def test_waits_double_up_to_the_longest():
    assert Patience(6, 0.5, 3.0).waits_s() == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert sum(Patience().waits_s()) == pytest.approx(121.5)


def test_a_refused_request_is_made_again(store, monkeypatch):
    busy = OSError(errno.EBUSY, "slow down")
    left = refuse(monkeypatch, store, "pipe_file", [busy, ConnectionError("reset"), busy])
    store.write("a", b"1")
    assert (left, store.n_refused, store.read("a")) == ([], 3, b"1")


def test_a_store_that_stays_down_is_one_sentence(store, monkeypatch):
    left = refuse(monkeypatch, store, "pipe_file", [ConnectionError("no route")] * 9)
    with pytest.raises(AssetError) as raised:
        store.write("a", b"1")
    assert str(raised.value) == (
        f"'{store.url}' refused 4 times in 0 s (ConnectionError: no route); what was finished is"
        " kept, see that the store can be reached and repeat the same command"
    )
    assert len(left) == 5
    # From now on nobody waits for it.
    with pytest.raises(AssetError, match="refused"):
        store.write("a", b"1")
    assert len(left) == 4


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            PermissionError("Access Denied"),
            "see that the bucket is yours and that your credentials",
        ),
        (type("NoCredentialsError", (Exception,), {})("no keys"), "no keys.*credentials may list"),
        (FileNotFoundError("no such bucket"), "expects a bucket that is there.*no such bucket"),
    ],
)
def test_what_patience_does_not_change_is_said_at_once(store, monkeypatch, error, message):
    left = refuse(monkeypatch, store, "pipe_file", [error, error])
    with pytest.raises(AssetError, match=message):
        store.write("a", b"1")
    assert len(left) == 1


def test_a_password_is_not_repeated():
    assert "secret" not in Store("memory://user:secret@host/data").url


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nosuch://bucket/data", "a URL that fsspec knows, .*got 'nosuch://bucket/data'"),
        ("memory://bucket", "expects a prefix below a bucket, .*got 'memory://bucket'"),
    ],
)
def test_a_wrong_url_is_one_sentence(url, message):
    with pytest.raises(RecipeError, match=message):
        Store(url)


def test_a_missing_package_says_what_to_install(monkeypatch):
    import fsspec

    def absent(url):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", absent)
    with pytest.raises(AssetError, match=r'pip install "facies\[storage\]"'):
        Store("s3://bucket/data")
