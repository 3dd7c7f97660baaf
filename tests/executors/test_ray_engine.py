"""Drawing and embedding on a real Ray cluster: what is lost is redone, and no byte differs."""

import os
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from isekai_gen.stages.drawn import read_drawn
from isekai_gen.workspace import Workspace
from tests.executors.ray_nodes import RayNodes, kill_group, ray_environment, wait_for
from tests.held_writes import HeldWrites
from tests.small_jobs import arguments, call, command, digests, write_job
from tests.stages.curated_jobs import in_this_process

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

IMAGES = 24
FOLDERS = ("images", "records", "plan", "done", "embeddings")


@pytest.fixture(scope="module")
def held_anywhere(tmp_path_factory):
    return HeldWrites(tmp_path_factory.mktemp("held") / "writes")


@pytest.fixture
def held(held_anywhere):
    yield held_anywhere
    held_anywhere.release()


@pytest.fixture(scope="module")
def nodes(held_anywhere):
    """A head with one CPU and a node with two: two workers, and a CPU left free."""
    cluster = RayNodes(cpus_of_head=1, variables=held_anywhere.variables)
    cluster.add_node(cpus=2)
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def local(tiny_generator, tiny_encoder, tmp_path_factory):
    """The job, and what a run without Ray makes of it."""
    folder = tmp_path_factory.mktemp("local")
    job = write_job(folder)
    root = folder / "ws"
    with in_this_process():
        call(*generate_args(job, tiny_generator, root))
        drawn = digests(root, FOLDERS)
        call("embed", "-w", root, "--encoder", tiny_encoder)
    return job, drawn, digests(root, FOLDERS)


def generate_args(job, model, root):
    return [*arguments(job, model, root, images=IMAGES), "--shard-size", "8"]


def on_ray(args, nodes, *more):
    return command([*args, "--engine", "ray", "--ray-address", nodes.address, *more])


def run(args):
    return subprocess.run(args, env=ray_environment(), capture_output=True, text=True, check=False)


def start(args):
    return subprocess.Popen(
        args,
        env=ray_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_records(process, root, at_least=1):
    """Wait until some images are recorded."""
    while sum(path.stat().st_size for path in root.glob("records/*.jsonl")) < at_least:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


def wait_for_held_worker(process, held, node=None):
    """An actor that waits with a shard in hand, on a node if one is named."""
    while True:
        for pid in held.waiting:
            if node is None or os.getsid(pid) == node.pid:
                return pid
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


def finish(process):
    _, stderr = process.communicate()
    return stderr


def test_images_and_embeddings_are_those_of_a_local_run(
    nodes, local, tiny_generator, tiny_encoder, tmp_path
):
    job, drawn, embedded = local
    root = tmp_path / "ws"
    done = run(on_ray(generate_args(job, tiny_generator, root), nodes))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert digests(root, FOLDERS) == drawn
    done = run(on_ray(["embed", "-w", root, "--encoder", tiny_encoder], nodes))
    assert done.returncode == 0, done.stderr
    assert digests(root, FOLDERS) == embedded


def test_pictures_that_fail_do_not_end_the_job(nodes, local, tiny_generator, tmp_path):
    job, _, _ = local
    model = tmp_path / "gray-model"
    shutil.copytree(tiny_generator, model)
    path = model / "vae/diffusion_pytorch_model.safetensors"
    arrays = load_file(path)
    for name in ("decoder.conv_out.weight", "decoder.conv_out.bias"):
        arrays[name] = np.zeros_like(arrays[name])  # every picture is one gray
    save_file(arrays, path)
    root = tmp_path / "ws"
    done = run(on_ray(arguments(job, model, root, images=1), nodes))
    assert done.returncode == 3, done.stderr
    assert "4 in " in done.stderr
    assert ", 4 failed" in done.stderr
    assert {record.failure for record in read_drawn(Workspace(root))} == {"constant picture"}


def test_a_killed_worker_is_replaced(nodes, held, local, tiny_generator, tmp_path):
    job, drawn, _ = local
    root = tmp_path / "ws"
    held.hold("*/images/*", most=IMAGES)
    process = start(on_ray(generate_args(job, tiny_generator, root), nodes))
    os.kill(wait_for_held_worker(process, held), signal.SIGKILL)
    held.release()
    stderr = finish(process)
    assert process.returncode == 0, stderr
    assert "ended or was killed, perhaps for want of memory; a fresh worker did it" in stderr
    assert digests(root, FOLDERS) == drawn


@pytest.mark.long
def test_a_lost_nodes_shards_are_done_elsewhere(nodes, held, local, tiny_generator, tmp_path):
    job, drawn, _ = local
    root = tmp_path / "ws"
    extra = nodes.add_node(cpus=1)
    args = on_ray(generate_args(job, tiny_generator, root), nodes, "--ray-workers", "4")
    held.hold("*/images/*")
    process = start(args)
    wait_for_held_worker(process, held, extra)
    kill_group(extra)
    held.release()
    stderr = finish(process)
    assert process.returncode == 0, stderr
    assert "a fresh worker did it" in stderr
    assert digests(root, FOLDERS) == drawn
    wait_for(lambda: not nodes.worker_pids(), "workers were left")


@pytest.mark.long
def test_a_killed_or_stopped_driver_is_run_again(nodes, held, local, tiny_generator, tmp_path):
    job, drawn, _ = local
    root = tmp_path / "ws"
    args = on_ray(generate_args(job, tiny_generator, root), nodes)
    held.hold("*/done/generate/part-00011.json")  # the last: without it no run ends
    process = start(args)
    wait_for_records(process, root)
    process.kill()
    finish(process)
    process = start(args)  # at once: workers of the killed one may still be there
    recorded = sum(path.stat().st_size for path in root.glob("records/*.jsonl"))
    wait_for_records(process, root, recorded + 1)
    os.killpg(process.pid, signal.SIGTERM)
    stderr = finish(process)
    assert process.returncode == 143, stderr
    assert "run again to continue" in stderr
    held.release()
    wait_for(lambda: not nodes.worker_pids(), "workers were left")
    done = run(args)
    assert done.returncode == 0, done.stderr
    assert digests(root, FOLDERS) == drawn
