"""The page on which a person answers an audit's questions: one file that needs nothing else.

What the filter said is not told, for it would sway the answer. Pictures are inlined, no request
leaves the page (its own policy forbids it), and it works from a local folder. Answers are kept by
the browser and leave it as a download, answers.jsonl. The only code is the script below, known to
the policy by its digest; whatever comes from records or files is escaped text.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Sequence
from html import escape

from PIL import Image

from isekai_gen.hashing import digest_of
from isekai_gen.records import SCHEMA
from isekai_gen.stages.audit_records import AuditQuestion

_SIDE = 320
_QUALITY = 82
_STYLE = """
body { font: 16px/1.45 system-ui, sans-serif; max-width: 780px; margin: 0 auto;
  padding: 0 16px 60vh; background: #faf9f6; color: #202124; }
header { position: sticky; top: 0; background: #faf9f6; padding: 12px 0; z-index: 1;
  border-bottom: 1px solid #d6d3cc; }
h1 { font-size: 20px; margin: 0 0 4px; }
section { padding: 16px 0; border-bottom: 1px solid #d6d3cc; scroll-margin-top: 120px; }
section.current { box-shadow: -6px 0 0 #c54e2a; padding-left: 12px; }
h2 { font-size: 17px; margin: 0 0 8px; overflow-wrap: anywhere; }
img { max-width: 48%; image-rendering: auto; border-radius: 6px; margin-right: 1%; }
p.facts { color: #60605e; font-size: 14px; overflow-wrap: anywhere; }
button { font: inherit; padding: 4px 14px; border: 1px solid #b5b2ab; border-radius: 6px;
  background: #fff; color: inherit; cursor: pointer; }
button[aria-pressed="true"] { background: #202124; color: #fff; }
"""
_SCRIPT = """
"use strict";
const sections = [...document.querySelectorAll("section")];
const place = "isekai-gen audit " + document.body.dataset.sample;
let answers = {};
try { answers = JSON.parse(localStorage.getItem(place)) || {}; } catch { answers = {}; }
let current = 0;

function show() {
  for (const section of sections) {
    for (const button of section.querySelectorAll("button")) {
      const chosen = answers[section.dataset.id] === button.dataset.answer;
      button.setAttribute("aria-pressed", String(chosen));
    }
  }
  const done = sections.filter((section) => section.dataset.id in answers).length;
  document.getElementById("done").textContent = done + " of " + sections.length + " answered";
}

function go(number) {
  current = Math.max(0, Math.min(sections.length - 1, number));
  sections.forEach((section, i) => section.classList.toggle("current", i === current));
  sections[current].scrollIntoView({ block: "start" });
}

function answer(section, choice) {
  answers[section.dataset.id] = choice;
  try { localStorage.setItem(place, JSON.stringify(answers)); } catch { /* kept in this tab */ }
  show();
  go(sections.indexOf(section) + 1);
}

for (const section of sections) {
  for (const button of section.querySelectorAll("button")) {
    button.addEventListener("click", () => answer(section, button.dataset.answer));
  }
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !sections.length) return;
  const choice = ["y", "n", "u"].indexOf(event.key.toLowerCase());
  if (choice >= 0) {
    const buttons = sections[current].querySelectorAll("button");
    answer(sections[current], buttons[choice].dataset.answer);
  } else if (event.key === "j" || event.key === "ArrowDown") {
    event.preventDefault();
    go(current + 1);
  } else if (event.key === "k" || event.key === "ArrowUp") {
    event.preventDefault();
    go(current - 1);
  }
});
document.getElementById("download").addEventListener("click", () => {
  const schema = Number(document.body.dataset.schema);
  const lines = sections
    .filter((section) => section.dataset.id in answers)
    .map((section) => ({ answer: answers[section.dataset.id], id: section.dataset.id, schema }))
    .map((row) => JSON.stringify(row) + "\\n");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
  link.download = "answers.jsonl";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
});
show();
if (sections.length) go(0);
"""
_BUTTONS = ("Yes (y)", "No (n)", "Unsure (u)")


def audit_page(
    questions: Sequence[AuditQuestion], open_image: Callable[[str], Image.Image], title: str
) -> str:
    """The page as HTML.

    Args:
        questions: In the order they are asked.
        open_image: Image id to its RGB picture.
        title: Of the dataset.
    """
    sample = digest_of([question.id for question in questions])[:16]
    sections = "\n".join(_section(question, open_image) for question in questions)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(_policy())}">
<meta name="viewport" content="width=device-width">
<title>Audit of {escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body data-sample="{sample}" data-schema="{SCHEMA}">
<header>
<h1>Audit of {escape(title)}</h1>
<span id="done"></span>
<button id="download" type="button">Download answers.jsonl</button>
<p class="facts">Keys: y, n, u answer; j, k or arrows move. Then run
<code>isekai-gen audit --answers answers.jsonl</code></p>
</header>
{sections}
<script>{_SCRIPT}</script>
</body>
</html>
"""


def _policy() -> str:
    """Nothing but the page's own pictures, style and script."""
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            "style-src 'unsafe-inline'",
            f"script-src 'sha256-{digest}'",
        )
    )


def _section(question: AuditQuestion, open_image: Callable[[str], Image.Image]) -> str:
    pictures = "\n".join(
        f'<img src="{_inlined(open_image(image_id))}" alt="{escape(image_id)}">'
        for image_id in question.images
    )
    buttons = "\n".join(
        f'<button type="button" data-answer="{escape(answer)}" aria-pressed="false">{text}</button>'
        for answer, text in zip(question.answers, _BUTTONS, strict=True)
    )
    return f"""<section data-id="{escape(question.id)}">
<h2>{escape(question.question)}</h2>
{pictures}
<p class="facts">{escape(" · ".join(question.paths))}</p>
{buttons}
</section>"""


def _inlined(image: Image.Image) -> str:
    """A small JPEG as a data URL."""
    small = image.copy()
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
