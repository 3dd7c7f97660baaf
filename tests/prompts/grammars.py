"""Generated template texts for property tests."""

from fractions import Fraction

from hypothesis import strategies as st

from isekai_gen.prompts.nodes import Literal, Option, Slot, Variant, Wildcard, write_pieces

WORDS = st.text("ab{}|:$_\\ #1,", min_size=1, max_size=4).filter(str.strip)
WEIGHTS = st.sampled_from(["1", "2", "3", "0.5", "1.25"]).map(Fraction)


def _distinct(options):
    texts = [" ".join(write_pieces(option.pieces).split()) for option in options]
    return len(set(texts)) == len(texts)


def _is_blank(pieces):
    return all(isinstance(piece, Literal) and not piece.text.strip() for piece in pieces)


@st.composite
def _variants(draw, texts):
    option = st.builds(Option, WEIGHTS, texts.filter(lambda pieces: not _is_blank(pieces)))
    options = draw(st.lists(option, min_size=2, max_size=3).filter(_distinct))
    if draw(st.booleans()):
        options[0] = Option(Fraction(2), ())
    high = draw(st.integers(1, len(options)))
    low = draw(st.integers(0, high))
    joiner = draw(st.sampled_from([", ", " and ", "", "$", "|"]))
    if low == high == 1:
        joiner = ", "
    return Variant(tuple(options), low, high, joiner)


def _merged(pieces):
    """Neighboring words as one piece, as they are read."""
    merged = []
    for piece in pieces:
        if merged and isinstance(piece, Literal) and isinstance(merged[-1], Literal):
            merged[-1] = Literal(merged[-1].text + piece.text)
        else:
            merged.append(piece)
    return tuple(merged)


def pieces_lists(slots=("short", "x", "y"), wildcards=("w", "d/w*")):
    """Tuples of pieces, nested up to three levels."""
    leaves = [WORDS.map(Literal)]
    if slots:
        leaves.append(st.sampled_from(slots).map(Slot))
    if wildcards:
        leaves.append(st.sampled_from(wildcards).map(Wildcard))
    texts = st.lists(st.one_of(*leaves), max_size=3).map(_merged)
    for _ in range(2):
        texts = st.lists(st.one_of(*leaves, _variants(texts)), max_size=3).map(_merged)
    return texts
