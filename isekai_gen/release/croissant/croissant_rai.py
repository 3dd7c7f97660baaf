"""Responsible-AI fields (RAI 1.0) of a release's croissant.json.

What only people can say comes from release.toml; how the images were made and selected comes from
records and counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isekai_gen.records import Provenance
from isekai_gen.release.documents.citation import unwrapped
from isekai_gen.release.facts import ReleaseFacts
from isekai_gen.release.layout import PROMPTS_FILE, REJECTED_FILE, TEMPLATES_FILE
from isekai_gen.tool_version import tool_version

Json = dict[str, Any]


def responsible_ai(facts: ReleaseFacts) -> Json:
    """The `rai:` properties of the dataset."""
    answers = facts.answers
    return {
        "rai:dataCollection": describe_collection(facts),
        # RAI's list has no word for pictures drawn by a model.
        "rai:dataCollectionType": ["Others"],
        "rai:dataCollectionMissingData": _missing(facts.counts),
        "rai:dataCollectionRawData": (
            f"Dropped images are not here; {PROMPTS_FILE} has the prompt and seed of every image "
            f"drawn, {REJECTED_FILE} why each of them was dropped."
        ),
        "rai:dataPreprocessingProtocol": [
            describe_selection(facts.counts),
            unwrapped(answers.selection),
        ],
        "rai:dataManipulationProtocol": _manipulation(facts),
        "rai:dataAnnotationProtocol": (
            "The label of an image is the concept that its prompt was written for; prompt, label "
            "and recipe of every image are in metadata.jsonl."
        ),
        "rai:machineAnnotationTools": _annotation_tools(facts),
        "rai:dataUseCases": [
            unwrapped(answers.uses),
            f"Out of scope: {unwrapped(answers.out_of_scope)}",
        ],
        "rai:dataLimitations": unwrapped(answers.limitations),
        "rai:dataBiases": unwrapped(answers.biases),
        "rai:personalSensitiveInformation": unwrapped(answers.personal_information),
        "rai:dataSocialImpact": unwrapped(answers.social_impact),
        "rai:dataReleaseMaintenancePlan": unwrapped(answers.maintenance),
        "rai:hasSyntheticData": True,
    }


def describe_collection(facts: ReleaseFacts) -> str:
    """How the images came to be, with every model and its numbers."""
    counts = facts.counts
    generators = "; ".join(
        f"{made.model}{f' at {made.revision}' if made.revision else ''} ({made.pipeline}, "
        f"{made.scheduler}, {made.num_inference_steps} steps, guidance {made.guidance_scale:g}, "
        f"{made.width} x {made.height} pixels)"
        for made in _recipes(facts)
    )
    return (
        f"No picture was taken or collected: {counts['generated']} images were drawn by "
        f"text-to-image models from prompts that templates ({TEMPLATES_FILE}) give, each with a "
        f"seed of its own. Models: {generators}."
    )


def _missing(counts: Mapping[str, Any]) -> str:
    return (
        f"Of {counts['planned']} planned images, {counts['failed']} failed and "
        f"{counts['pending']} were not drawn."
    )


def describe_selection(counts: Mapping[str, Any]) -> str:
    """How many images were kept, and what dropped the others."""
    dropped = ", ".join(f"{count} by {by}" for by, count in sorted(counts["dropped"].items()))
    return (
        f"Of {counts['generated']} generated images, {counts['kept']} were kept and "
        f"{sum(counts['dropped'].values())} dropped{f': {dropped}' if dropped else ''}."
    )


def _manipulation(facts: ReleaseFacts) -> str:
    signed = " and a C2PA manifest" if facts.signed_pictures else ""
    return (
        "Pixels are as drawn: no picture was cropped, resized, retouched or encoded again. Files "
        f"carry metadata that says they are AI-generated{signed}."
    )


def _annotation_tools(facts: ReleaseFacts) -> list[str]:
    tools = [f"isekai-gen, version: {tool_version()}"]
    return [*tools, f"encoder {facts.content.encoder}"] if facts.content.encoder else tools


def _recipes(facts: ReleaseFacts) -> list[Provenance]:
    """One provenance of each way that generated images were drawn, in a fixed order."""
    found = {}
    for record in facts.content.records:
        if record.generated:
            made = record.provenance
            key = (
                made.model,
                made.revision,
                made.pipeline,
                made.scheduler,
                made.num_inference_steps,
                made.guidance_scale,
                made.width,
                made.height,
            )
            found[key] = made
    return [found[key] for key in sorted(found)]
