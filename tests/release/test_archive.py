"""Archives: the same release gives the same bytes, whatever the machine did to the files."""

import os
import random
import tarfile
import zipfile

import pytest

from isekai_gen.errors import ReleaseError
from isekai_gen.release.containers.archive import archive_path, write_archive

FILES = {
    "README.md": b"# Isekai\n",
    "SHA256SUMS": b"0" * 64 + b"  README.md\n",
    "images/cactihog/cactihog-0001.png": bytes(range(256)) * 40,
    "images/cactihog/cactihog-0002.png": b"",
    "images/" + "a" * 120 + "/long.png": b"a long name",
}
KINDS = ("zip", "tar")


def make_release(folder, order=tuple(FILES)):
    for name in order:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(FILES[name])
    return folder


@pytest.fixture
def release(tmp_path):
    return make_release(tmp_path / "first" / "release")


def contents(archive):
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            assert packed.testzip() is None
            return {name: packed.read(name) for name in packed.namelist()}
    with tarfile.open(archive, "r:") as packed:
        return {member.name: packed.extractfile(member).read() for member in packed}


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_has_every_file_below_its_name_and_version(release, kind):
    archive = write_archive(release, release.with_name("isekai-1.0.0"), kind)
    assert archive == archive_path(release.with_name("isekai-1.0.0"), kind)
    assert archive.name == f"isekai-1.0.0.{kind}"
    assert contents(archive) == {f"isekai-1.0.0/{name}": FILES[name] for name in sorted(FILES)}
    assert list(contents(archive)) == [f"isekai-1.0.0/{name}" for name in sorted(FILES)]


@pytest.mark.parametrize("kind", KINDS)
def test_times_modes_and_orders_do_not_enter(release, tmp_path, kind):
    order = list(FILES)
    random.Random(0).shuffle(order)
    copy = make_release(tmp_path / "second" / "elsewhere", order)
    for number, name in enumerate(FILES):
        os.utime(copy / name, (10**9 + number, 10**9 + number))
        (copy / name).chmod(0o600)
    archives = [
        write_archive(folder, folder.with_name("isekai-1.0.0"), kind) for folder in (release, copy)
    ]
    assert archives[0].read_bytes() == archives[1].read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_an_existing_archive_is_never_replaced(release, kind):
    out = release.with_name("isekai-1.0.0")
    archive_path(out, kind).write_bytes(b"mine")
    with pytest.raises(ReleaseError, match="exists"):
        write_archive(release, out, kind)
    assert archive_path(out, kind).read_bytes() == b"mine"


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_is_refused_and_nothing_is_left(release, kind):
    (release / "images" / "link").symlink_to("/etc")
    with pytest.raises(ReleaseError, match="neither a file nor a folder"):
        write_archive(release, release.with_name("isekai-1.0.0"), kind)
    assert [path.name for path in release.parent.iterdir()] == ["release"]


def test_a_zip_is_stored_with_plain_modes_and_the_earliest_time(release):
    archive = write_archive(release, release.with_name("isekai-1.0.0"), "zip")
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            assert member.compress_type == zipfile.ZIP_STORED
            assert member.date_time == (1980, 1, 1, 0, 0, 0)
            assert (member.create_system, member.external_attr) == (3, 0o100644 << 16)
