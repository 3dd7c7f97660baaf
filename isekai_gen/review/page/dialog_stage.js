// @ts-check
/** The picture itself, at a size of one's choosing. */

import { pictureUrl } from "./api.js";
import { el, keyCap } from "./dom.js";

const ZOOMS = [
  ["fit", "Fit"],
  ["1", "1×"],
  ["2", "2×"],
  ["4", "4×"],
];

/** The picture with its zoom buttons; the zoom stays when the picture changes. */
export function stage() {
  let zoom = "fit";
  const picture = el("img", { class: "dialog-picture", alt: "", draggable: "false" });
  const frame = el(
    "div",
    { class: "dialog-frame", tabindex: 0, role: "group", "aria-label": "Picture" },
    picture,
  );
  const buttons = ZOOMS.map(([value, text]) =>
    el("button", { type: "button", text, dataset: { value }, onclick: () => setZoom(value) }),
  );
  const pixels = el("button", { type: "button", onclick: () => setPixels(!isPixelated()) });
  pixels.append("Pixels", keyCap("P"));
  const size = el("span", { class: "dialog-size" });
  const zooms = el(
    "div",
    { class: "dialog-zooms", role: "group", "aria-label": "Zoom" },
    buttons,
    keyCap("Z"),
  );
  const node = el(
    "div",
    { class: "dialog-stage" },
    frame,
    el("div", { class: "dialog-zoom-bar" }, zooms, pixels, size),
  );

  const isPixelated = () => frame.classList.contains("is-pixelated");

  /** @param {boolean} on whether the pixels of a small picture stay sharp squares */
  function setPixels(on) {
    frame.classList.toggle("is-pixelated", on);
    pixels.setAttribute("aria-pressed", String(on));
  }

  /** @param {string} value */
  function setZoom(value) {
    zoom = value;
    frame.dataset.zoom = value;
    for (const each of buttons)
      each.setAttribute("aria-pressed", String(each.dataset.value === value));
  }

  function nextZoom() {
    const at = ZOOMS.findIndex(([value]) => value === zoom);
    setZoom(ZOOMS[(at + 1) % ZOOMS.length][0]);
  }

  setZoom(zoom);
  setPixels(true);
  return {
    node,
    keys: [
      { keys: ["z"], label: "Zoom", run: nextZoom },
      { keys: ["p"], label: "Sharp pixels or smooth", run: () => setPixels(!isPixelated()) },
    ],
    /** @param {import("./grid_cells.js").Brief} image */
    show(image) {
      const address = pictureUrl(image.id);
      if (picture.getAttribute("src") !== address) picture.src = address;
      picture.alt = image.prompt;
      picture.style.setProperty("--width", `${image.width}px`);
      picture.style.setProperty("--height", `${image.height}px`);
      size.textContent = `${image.width} × ${image.height}`;
    },
  };
}
