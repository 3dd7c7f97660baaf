"""A model that invents by rule: the same request always gets the same answer (`Answering`)."""

from __future__ import annotations

import hashlib
import json
import re
import threading

from tests.evaluation.chat_server import Received, Response, answered

_SYLLABLES = ("ba", "ke", "di", "lo", "mu", "na", "pe", "ri", "so", "tu")
_PARTS = ("surface", "limbs", "head", "material", "habitat", "build")
_PLAN = re.compile(r"Plan exactly (\d+) further")
_SLOT = re.compile(r"^(\d+)\. (\{.*\})$", re.MULTILINE)


def word(number):
    """A pronounceable word; different numbers below a million give different words."""
    return "".join(_SYLLABLES[int(digit)] for digit in f"{number:06d}")


def planned(number):
    return {
        "domain": "things of the test",
        "body": f"body {word(number)}",
        "lender": f"lender {word(number)}",
        "part": _PARTS[number % len(_PARTS)],
        "idea": f"a {word(number)} with another surface",
    }


def written(slot, number):
    name = word(number)
    return {
        "slot": slot,
        "fictional": {
            "name": f"{name}zor",
            "short": f"body {name} with a lent surface",
            "description": f"A small round body {name} covered with the surface of a {name[::-1]}.",
            "parents": [f"body {name}", f"lender {name}"],
        },
        "real": {
            "name": f"{name}bod",
            "short": f"body {name}",
            "description": f"A small round body {name} as everybody knows it.",
        },
        "poses": ["seen from the side", "seen from the front"],
        "settings": ["on wet sand", "on short grass"],
    }


def plan_answer(*numbers):
    return json.dumps({"slots": [planned(number) for number in numbers]})


def entries_answer(*entries):
    return json.dumps({"entries": list(entries)})


def invent(received: Received) -> Response:
    """Answer as a good model does."""
    messages = received.body["messages"]
    asked = messages[-1]["content"]
    first = int(hashlib.sha256(json.dumps(messages).encode()).hexdigest(), 16) % 900_000
    wanted = _PLAN.search(asked)
    if wanted:
        return answered(plan_answer(*range(first, first + int(wanted[1]))))
    numbers = [int(number) for number, _ in _SLOT.findall(asked)]
    if not numbers:  # a repair: the task stands two turns before
        return invent(Received(received.at, received.path, {}, {"messages": messages[:-2]}))
    return answered(entries_answer(*(written(slot, first + slot) for slot in numbers)))


class Script:
    """Gives these responses one after the other, None being a good answer; then good answers."""

    def __init__(self, *responses):
        self._left = iter(responses)
        self._lock = threading.Lock()

    def __call__(self, received):
        with self._lock:
            response = next(self._left, None)
        return invent(received) if response is None else response
