"""The profile names what an image's bits depend on beside its recipe."""

from __future__ import annotations

import json

import pytest

from isekai_gen.errors import ModelError
from isekai_gen.models.loading import load_generator
from isekai_gen.models.profile import (
    available_devices,
    make_deterministic,
    reproducibility_profile,
    resolve_dtype,
)
from isekai_gen.models.spec import Device, GeneratorSpec
from tests.models.conftest import CPU


def test_the_profile_has_versions_device_threads_and_dtype():
    import torch

    profile = reproducibility_profile(CPU, "auto")
    assert profile["torch"] == torch.__version__.partition("+")[0]
    assert {"diffusers", "transformers", "numpy", "pillow", "cpu_capability"} <= profile.keys()
    assert (profile["device"], profile["threads"], profile["dtype"]) == ("cpu", "1", "float32")
    assert json.loads(json.dumps(profile)) == profile


def test_another_dtype_is_another_profile():
    assert reproducibility_profile(CPU, "bfloat16") != reproducibility_profile(CPU, "float32")


def test_an_unknown_dtype_is_refused():
    with pytest.raises(ModelError, match="unknown dtype"):
        resolve_dtype("float8", CPU)


def test_a_profile_of_a_device_that_is_not_here_is_refused():
    with pytest.raises(ModelError, match="not on this machine"):
        reproducibility_profile(Device("cuda:99"), "auto")


def test_devices_are_all_gpus_or_the_cpu():
    import torch

    found = available_devices()
    if torch.cuda.is_available():
        assert len(found) == torch.cuda.device_count()
    else:
        assert found == [CPU]


def test_a_worker_on_the_cpu_runs_one_thread(tiny_folder):
    import torch

    torch.set_num_threads(2)
    load_generator(GeneratorSpec(str(tiny_folder("sd")), "sd"), CPU)
    assert torch.get_num_threads() == 1
    torch.set_num_threads(2)
    make_deterministic(CPU)
    assert torch.get_num_threads() == 1


@pytest.mark.gpu
def test_a_gpu_has_its_name_in_the_profile():
    if available_devices() == [CPU]:
        pytest.skip("no CUDA device")
    assert reproducibility_profile(Device("cuda:0"), "auto")["gpu"]
