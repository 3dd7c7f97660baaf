# ruff: noqa: E501 -- a table is read by its rows
"""A few real parents with traits, written for the tests of the offline engine."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.proposals.parent_records import Parent, ParentChoice
from isekai_gen.proposals.traits import TRAIT_NAMES, Traits

# name | domain | surface | limbs | head | material | habitat | build | colors
_ROWS = """
hedgehog | mammals | short brown and cream quills | four short legs with small claws | a pointed snout and black button eyes | | on fallen autumn leaves; on short grass | a small round body | brown; cream
elephant | mammals | wrinkled gray skin | four thick pillar legs | a long curling trunk and wide ears | | on a dry savanna; at a muddy water hole | a massive barrel-shaped body | gray
sheep | mammals | curly cream wool | four thin dark legs | a dark face and small ears at the sides | wool | in a green pasture | a fluffy rounded body | cream
zebra | mammals | black and white stripes | four slender legs with dark hooves | a long striped face and a stiff mane | | on a dry savanna | a sturdy horse-like body | black and white
rabbit | mammals | soft short brown fur | two long hind legs and two small paws | long upright ears and a twitching nose | | on short green grass | a plump crouching body | brown
owl | birds | mottled brown feathers | two broad wings and two taloned feet | huge round orange eyes and a hooked beak | | on a mossy branch | an upright rounded body | brown
penguin | birds | sleek black and white plumage | two stiff flippers and webbed feet | a short pointed beak | | on drifting pack ice | an upright torpedo-shaped body | black
peacock | birds | shimmering blue feathers | a fan of long green tail feathers with eyespots | a small crested face | | in a palace garden | a slender body with a long train | blue; green
octopus | sea-creatures | smooth mottled purple skin | eight curling tentacles lined with suckers | a bulbous dome and two large eyes | | over a rocky reef | a soft sack-like body | purple
crab | sea-creatures | a hard red shell | eight jointed legs and two large claws | two eyes on short stalks | | on wet beach sand | a broad flat body | red
frog | reptiles | slick bright green skin | two long folded hind legs and webbed toes | a wide mouth and bulging golden eyes | | on a lily pad; beside a pond | a squat rounded body | green
turtle | reptiles | patterned olive plates | four stubby scaly legs | a blunt beak and a wrinkled neck | | on a sunny log | a domed oval body | olive
snail | insects | glossy coiled amber shell | a soft gliding foot | two pairs of slender feelers | | on a wet leaf | a spiral round shell | amber
butterfly | insects | fine dusty scales | two pairs of wide orange and black wings | two thin feelers with knobs | | among meadow flowers | a slim body between broad wings | orange
cactus | plants | ribbed green skin and long white spines | two upturned green arms | one pink blossom | | on dry desert sand | a tall ribbed column | green
sunflower | plants | coarse green leaves | a long stem with broad heart-shaped leaves | a wide ring of golden petals | | in a sunny field | a tall slender stem | golden
mushroom | fungi | pale velvety skin with white dots | a thick white stem | a wide red cap with white dots | | on a mossy forest floor | a stout stem under a broad cap | red
strawberry | food | bright red skin with tiny yellow seeds | | a collar of pointed green leaves | | in a garden bed | a plump heart shape | red
waffle | food | crisp golden squares | | | golden batter | on a breakfast plate | a flat square grid | golden
cheese | food | smooth yellow rind with round holes | | | yellow cheese | on a wooden board | a thick wedge | yellow
teapot | kitchenware | glazed white porcelain | a curved spout and a looped handle | a small round lid with a knob | white porcelain | on a kitchen table | a round bulging belly | white
clock | household-objects | polished dark wood | two black pointing hands | a round white face with black numerals | polished wood | on a living room wall | a flat round disk | white
lamp | furniture | pleated cream cloth | a thin brass stand | a pleated glowing lampshade | brass | beside an armchair | a slender stand under a cone | cream
umbrella | household-objects | taut red cloth | a curved wooden handle | a metal tip | red cloth | in a rainy street | a wide dome on a thin shaft | red
bicycle | vehicles | glossy painted tubes | two thin spoked wheels and two pedals | curved handlebars with a bell | painted steel | on a paved path | a narrow open frame | red
helicopter | vehicles | smooth painted metal | four long spinning rotor blades | a bulging glass cockpit | painted metal | on a landing pad | a rounded cabin with a thin tail | white
trumpet | instruments | gleaming golden brass | three valves in a row | a wide flaring bell | gleaming brass | on a concert stage | a long looped tube | golden
lighthouse | buildings | red and white painted stripes | | a glass lantern room with a glowing light | painted brick | on a rocky coast | a tall tapering tower | white
iceberg | natural-things | cracked blue-white ice | | a jagged white peak | clear blue ice | in a cold gray sea | a steep jagged block | blue-white
camera | electronics | textured black leather | a neck strap | a round protruding glass lens | black plastic | on a wooden desk | a compact box | black
"""


def some_parents() -> tuple[Parent, ...]:
    """Thirty parents of most domains, in the order of the rows."""
    imagenet = read_imagenet_names()
    parents = []
    for line, row in enumerate(_ROWS.strip().splitlines(), start=1):
        name, domain, *cells = (cell.strip() for cell in row.split("|"))
        phrases = (tuple(filter(None, (p.strip() for p in cell.split(";")))) for cell in cells)
        traits = Traits(**dict(zip(TRAIT_NAMES, phrases, strict=True)))
        wnids = imagenet.wnids_of(name)[:1]
        parents.append(Parent(f"own:{line}", name, f"a {name}", domain, wnids, traits, 0.8))
    return tuple(parents)


def parent(name: str) -> Parent:
    """One of them."""
    return next(one for one in some_parents() if one.name == name)


def some_choice() -> ParentChoice:
    """All of them in both roles."""
    return ParentChoice(some_parents(), some_parents())


def letter_embeddings(texts: Sequence[str]) -> FloatArray:
    """Text embeddings by letters alone: hashed counts of 3 successive characters, unit rows."""
    rows = np.zeros((len(texts), 256), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        plain = f" {text} "
        for at in range(len(plain) - 2):
            row[zlib.crc32(plain[at : at + 3].encode()) % 256] += 1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
