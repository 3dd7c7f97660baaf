"""Commands that embed go on with the encoder that was used before; what is said of the starter."""

from __future__ import annotations

import json

from tests.small_jobs import call
from tests.stages.counterfactual_jobs import samples_in_this_process
from tests.stages.curated_jobs import draw_workspace


def test_samples_are_made_with_the_encoder_of_before_and_remember_their_own(
    tmp_path, tiny_generator, tiny_encoder
):
    root = draw_workspace(tmp_path, tiny_generator, 2)
    where = ("-w", root, "--devices", "cpu")

    def encoder_of(*options):
        return json.loads(call("counterfactuals", *where, "--json", *options).stdout)["encoder"]

    with samples_in_this_process():
        begun = call("counterfactuals", *where)
        assert "for real work pass --encoder ViT-B-32/laion2b_s34b_b79k\n" in begun.stderr
        assert encoder_of("--encoder", tiny_encoder, "--force-stage") == tiny_encoder.name
        assert encoder_of() == tiny_encoder.name
        call("embed", *where, "--encoder", "starter", "--quiet")
        assert encoder_of("--force-stage") == "starter"
