"""Documents from a folder: no path leads out of it, and unsuitable files are named, not guessed."""

import os

import pytest

from runbooks.documents.sources.folder import (
    MAXIMUM_BYTES,
    DocumentMissing,
    DocumentUnreadable,
    FolderSource,
)

TEXT = "# Pumpe\n\nAnhalten: Größe prüfen.\n".encode()


@pytest.fixture
def folder(tmp_path):
    """``tmp_path/docs`` is the root; beside it lies a secret that no path may reach."""
    (tmp_path / "docs" / "deep").mkdir(parents=True)
    (tmp_path / "docs" / "pump.md").write_bytes(TEXT)
    (tmp_path / "docs" / "deep" / "valve.md").write_bytes(TEXT)
    (tmp_path / "docs-secret").mkdir()
    (tmp_path / "docs-secret" / "key.md").write_text("secret")
    (tmp_path / "secret.md").write_text("secret")
    return tmp_path / "docs"


def missing(folder, path):
    with pytest.raises(DocumentMissing):
        FolderSource(folder).read(path)


def unreadable(folder, path, words):
    with pytest.raises(DocumentUnreadable, match=words) as caught:
        FolderSource(folder).read(path)
    assert str(folder) not in str(caught.value)


@pytest.mark.parametrize(
    "path", ["pump.md", "./pump.md", "deep/valve.md", "deep/../pump.md", "deep//valve.md"]
)
def test_a_document_is_read_byte_for_byte(folder, path):
    assert FolderSource(folder).read(path) == TEXT


def test_line_ends_and_the_byte_order_mark_are_kept(folder):
    content = b"\xef\xbb\xbf# A\r\n\r\nb\r"
    (folder / "windows.md").write_bytes(content)
    assert FolderSource(folder).read("windows.md") == content


@pytest.mark.parametrize(
    "path",
    [
        "../secret.md",
        "deep/../../secret.md",
        "../docs-secret/key.md",  # begins with the root's own name
        "..",
        "../docs/../secret.md",
        "./../secret.md",
        "deep/../../docs-secret/key.md",
        "../../../../../../../../etc/passwd",
        "/etc/passwd",
        "//etc/passwd",
        "~/.ssh/id_rsa",
        "file:///etc/passwd",
        "..\\secret.md",
    ],
)
def test_no_path_leads_out_of_the_folder(folder, path):
    missing(folder, path)


def test_an_absolute_path_to_a_file_outside_is_missing(folder):
    missing(folder, str(folder.parent / "secret.md"))


def test_a_link_that_leads_out_is_missing(folder):
    (folder / "out.md").symlink_to(folder.parent / "secret.md")
    (folder / "out").symlink_to(folder.parent, target_is_directory=True)
    missing(folder, "out.md")
    missing(folder, "out/secret.md")
    missing(folder, "out/docs-secret/key.md")


def test_a_link_that_stays_inside_is_followed(folder):
    (folder / "alias.md").symlink_to("pump.md")
    (folder / "there").symlink_to("deep", target_is_directory=True)
    assert FolderSource(folder).read("alias.md") == TEXT
    assert FolderSource(folder).read("there/valve.md") == TEXT


def test_a_root_that_is_a_link_itself_is_the_folder_it_leads_to(folder, tmp_path):
    (tmp_path / "current").symlink_to(folder, target_is_directory=True)
    assert FolderSource(tmp_path / "current").read("pump.md") == TEXT
    missing(tmp_path / "current", "../secret.md")


def test_a_ring_of_links_is_missing(folder):
    (folder / "one.md").symlink_to("two.md")
    (folder / "two.md").symlink_to("one.md")
    (folder / "self").symlink_to("self")
    missing(folder, "one.md")
    missing(folder, "self/pump.md")


def test_a_link_to_nothing_is_missing(folder):
    (folder / "gone.md").symlink_to("nowhere.md")
    missing(folder, "gone.md")


@pytest.mark.parametrize(
    "path",
    [
        "nowhere.md",
        "",
        "pump.md/inside",
        "a\x00b.md",
        "\x00",
        pytest.param("a" * 5_000, id="a name of 5,000 letters"),
        pytest.param("a" * 256, id="a name one letter too long"),
        pytest.param("/".join(["a" * 200] * 40), id="a path too long"),
        "\ud800.md",
        "pump.md\n",
        "PUMP%2Emd",
    ],
)
def test_what_is_not_there_is_missing_and_nothing_else_is_raised(folder, path):
    missing(folder, path)


def test_a_root_that_does_not_exist_has_no_documents(tmp_path):
    missing(tmp_path / "nowhere", "pump.md")


@pytest.mark.parametrize("path", ["deep", "deep/", ".", "./", "deep/.."])
def test_a_folder_is_no_document(folder, path):
    unreadable(folder, path, "It is not a file")


def test_a_pipe_is_no_document_and_is_not_waited_for(folder):
    os.mkfifo(folder / "pipe.md")
    unreadable(folder, "pipe.md", "It is not a file")


def test_a_device_is_no_document(folder):
    (folder / "zero.md").symlink_to("/dev/zero")
    missing(folder, "zero.md")


def test_a_document_may_be_as_large_as_the_limit_and_not_a_byte_more(folder):
    (folder / "large.md").write_bytes(b"a" * MAXIMUM_BYTES)
    assert len(FolderSource(folder).read("large.md")) == MAXIMUM_BYTES
    (folder / "large.md").write_bytes(b"a" * (MAXIMUM_BYTES + 1))
    unreadable(folder, "large.md", "larger than 2 MB")


def test_an_empty_document_is_a_document(folder):
    (folder / "empty.md").write_bytes(b"")
    assert FolderSource(folder).read("empty.md") == b""


def test_a_null_byte_makes_it_binary(folder):
    (folder / "image.md").write_bytes(b"# A\x00b")
    unreadable(folder, "image.md", "binary")


@pytest.mark.parametrize(
    ("content", "byte"),
    [
        (b"abc\xff", 3),
        ("Größe".encode("latin-1"), 2),
        (b"\xed\xa0\x80", 0),  # half a surrogate pair
        (b"\xc0\xaf", 0),  # a slash written too long
        (b"ab\xe2\x82", 2),  # cut off
    ],
)
def test_what_is_no_utf8_is_named_with_the_byte_where_it_breaks(folder, content, byte):
    (folder / "latin.md").write_bytes(content)
    unreadable(folder, "latin.md", rf"not UTF-8 text \(byte {byte}\)")


def test_a_file_that_goes_away_or_may_not_be_read_is_told_in_words(folder, monkeypatch):
    from pathlib import Path

    def refuse(self, *arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    unreadable(folder, "pump.md", "It cannot be read: Permission denied")
