"""Documents from a git repository: the content of a commit and nothing else, in any case."""

import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from unicodedata import normalize

import pytest

from runbooks.documents.sources import git, git_objects, git_trees
from runbooks.documents.sources.folder import (
    MAXIMUM_BYTES,
    DocumentMissing,
    DocumentUnreadable,
    FolderSource,
    Origin,
    SourceError,
)
from runbooks.documents.sources.git import open_source
from tests.runbooks.documents.repositories import Repository, tree_of

PUMP, VALVE = "# Pump\n", "# Valve\n"


@pytest.fixture
def repository(tmp_path):
    """Two documents, committed on two days."""
    made = Repository(tmp_path / "docs")
    made.first = made.commit(docs__pump=PUMP)
    made.second = made.commit(docs__deep__valve=VALVE)
    return made


def opened(root, ref=""):
    return open_source(root, ref)


def read(root, path, ref="main"):
    with open_source(root, ref) as source:
        return source.read(path)


def refused(root, ref, words):
    with pytest.raises(SourceError, match=words), open_source(root, ref) as source:
        source.files()


# ---- what is read


def test_a_bare_repository_is_read_at_its_head(repository):
    with open_source(repository.bare()) as source:
        assert source.revision == repository.second
        assert source.files() == {"docs/pump.md", "docs/deep/valve.md"}
        assert source.read("docs/pump.md") == PUMP.encode()


def test_a_working_tree_without_a_ref_is_read_as_the_files_lie(repository):
    repository.write("docs/pump.md", "# Not committed\n")
    with open_source(repository.root) as source:
        assert isinstance(source, FolderSource)
        assert source.read("docs/pump.md") == b"# Not committed\n"
        assert source.files() == {"docs/pump.md", "docs/deep/valve.md"}


def test_with_a_ref_what_is_not_committed_does_not_count(repository):
    repository.write("docs/pump.md", "# Not committed\n")
    assert read(repository.root, "docs/pump.md") == PUMP.encode()


@pytest.mark.parametrize(
    "ref",
    ["main", "HEAD", "refs/heads/main", "v1", "annotated", "heads/main", "tags/v1", "feature/ä"],
)
def test_a_branch_a_tag_and_a_full_name_are_understood(repository, ref):
    repository.git("tag", "v1")
    repository.git("tag", "-a", "-m", "A tag", "annotated")
    repository.git("branch", "feature/ä")
    for pack in (False, True):
        if pack:
            repository.git("pack-refs", "--all")
        with open_source(repository.root, ref) as source:
            assert source.revision == repository.second


def test_a_commit_is_understood_whole_or_shortened(repository):
    for ref in (repository.first, repository.first[:10]):
        with open_source(repository.root, ref) as source:
            assert source.revision == repository.first
            assert source.files() == {"docs/pump.md"}


def test_packed_objects_are_read_as_loose_ones(repository):
    repository.git("gc", "-q", "--aggressive")
    assert read(repository.bare(), "docs/deep/valve.md") == VALVE.encode()


def test_each_text_carries_the_commit_that_brought_it_and_its_author_date(repository):
    third = repository.commit(docs__pump="# Pump, better\n")
    paths = frozenset({"docs/pump.md", "docs/deep/valve.md", "docs/none.md"})
    with open_source(repository.root, "main") as source:
        assert source.origins(paths) == {
            "docs/pump.md": Origin(third, datetime(2026, 1, 3, 11, tzinfo=UTC)),
            "docs/deep/valve.md": Origin(repository.second, datetime(2026, 1, 2, 11, tzinfo=UTC)),
        }


def test_the_commit_is_the_one_that_git_log_names_across_merges(repository):
    repository.git("checkout", "-q", "-b", "side", repository.first)
    repository.commit(docs__pump="# From the side\n")
    repository.git("checkout", "-q", "main")
    repository.commit(docs__deep__valve="# On main\n")
    repository.git("merge", "-q", "--no-edit", "side")
    repository.commit(other="# Other\n")
    with open_source(repository.root, "main") as source:
        origins = source.origins(source.files())
    for path, origin in origins.items():
        assert origin.commit == repository.git("log", "-1", "--format=%H", "--", path), path


def test_a_history_that_is_longer_than_we_look_leaves_the_date_open(repository, monkeypatch):
    monkeypatch.setattr(git, "MAX_COMMITS", 1)
    with open_source(repository.root, "main") as source:
        assert source.origins(frozenset({"docs/pump.md"})) == {
            "docs/pump.md": Origin(repository.second, None)
        }


def test_a_shallow_copy_ends_where_it_ends(repository, tmp_path):
    repository.git(
        "clone", "-q", "--depth", "1", f"file://{repository.root}", str(tmp_path / "shallow")
    )
    with open_source(tmp_path / "shallow", "main") as source:
        assert (
            source.origins(frozenset({"docs/pump.md"}))["docs/pump.md"].commit == repository.second
        )


# ---- no path leads out


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../../etc/passwd",
        "docs/../../etc/passwd",
        "../docs/pump.md",  # comes back in, but was out
        "docs/../../docs/pump.md",
        "docs/none.md",
        "docs/pump.md/inside",
        "a\x00b",
        "\ud800.md",
        "docs/pump.md\n",
        "main:docs/pump.md",
        "x" * 5_000,
        "/".join(["x"] * 3_000),
    ],
)
def test_what_is_not_there_is_missing_and_nothing_else_is_raised(repository, path):
    with pytest.raises(DocumentMissing):
        read(repository.root, path)


def test_links_inside_the_tree_are_followed_and_others_lead_nowhere(repository):
    links = {
        "alias.md": "docs/pump.md",
        "there": "docs/deep",
        "out.md": "../outside.md",
        "absolute.md": "/etc/passwd",
        "one.md": "two.md",
        "two.md": "one.md",
        "ring": "ring/ring",
    }
    for name, target in links.items():
        (repository.root / name).symlink_to(target)
    (repository.root.parent / "outside.md").write_text("secret")
    repository.commit()
    assert read(repository.root, "alias.md") == PUMP.encode()
    assert read(repository.root, "there/valve.md") == VALVE.encode()
    for path in ("out.md", "absolute.md", "one.md", "ring", "ring/x.md"):
        with pytest.raises(DocumentMissing):
            read(repository.root, path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a" * (MAXIMUM_BYTES + 1), "larger than 2 MB"),
        (b"# A\x00b", "binary"),
        (b"abc\xff", r"not UTF-8 text \(byte 3\)"),
    ],
)
def test_what_cannot_be_stored_is_told_in_words(repository, content, words):
    repository.commit(docs__pump=content)
    with pytest.raises(DocumentUnreadable, match=words):
        read(repository.root, "docs/pump.md")


def test_a_huge_file_is_measured_and_never_read(repository, monkeypatch):
    repository.commit(docs__pump=b"a" * (MAXIMUM_BYTES + 1))
    fetched = []
    monkeypatch.setattr(
        git_objects.GitObjects,
        "content",
        lambda self, name, *, most: fetched.append(name) or _content(self, name, most),
    )
    with pytest.raises(DocumentUnreadable, match="larger"):
        read(repository.root, "docs/pump.md")
    assert repository.git("rev-parse", "HEAD:docs/pump.md") not in fetched


_real = git_objects.GitObjects.content


def _content(objects, name, most):
    return _real(objects, name, most=most)


def test_a_folder_and_a_submodule_are_no_documents(repository):
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{repository.first},module")
    repository.git("commit", "-q", "-m", "A submodule")
    for path in ("docs", "module"):
        with pytest.raises(DocumentUnreadable, match="not a file"):
            read(repository.root, path)


# ---- refs are names and never options


@pytest.mark.parametrize(
    "ref",
    [
        "--upload-pack=touch /tmp/x",
        "-h",
        "--help",
        "main..other",
        "main^",
        "main~1",
        "@{1}",
        "HEAD:docs/pump.md",
        ":/day",
        "../../../etc/passwd",
        "refs/../../config",
        "/etc/passwd",
        "a b",
        "a\nb",
        "a\x00b",
        "refs/heads/main.lock",
        "x" * 500,
        "@",
        "*",
    ],
)
def test_what_is_no_name_of_a_ref_is_refused(repository, ref):
    refused(repository.root, ref, "is no name of a branch, tag or commit")


@pytest.mark.parametrize("ref", ["nowhere", "refs/heads/nowhere", "config", "refs/config"])
def test_a_ref_that_does_not_exist_is_told(repository, ref):
    refused(repository.root, ref, "There is no branch, tag or commit named")


@pytest.mark.parametrize("ref", ["0" * 40, "abcdef1"])
def test_an_object_that_does_not_exist_is_told(repository, ref):
    refused(repository.root, ref, "names no commit")


def test_a_ref_to_something_else_than_a_commit_is_told(repository):
    blob = repository.git("rev-parse", "HEAD:docs/pump.md")
    (repository.root / ".git/refs/heads/blob").write_text(f"{blob}\n")
    refused(repository.root, "blob", "names no commit")


def test_refs_that_point_at_one_another_end(repository):
    (repository.root / ".git/refs/heads/a").write_text("ref: refs/heads/b\n")
    (repository.root / ".git/refs/heads/b").write_text("ref: refs/heads/a\n")
    refused(repository.root, "a", "There is no branch")


def test_a_ref_that_is_a_link_to_a_file_outside_is_not_followed(repository, tmp_path):
    (tmp_path / "outside").write_text(f"{repository.first}\n")
    (repository.root / ".git/refs/heads/out").symlink_to(tmp_path / "outside")
    refused(repository.root, "out", "There is no branch")


def test_an_empty_repository_and_a_folder_that_is_none_are_told(tmp_path):
    Repository(tmp_path / "empty")
    refused(tmp_path / "empty", "main", "There is no branch")
    (tmp_path / "plain").mkdir()
    refused(tmp_path / "plain", "main", "is no git repository")
    refused(tmp_path / "nowhere", "", "is not a folder")


# ---- a repository that is out to harm


HOSTILE = """
[core]
\tfsmonitor = "touch {marker}"
\tsshCommand = "touch {marker}"
\tgitProxy = "touch {marker}"
\tpager = "touch {marker}"
\teditor = "touch {marker}"
\thooksPath = "{hooks}"
\tattributesFile = "{attributes}"
\trepositoryformatversion = 99
\tworktree = /
[extensions]
\tpartialClone = origin
[remote "origin"]
\turl = "ext::touch {marker}"
\tuploadpack = "touch {marker}"
\tpromisor = true
[alias]
\tcat-file = "!touch {marker}"
[diff "md"]
\ttextconv = "touch {marker}"
\tcommand = "touch {marker}"
[filter "md"]
\tsmudge = "touch {marker}"
\tclean = "touch {marker}"
\tprocess = "touch {marker}"
[include]
\tpath = "{included}"
[trace2]
\teventTarget = "{marker}"
[uploadpack]
\tpackObjectsHook = "touch {marker}"
"""


@pytest.mark.parametrize("bare", [False, True])
def test_nothing_that_the_configuration_of_the_repository_says_is_heard(repository, tmp_path, bare):
    marker, hooks, included = tmp_path / "marker", tmp_path / "hooks", tmp_path / "included"
    hooks.mkdir()
    root = repository.bare() if bare else repository.root
    git_folder = root if bare else root / ".git"
    included.write_text(f'[core]\n\tfsmonitor = "touch {marker}"\n')
    attributes = git_folder / "info" / "attributes"
    attributes.parent.mkdir(exist_ok=True)
    attributes.write_text("*.md diff=md filter=md\n")
    for place in (hooks, git_folder / "hooks"):
        place.mkdir(exist_ok=True)
        for name in ("post-checkout", "pre-receive", "fsmonitor-watchman", "post-index-change"):
            (place / name).write_text(f"#!/bin/sh\ntouch {marker}\n")
            (place / name).chmod(stat.S_IRWXU)
    (git_folder / "config").write_text(
        HOSTILE.format(marker=marker, hooks=hooks, included=included, attributes=attributes)
    )
    with open_source(root, "main") as source:
        assert source.read("docs/pump.md") == PUMP.encode()
        assert source.origins(source.files())
        with pytest.raises(DocumentMissing):
            source.read("nowhere.md")
    assert not marker.exists()


def test_the_environment_of_whoever_syncs_reaches_git_neither(repository, tmp_path, monkeypatch):
    marker = tmp_path / "marker"
    for name, value in {
        "GIT_DIR": "/nowhere",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": f"touch {marker}",
        "GIT_EXTERNAL_DIFF": f"touch {marker}",
        "GIT_TRACE": str(marker),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    assert read(repository.root, "docs/pump.md") == PUMP.encode()
    assert not marker.exists()


def test_a_replaced_object_is_read_as_it_was_committed(repository):
    other = repository.put_object("blob", b"# Replaced\n")
    repository.git("replace", repository.git("rev-parse", "HEAD:docs/pump.md"), other)
    assert read(repository.root, "docs/pump.md") == PUMP.encode()


def test_objects_that_lie_elsewhere_are_not_borrowed(repository, tmp_path):
    repository.git("clone", "-q", "--shared", str(repository.root), str(tmp_path / "borrower"))
    refused(tmp_path / "borrower", "main", "borrows objects from elsewhere")


def test_an_objects_folder_that_is_a_link_is_refused(repository, tmp_path):
    (repository.root / ".git/objects").rename(tmp_path / "objects")
    (repository.root / ".git/objects").symlink_to(tmp_path / "objects")
    refused(repository.root, "main", "borrows objects from elsewhere")


def test_a_linked_worktree_is_told_what_to_do(repository, tmp_path):
    repository.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "linked")
    refused(tmp_path / "linked", "", "Name the repository itself")


def test_folders_that_hold_one_another_a_million_times_are_refused(repository, monkeypatch):
    monkeypatch.setattr(git_trees, "MAX_FILES", 1_000)
    blob = repository.put_object("blob", b"# A\n")
    tree = repository.put_object(
        "tree", tree_of(*((("100644", f"{n}.md", blob)) for n in range(10)))
    )
    for _ in range(10):
        tree = repository.put_object(
            "tree", tree_of(*((("40000", f"{n}", tree)) for n in range(10)))
        )
    repository.commit_tree(tree)
    refused(repository.root, "main", "more than 1,000 files and folders")


def test_a_tree_deeper_than_any_of_ours_ends(repository):
    tree = repository.put_object(
        "tree", tree_of(("100644", "a.md", repository.put_object("blob", b"# A\n")))
    )
    for _ in range(200):
        tree = repository.put_object("tree", tree_of(("40000", "d", tree)))
    repository.commit_tree(tree)
    with open_source(repository.root, "main") as source:
        assert source.files() == frozenset()


def test_names_that_no_file_may_have_reach_nothing(repository):
    blob = repository.put_object("blob", b"# Evil\n")
    names = ("..", ".", "a/b.md", "..\\x.md")
    repository.commit_tree(
        repository.put_object("tree", tree_of(*(("100644", name, blob) for name in names)))
    )
    with open_source(repository.root, "main") as source:
        assert source.files() == {"..\\x.md"}
    for path in ("..", "../..", "a/b.md"):
        with pytest.raises((DocumentMissing, DocumentUnreadable)):
            read(repository.root, path)


@pytest.mark.parametrize("content", [b"garbage", b"100644 a.md\x00short", b"\x00" * 50])
def test_a_damaged_tree_is_told(repository, content):
    repository.commit_tree(repository.put_object("tree", content))
    refused(repository.root, "main", "cannot be read")


def test_a_damaged_object_is_told(repository):
    blob = repository.git("rev-parse", "HEAD:docs/pump.md")
    place = repository.root / ".git/objects" / blob[:2] / blob[2:]
    place.chmod(0o644)
    place.write_bytes(b"no zlib")
    with pytest.raises((DocumentUnreadable, SourceError)):
        read(repository.root, "docs/pump.md")


def test_git_that_does_not_answer_is_ended(repository, tmp_path, monkeypatch):
    silent = tmp_path / "bin" / "git"
    silent.parent.mkdir()
    silent.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(600)\n")
    silent.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{silent.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(git_objects, "PATIENCE", 0.3)
    refused(repository.root, "main", "git does not answer")


def test_without_git_it_is_told(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")
    refused(repository.root, "main", "git is not installed")


def test_nothing_is_left_running_or_lying_about(repository, tmp_path, monkeypatch):
    started = []
    real = subprocess.Popen
    monkeypatch.setattr(
        git_objects.subprocess,
        "Popen",
        lambda *a, **k: started.append(real(*a, **k)) or started[-1],
    )
    monkeypatch.setattr(git_objects.tempfile, "tempdir", str(tmp_path))
    with pytest.raises(ZeroDivisionError), open_source(repository.root, "main"):
        raise ZeroDivisionError
    assert started
    assert all(process.poll() is not None for process in started)
    assert not list(tmp_path.glob("documents-*"))


def test_the_command_line_is_the_same_for_every_repository_ref_and_path(repository, monkeypatch):
    lines = set()
    real = subprocess.Popen
    monkeypatch.setattr(
        git_objects.subprocess,
        "Popen",
        lambda line, **k: lines.add(tuple(line[1:])) or real(line, **k),
    )
    for ref in ("main", repository.first):
        read(repository.root, "docs/pump.md", ref)
    assert len(lines) == 2
    assert all("cat-file" in line and str(repository.root) not in line for line in lines)


@pytest.mark.parametrize(("asked", "committed"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_composed_and_decomposed_letters_in_a_path_are_the_same(repository, asked, committed):
    repository.write(normalize(committed, "Übung/Prüfung.md"), "# A\n")
    commit = repository.commit()
    path = normalize(asked, "Übung/Prüfung.md")
    assert read(repository.root, path) == b"# A\n"
    with open_source(repository.root, "main") as source:
        assert source.origins(frozenset({path}))[path].commit == commit
