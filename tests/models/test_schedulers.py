"""Schedulers by name: parsed strictly, matched to the model, and drawn with."""

from __future__ import annotations

import importlib.util
import json
import shutil

import pytest

from isekai_gen.errors import MissingDependencyError, ModelError
from isekai_gen.models.identity import identify_generator
from isekai_gen.models.loading import load_generator
from isekai_gen.models.scheduler_sources import read_scheduler, scheduler_files
from isekai_gen.models.schedulers import NOT_REPRODUCIBLE, SHORT_NAMES, parse_scheduler
from isekai_gen.models.spec import DrawRequest, GeneratorSpec
from tests.models.conftest import CPU, draw_one, one_line, settings

NOISE = sorted(name for name in SHORT_NAMES if not name.startswith("flow-"))
FLOW = sorted(name for name in SHORT_NAMES if name.startswith("flow-"))
has_scipy = importlib.util.find_spec("scipy") is not None


@pytest.fixture
def spec_of(tiny_folder):
    def spec(scheduler, family="sd", **changes):
        return GeneratorSpec(str(tiny_folder(family)), family, scheduler=scheduler, **changes)

    return spec


def refusal(spec: GeneratorSpec) -> str:
    with pytest.raises(ModelError) as error:
        identify_generator(spec)
    return one_line(error)


def pixels_beside(generator, neighbor: str):
    requests = [DrawRequest(0, "a red hedgehog", "", 1), DrawRequest(1, neighbor, "", 2)]
    return generator.draw(requests, settings(2, num_inference_steps=4))[0].pixels.tobytes()


@pytest.mark.parametrize("name", NOISE)
def test_each_short_name_draws_alike_whatever_the_neighbors(name, spec_of):
    if name == "lms" and not has_scipy:
        with pytest.raises(MissingDependencyError, match="scipy"):
            identify_generator(spec_of(name))
        return
    spec = spec_of(name)
    assert identify_generator(spec).scheduler == SHORT_NAMES[name][0]
    generator = load_generator(spec, CPU)
    assert pixels_beside(generator, "a snail") == pixels_beside(generator, "blue sky")


@pytest.mark.parametrize(
    ("family", "name"),
    [("sd3", name) for name in FLOW if name != "flow-lcm"]
    + [("flux", "flow-euler"), ("flux", "flow-unipc")],
)
def test_flow_models_draw_with_flow_schedulers(family, name, spec_of):
    spec = spec_of(name, family)
    identify_generator(spec)
    generator = load_generator(spec, CPU)
    assert pixels_beside(generator, "a snail") == pixels_beside(generator, "blue sky")


def test_every_class_of_diffusers_that_is_let_through_draws(spec_of):
    by_short_name = {class_name for class_name, _ in SHORT_NAMES.values()}
    drawn = set()
    for name in scheduler_files().keys() - by_short_name - {"DPMSolverSDEScheduler"}:
        try:
            identify_generator(spec_of(name))
        except ModelError:
            continue
        assert draw_one(load_generator(spec_of(name), CPU)).failure == ""
        drawn.add(name)
    assert drawn == {"DDIMParallelScheduler", "DDPMParallelScheduler"}


def test_the_list_of_schedulers_that_break_reproducibility_is_that_of_diffusers():
    found = {
        name
        for name in scheduler_files()
        if (source := read_scheduler(name)).predicts_noise
        and source.draws_noise
        and not source.step_takes_generator
    }
    brownian = {
        name for name, path in scheduler_files().items() if "BrownianTree" in path.read_text()
    }
    assert found | brownian == NOT_REPRODUCIBLE


@pytest.mark.parametrize(
    ("family", "name"),
    [
        ("sd", "DPMSolverSDEScheduler"),
        ("sd3", "flow-lcm"),
        ("sd3", "flow-dpm++:algorithm_type=sde-dpmsolver++"),
        ("sd3", "flow-euler:stochastic_sampling=true"),
    ],
)
def test_schedulers_that_break_reproducibility_are_refused_by_name(family, name, spec_of):
    line = refusal(spec_of(name, family))
    assert parse_scheduler(name).class_name in line
    assert "--not-reproducible" in line


def test_a_user_may_give_up_reproducibility(spec_of):
    spec = spec_of("flow-lcm", "sd3", reproducible=False)
    assert identify_generator(spec).scheduler == "FlowMatchLCMScheduler"
    assert draw_one(load_generator(spec, CPU)).failure == ""


@pytest.mark.parametrize(
    ("family", "name", "kind", "remedy"),
    [
        ("sd", "flow-euler", "noise prediction", "ddim"),
        ("sd", "dpm++:use_flow_sigmas=true,prediction_type=flow_prediction", "noise", "ddim"),
        ("sd", "EDMEulerScheduler", "noise prediction", "euler"),
        ("sd", "DDIMInverseScheduler", "noise prediction", "ddim"),
        ("flux", "dpm++", "flow matching", "flow-unipc"),
        ("sd3", "EulerDiscreteScheduler", "flow matching", "flow-euler"),
    ],
)
def test_a_scheduler_of_the_other_kind_is_refused(family, name, kind, remedy, spec_of):
    line = refusal(spec_of(name, family))
    assert f"model of {kind}" in line
    assert remedy in line


@pytest.mark.parametrize("name", ["flow-heun", "flow-dpm++", "flow-deis"])
def test_a_flow_scheduler_that_the_pipeline_cannot_step_is_refused_before_it_draws(name, spec_of):
    assert "use --scheduler flow-euler or flow-unipc" in refusal(spec_of(name, "flux"))


def test_settings_are_read_by_their_type():
    text = "dpm++:solver_order=3,lower_order_final=false,dynamic_thresholding_ratio=1e-1"
    spec = parse_scheduler(text + ",lambda_min_clipped=-5.5,timestep_spacing=trailing")
    assert spec.settings == {
        "algorithm_type": "dpmsolver++",
        "solver_order": 3,
        "lower_order_final": False,
        "dynamic_thresholding_ratio": 0.1,
        "lambda_min_clipped": -5.5,
        "timestep_spacing": "trailing",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("eulr", "did you mean 'euler'? known: ddim"),
        ("dmp++", "did you mean 'dpm++'?"),
        ("EulerDiscreteSheduler", "did you mean 'EulerDiscreteScheduler'?"),
        ("", "no such scheduler"),
        ("foo", "no such scheduler"),
        ("euler:use_karas_sigmas=true", "did you mean 'use_karras_sigmas'? it has"),
        ("euler:use_karras_sigmas=1", "write such as False"),
        ("euler:beta_start=high", "write such as 0.0001"),
        ("euler:timestep_spacing=even", "write linspace or leading or trailing"),
        # Diffusers would quietly take another one.
        ("dpm++:solver_type=bh1", "write midpoint or heun"),
        ("euler:", "is not KEY=VALUE"),
        ("euler:steps_offset", "is not KEY=VALUE"),
        ("euler:steps_offset=1,", "is not KEY=VALUE"),
        ("euler:steps_offset=1,steps_offset=2", "named twice"),
    ],
)
def test_what_is_misspelled_is_refused_with_a_hint(text, said):
    with pytest.raises(ModelError) as error:
        parse_scheduler(text)
    assert said in one_line(error)


def test_the_digest_covers_class_changes_and_what_they_change(spec_of, tiny_folder, tmp_path):
    other = shutil.copytree(tiny_folder("sd"), tmp_path / "other")
    path = other / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "beta_end": 0.02}))
    specs = [
        spec_of(None),
        spec_of("ddim"),
        spec_of("ddim:timestep_spacing=trailing"),
        spec_of("euler"),
        GeneratorSpec(str(other), "sd", scheduler="euler"),
    ]
    assert len({identify_generator(spec).scheduler_config_digest for spec in specs}) == 5
    twice = spec_of("dpm++:algorithm_type=dpmsolver++")
    plain = identify_generator(spec_of("dpm++")).scheduler_config_digest
    assert identify_generator(twice).scheduler_config_digest == plain


def test_a_replacement_keeps_what_the_model_was_trained_with(spec_of, tiny_folder, tmp_path):
    kept = load_generator(spec_of("euler-a:timestep_spacing=trailing"), CPU)._pipeline.scheduler
    assert kept.config.beta_schedule == "scaled_linear"
    assert (kept.config.beta_end, kept.config.timestep_spacing) == (0.012, "trailing")

    shifted = shutil.copytree(tiny_folder("sd3"), tmp_path / "shifted")
    path = shifted / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "shift": 3.0}))
    spec = GeneratorSpec(str(shifted), "sd3", scheduler="flow-dpm++")
    assert load_generator(spec, CPU)._pipeline.scheduler.config.flow_shift == 3.0


def test_a_scheduler_saved_with_an_infinite_number_has_an_identity(tiny_folder, tmp_path):
    import diffusers

    folder = tmp_path / "dpm"
    shutil.copytree(tiny_folder("sd"), folder)
    # DPM-Solver's own default is written as -Infinity.
    diffusers.DPMSolverMultistepScheduler().save_pretrained(folder / "scheduler")
    assert "Infinity" in (folder / "scheduler/scheduler_config.json").read_text()
    specs = [GeneratorSpec(str(folder), "dpm", scheduler=name) for name in (None, "ddim")]
    digests = {identify_generator(spec).scheduler_config_digest for spec in specs}
    assert len(digests) == 2
