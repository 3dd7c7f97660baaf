"""Workers on other machines first make sure that their machine is the right one."""

import pickle
from dataclasses import dataclass

import pytest

from isekai_gen.errors import InputError, StaleShardError, WorkspaceError
from isekai_gen.executors import EngineChoice, ShardResult
from isekai_gen.settings import Settings
from isekai_gen.stages import workers
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.workers import common_profile, for_engine, settled_dtype, worker_profiles
from isekai_gen.workspace import Workspace, lock_holder

RAY = EngineChoice("ray")


@dataclass(frozen=True)
class Plain:
    """A worker that only says where it is."""

    def setup(self, device_name):
        return lambda part, control: ShardResult(part, {"device": device_name})


@pytest.fixture
def context(tmp_path):
    workspace = Workspace(tmp_path)
    with workspace.lock():
        yield StageContext(workspace, Settings(), engine=RAY)


@pytest.fixture(scope="module")
def profile():
    return common_profile(["cpu"], "auto")


def arrived(worker):
    """The worker as it arrives on another machine."""
    return pickle.loads(pickle.dumps(worker))  # noqa: S301 - our own bytes


def test_on_this_machine_a_worker_stays_as_it_is(tmp_path, profile):
    worker = Plain()
    assert for_engine(worker, StageContext(Workspace(tmp_path), Settings()), profile) is worker


def test_a_worker_that_sees_the_locked_workspace_begins(context, profile):
    work_on = arrived(for_engine(Plain(), context, profile)).setup("cpu")
    assert work_on(3, None) == ShardResult(3, {"device": "cpu"})


def test_where_results_do_not_depend_on_machines_any_may_join(context, monkeypatch):
    worker = for_engine(Plain(), context, None)
    monkeypatch.setattr(workers, "_profile_on", None)
    assert arrived(worker).setup("cpu")(3, None) == ShardResult(3, {"device": "cpu"})


def test_a_workspace_that_is_not_shared_is_said_at_once(context, profile, tmp_path):
    worker = for_engine(Plain(), context, profile)
    tmp_path.rename(tmp_path.with_name("elsewhere"))
    with pytest.raises(WorkspaceError, match=r"not visible on node .*same path"):
        arrived(worker).setup("cpu")
    tmp_path.with_name("elsewhere").rename(tmp_path)


def test_another_folder_under_the_same_path_is_not_taken_for_it(context, profile, monkeypatch):
    monkeypatch.setattr(workers, "_SECONDS_TO_BE_SEEN", 0.0)
    worker = for_engine(Plain(), context, profile)
    (context.workspace.root / ".lock").write_text("1\n")
    with pytest.raises(WorkspaceError, match="no lock of process"):
        arrived(worker).setup("cpu")


def test_a_machine_with_other_versions_is_refused(context, profile):
    other = {**profile, "torch": "1.0"}
    worker = for_engine(Plain(), context, other)
    with pytest.raises(StaleShardError, match=rf"torch 1\.0 and {profile['torch']}"):
        arrived(worker).setup("cpu")


def test_every_device_is_asked(profile):
    assert worker_profiles(["cpu", "cpu"], "auto") == [profile, profile]
    assert profile["dtype"] == "float32"


def test_devices_that_differ_are_refused(monkeypatch):
    monkeypatch.setattr(
        workers, "worker_profiles", lambda *_: [{"gpu": "A", "torch": "2"}, {"torch": "2"}]
    )
    with pytest.raises(StaleShardError, match="gpu A and none"):
        common_profile(["cuda:0", "cuda:1"], "auto")


def test_the_holder_of_a_lock_is_read_even_where_there_is_none(tmp_path):
    assert lock_holder(tmp_path / "nowhere") == ""


@pytest.mark.parametrize(
    ("dtype", "devices", "engine", "settled"),
    [
        ("auto", (), EngineChoice(), "auto"),  # settled where the recipe is made
        ("auto", ("cpu",), RAY, "auto"),
        ("float16", ("cuda",), RAY, "float16"),
        ("auto", ("cuda",), RAY, "bfloat16"),
        ("auto,vae=float32", ("cuda",), RAY, "bfloat16,vae=float32"),
    ],
)
def test_the_workers_settle_the_number_format(
    tmp_path, monkeypatch, dtype, devices, engine, settled
):
    def on_their_gpu(_devices, asked, _engine):
        return {"dtype": asked.replace("auto", "bfloat16")}

    monkeypatch.setattr(workers, "common_profile", on_their_gpu)
    settings = Settings().with_overrides({"generate": {"dtype": dtype}})
    context = StageContext(Workspace(tmp_path), settings, devices=devices, engine=engine)
    assert settled_dtype(context).dtype == settled


@pytest.mark.parametrize(
    ("devices", "names"), [((), ["cpu"]), (("all",), ["cpu"]), (("cpu", "cpu"), ["cpu"])]
)
def test_all_devices_are_the_same_as_none_named(tmp_path, devices, names):
    context = StageContext(Workspace(tmp_path), Settings(), devices=devices)
    assert context.device_names() == names


@pytest.mark.parametrize(
    ("devices", "engine", "message"),
    [
        (("all", "cpu"), EngineChoice(), "nothing to add"),
        (("cuda:0",), RAY, "the cluster hands out the GPUs"),
        (("cpu", "cuda"), RAY, "use all, cuda or cpu"),
    ],
)
def test_devices_that_cannot_be_honored_are_refused(tmp_path, devices, engine, message):
    context = StageContext(Workspace(tmp_path), Settings(), devices=devices, engine=engine)
    with pytest.raises(InputError, match=message):
        context.device_names()


@pytest.mark.parametrize(("devices", "name"), [(("cpu",), "cpu"), (("cuda",), "cuda:0")])
def test_a_named_kind_needs_no_cluster_to_be_known(tmp_path, devices, name):
    context = StageContext(Workspace(tmp_path), Settings(), devices=devices, engine=RAY)
    assert context.device_names() == [name]
