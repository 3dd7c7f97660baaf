"""The nouns of the project as frozen records, and the pure rule that selects kept images.

Every record has a one-line JSON form (`to_json`, `from_json`) with a schema version. Reading and
writing files is not done here (see `shards`).
"""

from isekai_gen.records.base import SCHEMA
from isekai_gen.records.concepts import Concept, Kind, Prompt
from isekai_gen.records.conversations import (
    Conversation,
    ImagePart,
    Part,
    Role,
    TextPart,
    Turn,
)
from isekai_gen.records.episodes import Episode, NamedImage
from isekai_gen.records.images import (
    IMAGE_FORMATS,
    IMAGE_SUFFIXES,
    LOSSLESS_SUFFIXES,
    ImageRecord,
    PlannedImage,
    Provenance,
)
from isekai_gen.records.looks import PictureLook
from isekai_gen.records.verdicts import (
    Choice,
    Decision,
    Verdict,
    last_decisions,
    select_kept,
)

__all__ = [
    "IMAGE_FORMATS",
    "IMAGE_SUFFIXES",
    "LOSSLESS_SUFFIXES",
    "SCHEMA",
    "Choice",
    "Concept",
    "Conversation",
    "Decision",
    "Episode",
    "ImagePart",
    "ImageRecord",
    "Kind",
    "NamedImage",
    "Part",
    "PictureLook",
    "PlannedImage",
    "Prompt",
    "Provenance",
    "Role",
    "TextPart",
    "Turn",
    "Verdict",
    "last_decisions",
    "select_kept",
]
