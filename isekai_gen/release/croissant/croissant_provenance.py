"""Where a release comes from, in PROV's words: what it was derived from, and by which steps."""

from __future__ import annotations

from typing import Any

from isekai_gen.records import Provenance
from isekai_gen.release.croissant.croissant_rai import describe_collection, describe_selection
from isekai_gen.release.facts import ReleaseFacts
from isekai_gen.release.layout import TEMPLATES_FILE
from isekai_gen.tool_version import tool_version

Json = dict[str, Any]

# As `records.select_kept` calls what people dropped.
_PERSON = "person"


def provenance(facts: ReleaseFacts) -> Json:
    """The `prov:` properties of the dataset."""
    made = [record.provenance for record in facts.content.records if record.generated]
    sources = _generators(facts, made) + _adapters(made)
    return {
        "prov:wasDerivedFrom": sources,
        "prov:wasGeneratedBy": [
            _activity("prompts", "Prompt expansion", f"Words of the concepts in {TEMPLATES_FILE}."),
            _activity("images", "Image generation", describe_collection(facts))
            | {"prov:used": [{"@id": source["@id"]} for source in sources]},
            _curation(facts),
            *_pairing(facts),
        ],
    }


def _generators(facts: ReleaseFacts, made: list[Provenance]) -> list[Json]:
    entities = []
    for model, revision, digest in sorted(
        {(each.model, each.revision, each.model_digest) for each in made}
    ):
        terms = facts.answers.generators[model]
        entity = {
            "@type": "prov:Entity",
            "@id": f"model/{digest}",
            "name": model,
            "description": "Image generator; the identifier is SHA-256 over its files.",
            "identifier": f"sha256:{digest}",
            "license": terms.url or terms.license,
        }
        if revision:
            url = f"https://huggingface.co/{model}/tree/{revision}"
            entity |= {"version": revision, "url": url}
        entities.append(entity)
    return entities


def _adapters(made: list[Provenance]) -> list[Json]:
    entities = []
    for adapter in sorted({adapter for each in made for adapter in each.adapters}):
        label, _, digest = adapter.rpartition("#")
        entities.append(
            {
                "@type": "prov:Entity",
                "@id": f"adapter/{digest}",
                "name": label,
                "description": "LoRA or VAE and weight; its SHA-256 begins with the identifier.",
                "identifier": f"sha256:{digest}",
            }
        )
    return entities


def _curation(facts: ReleaseFacts) -> Json:
    activity = _activity("curation", "Curation", describe_selection(facts.counts))
    if facts.content.encoder:
        activity["prov:used"] = [
            {"@type": "prov:Entity", "@id": "encoder", "name": facts.content.encoder}
        ]
    if _PERSON in facts.counts["dropped"]:
        people = {"@type": "prov:Person", "name": "The people who looked at the images"}
        activity["prov:wasAssociatedWith"].append(people)
    return activity


def _pairing(facts: ReleaseFacts) -> list[Json]:
    if not facts.manifests:
        return []
    rows = ", ".join(f"{path} ({rows} rows)" for path, rows in sorted(facts.manifests.items()))
    return [_activity("pairing", "Pairing", f"Support images drawn for few-shot tests: {rows}.")]


def _activity(key: str, name: str, description: str) -> Json:
    tool = {
        "@type": "prov:SoftwareAgent",
        "@id": "agent/isekai-gen",
        "name": "isekai-gen",
        "version": tool_version(),
    }
    return {
        "@type": "prov:Activity",
        "@id": f"activity/{key}",
        "name": name,
        "description": description,
        "prov:wasAssociatedWith": [tool],
    }
