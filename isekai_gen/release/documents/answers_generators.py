"""Under which terms well-known image generators may be used, as far as we know.

The short statements are ours, not legal advice; each names the license, where it is, and says to
check it. Read in November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from isekai_gen.release.documents.answers import GeneratorTerms

_HUB = "https://huggingface.co"
_CHECK = "Check the license before relying on this summary."

_RAIL = (
    "The licensor claims no rights in the pictures. The model must not be used for the purposes "
    "that the license lists, such as breaking laws, harming or exploiting minors, defaming or "
    "harassing people, or spreading falsehoods meant to harm; whoever redistributes the model "
    f"passes these restrictions on. {_CHECK}"
)
_OPEN_RAIL = GeneratorTerms(
    "CreativeML Open RAIL-M", f"{_HUB}/spaces/CompVis/stable-diffusion-license", _RAIL
)

KNOWN_TERMS: Mapping[str, GeneratorTerms] = MappingProxyType(
    {
        "starter": GeneratorTerms(
            "Apache-2.0",
            "https://www.apache.org/licenses/LICENSE-2.0",
            "No restrictions on its pictures. The model comes with isekai-gen and was trained from "
            "scratch on drawings by a program: no photographs, no pictures by people.",
        ),
        "stable-diffusion-v1-5/stable-diffusion-v1-5": _OPEN_RAIL,
        "runwayml/stable-diffusion-v1-5": _OPEN_RAIL,
        "CompVis/stable-diffusion-v1-4": _OPEN_RAIL,
        "stabilityai/stable-diffusion-xl-base-1.0": GeneratorTerms(
            "CreativeML Open RAIL++-M",
            f"{_HUB}/stabilityai/stable-diffusion-xl-base-1.0/blob/main/LICENSE.md",
            _RAIL,
        ),
        "stabilityai/sdxl-turbo": GeneratorTerms(
            "Stability AI Non-Commercial Research Community License",
            f"{_HUB}/stabilityai/sdxl-turbo/blob/main/LICENSE.md",
            "For research and other non-commercial use; models trained on the pictures may count "
            "as derivative works under the same terms. Commercial use needs an agreement with "
            f"Stability AI. {_CHECK}",
        ),
        "stabilityai/stable-diffusion-3.5-medium": GeneratorTerms(
            "Stability AI Community License",
            f"{_HUB}/stabilityai/stable-diffusion-3.5-medium/blob/main/LICENSE.md",
            "Free for research and non-commercial use, and for commercial use up to a yearly "
            "revenue of one million US dollars. The pictures must not be used to create or "
            f"improve a foundational generative model other than Stability AI's own. {_CHECK}",
        ),
        "black-forest-labs/FLUX.1-schnell": GeneratorTerms(
            "Apache-2.0",
            f"{_HUB}/black-forest-labs/FLUX.1-schnell",
            "The license itself puts none on the pictures; the model's card lists uses that its "
            f"makers consider out of scope. {_CHECK}",
        ),
    }
)
"""Image generator, as records name it, to its terms."""
