"""The audit page needs nothing else, and what it shows stays text."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

from PIL import Image

from isekai_gen.stages.audit_page import audit_page
from tests.stages.test_audit_sample import QUESTION

HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;"


class Page(HTMLParser):
    """Elements with their attributes, and the text of scripts."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts, self.text = [], [], []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        (self.scripts if self._inside == "script" else self.text).append(data)

    def named(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def picture(image_id):
    return Image.new("RGB", (640, 480), "red" if image_id.startswith("a") else "blue")


def page_of(*questions, title="small"):
    return Page(audit_page(questions, picture, title))


def test_a_question_shows_its_pictures_and_three_answers():
    page = page_of(QUESTION)
    pictures = page.named("img")
    assert [each["alt"] for each in pictures] == list(QUESTION.images)
    assert [each["data-answer"] for each in page.named("button") if "data-answer" in each] == [
        "duplicate",
        "not_duplicate",
        "unsure",
    ]
    content = base64.b64decode(pictures[0]["src"].partition("base64,")[2])
    assert content.startswith(b"\xff\xd8")
    assert len(content) < 20_000


def test_the_page_loads_nothing_from_elsewhere():
    text = audit_page([QUESTION], picture, "small")
    page = Page(text)
    for tag, attributes in page.elements:
        for name in ("src", "href", "action", "srcset", "data"):
            if name in attributes:
                assert attributes[name].startswith("data:image/jpeg;base64,"), (tag, name)
    assert not page.named("link")
    assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttpRequest|WebSocket", text)


def test_its_policy_allows_its_own_script_only():
    page = page_of(QUESTION)
    (policy,) = (each["content"] for each in page.named("meta") if "http-equiv" in each)
    (script,) = page.scripts
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_hostile_names_stay_text():
    hostile = replace(
        QUESTION, question=HOSTILE, paths=(HOSTILE, HOSTILE), id=HOSTILE, reference=HOSTILE
    )
    page, plain = page_of(hostile, title=HOSTILE), page_of(QUESTION)
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    assert page.scripts == plain.scripts
    assert not any(name.startswith("on") for _, each in page.elements for name in each)
    assert HOSTILE in page.text  # whole, as text
    assert page.named("section")[0]["data-id"] == HOSTILE


def test_the_page_does_not_tell_what_the_filter_said():
    dropped = audit_page([QUESTION], picture, "small")
    kept = audit_page([replace(QUESTION, verdict="keep", stratum="keep/x")], picture, "small")
    assert dropped == kept
