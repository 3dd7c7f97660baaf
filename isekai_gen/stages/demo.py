"""The whole main job on the shipped catalog with the starter models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isekai_gen.prompts import shipped_catalog_path
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.generate import GenerateRequest
from isekai_gen.stages.release_answers import write_demo_answers
from isekai_gen.stages.run import RunReport, run_all

DEMO_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "release": {"name": "isekai-demo"},
}
"""What the demo sets beside the defaults."""


def run_demo(context: StageContext) -> RunReport:
    """Run all stages on the shipped catalog; the caller holds the workspace's lock."""
    write_demo_answers(context.workspace)
    return run_all(context, GenerateRequest(catalog=shipped_catalog_path()))
