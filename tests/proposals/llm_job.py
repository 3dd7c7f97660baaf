"""Filling a slate with a language model, in a test or as a process of its own that can be killed.

`python -m tests.proposals.llm_job ADDRESS FOLDER WANTED`
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from isekai_gen.models.chat_requests import ChatLimits
from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.proposals.llm import LlmEngine
from isekai_gen.proposals.llm_settings import LlmLimits, LlmWishes
from isekai_gen.proposals.records import Finding, Refusal, Slate

QUICK = ChatLimits(
    max_tries=3, timeout_seconds=60.0, backoff_seconds=0.005, max_tokens=4096, temperature=0.8
)


def engine_of(server, folder, wishes=LlmWishes(), seed=0, **limits):  # noqa: B008 - frozen
    named = {"chat": QUICK, "max_calls": 50, **limits}
    address = server if isinstance(server, str) else f"openai:{server.base_url}#inventor"
    return LlmEngine(address, LlmLimits(**named), folder, seed, wishes, read_imagenet_names())


def refuse_names_with(letters):
    """A check that refuses invented names which hold these letters."""

    def findings(proposal):
        if letters not in proposal.fictional.name:
            return ()
        message = f"{proposal.fictional.name!r} sounds like a brand"
        return (Finding("brand_name", "fictional", "name", message, "invent another name"),)

    return findings


def fill(engine, wanted, findings=lambda _: ()):
    """Play rounds until the slate is full or the engine has nothing more."""
    slate = Slate(wanted)
    while slate.missing and (proposals := engine.propose(slate)):
        for proposal in proposals:
            found = findings(proposal)
            if found:
                slate = replace(slate, refused=(*slate.refused, Refusal(proposal, found)))
            else:
                slate = replace(slate, accepted=(*slate.accepted, proposal))
    return slate


def main():
    address, folder, wanted = sys.argv[1:]
    engine = engine_of(address, Path(folder), groups_per_round=4, groups_per_call=2)
    fill(engine, int(wanted), refuse_names_with("mu"))


if __name__ == "__main__":
    main()
