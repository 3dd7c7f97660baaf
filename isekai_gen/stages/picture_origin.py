"""What a generated picture's file says of where it comes from.

Two accounts, both within the file: our own JSON block, which has everything, and an XMP packet with
the properties of the IPTC Photo Metadata Standard 2025.1 for images made by a trained model
(https://iptc.org/std/photometadata/specification/), which other programs know.
"""

from __future__ import annotations

import re
from typing import Any
from xml.sax.saxutils import escape

from isekai_gen.records import PlannedImage, Provenance

_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
# The standard asks for the person who wrote the prompt; ours are put together from templates.
_PROMPT_WRITER = "isekai-gen templates"
# A reader of the file could take the answer from any of these.
_LABEL_FIELDS = frozenset({"prompt", "negative_prompt", "slots", "concept", "template", "index"})
# What XML 1.0 has no way to write, not even as a character reference.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def origin_of(
    planned: PlannedImage, provenance: Provenance, *, prompt_metadata: bool
) -> dict[str, Any]:
    """Our own block: the plan's line and the provenance.

    Args:
        planned: What was planned.
        provenance: How it was drawn.
        prompt_metadata: Whether the block holds what tells the image's label (prompts, slots,
            concept, template, index).
    """
    origin = {**planned.to_json(), **provenance.to_fields()}
    if prompt_metadata:
        return origin
    return {key: value for key, value in origin.items() if key not in _LABEL_FIELDS}


def xmp_packet(prompt: str | None, provenance: Provenance) -> str:
    """XMP with IPTC's digital source type, the AI system, its version, and the prompt.

    Characters that XML cannot hold become U+FFFD; our own block has the exact text.

    Args:
        prompt: As drawn, or None to leave it out.
        provenance: How the image was drawn. The version is the commit of a Hub model, else the
            digest of the model's files.
    """
    properties = {
        "DigitalSourceType": _SOURCE_TYPE,
        "AISystemUsed": provenance.model,
        "AISystemVersionUsed": provenance.revision or provenance.model_digest,
        "AIPromptWriterName": _PROMPT_WRITER,
    }
    if prompt is not None:
        properties["AIPromptInformation"] = prompt
    elements = "".join(
        f"<Iptc4xmpExt:{name}>{_xml_text(value)}</Iptc4xmpExt:{name}>"
        for name, value in properties.items()
    )
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
        f"{elements}</rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="w"?>'
    )


def _xml_text(text: str) -> str:
    # A bare carriage return would be read back as a line feed.
    return escape(_NOT_IN_XML.sub("\ufffd", text), {"\r": "&#13;"})
