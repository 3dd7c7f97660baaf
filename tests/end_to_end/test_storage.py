"""A full disk, a read-only folder, two writers: clear lines, and nothing is lost."""

import os
import resource
import subprocess
import sys
import time

import pytest

from tests.held_writes import HeldWrites
from tests.small_jobs import arguments, call, command, digests, environment, run_cli, write_job
from tests.stages.curated_jobs import in_this_process

IMAGES = 24


@pytest.fixture(scope="module")
def undisturbed(tiny_generator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    job = write_job(folder)
    with in_this_process():
        call(*arguments(job, tiny_generator, folder / "ws", IMAGES))
    return job, digests(folder / "ws")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 300 KiB, and a function that makes it large enough."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root; the file size limit is tested all the same")

    def enlarge():
        subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True)

    yield folder, enlarge
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.slow
def test_a_full_disk_stops_cleanly_and_a_rerun_completes(undisturbed, tiny_generator, small_disk):
    job, expected = undisturbed
    folder, enlarge = small_disk
    args = arguments(job, tiny_generator, folder / "ws", IMAGES)
    full = run_cli(args)
    assert full.returncode == 3, full.stderr
    assert "the disk is full" in full.stderr
    assert "Traceback" not in full.stderr
    enlarge()
    with in_this_process():
        call(*args)
    assert digests(folder / "ws") == expected


@pytest.mark.slow
def test_a_file_size_limit_stops_cleanly_and_a_rerun_completes(
    undisturbed, tiny_generator, tmp_path
):
    job, expected = undisturbed
    args = arguments(job, tiny_generator, tmp_path / "ws", IMAGES)
    limit = 14_000  # above any picture and plan part, below a part of records
    limited = run_cli(
        args, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    )
    assert limited.returncode == 3, limited.stderr
    assert "the file size limit is reached" in limited.stderr
    with in_this_process():
        call(*args)
    assert digests(tmp_path / "ws") == expected


def test_a_second_writer_is_told_who_holds_the_workspace(job, tiny_generator, tmp_path):
    root = tmp_path / "ws"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\nfrom pathlib import Path\n"
            "from isekai_gen.workspace import Workspace\n"
            "with Workspace(Path(sys.argv[1])).lock():\n    print('held', flush=True)\n"
            "    time.sleep(3600)",
            root,
        ],
        env=environment(),
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        second = run_cli(arguments(job, tiny_generator, root))
        assert second.returncode == 2
        assert f"in use by process {holder.pid}" in second.stderr
        assert not (root / "plan").exists()
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_clear_line(job, tiny_generator, tmp_path):
    root = tmp_path / "ws"
    root.mkdir(mode=0o500)
    done = run_cli(arguments(job, tiny_generator, root))
    assert done.returncode == 3
    assert "writing is not permitted" in done.stderr


@pytest.mark.slow
def test_two_runs_at_once_one_wins_and_one_is_refused(undisturbed, tiny_generator, tmp_path):
    job, expected = undisturbed
    args = command(arguments(job, tiny_generator, tmp_path / "ws", IMAGES))
    held, runs = HeldWrites(tmp_path / "held"), []
    held.hold("*/images/*")  # so that one still draws when the other comes, however late
    for _ in range(2):
        runs.append(subprocess.Popen(args, env=held.environment, stderr=subprocess.PIPE, text=True))
    while all(run.poll() is None for run in runs):
        time.sleep(0.01)
    held.release()
    stderr = [run.communicate()[1] for run in runs]
    assert sorted(run.returncode for run in runs) == [0, 2], stderr
    assert digests(tmp_path / "ws") == expected
