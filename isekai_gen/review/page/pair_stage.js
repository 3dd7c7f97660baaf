// @ts-check
/** Two pictures side by side, in the same place in turn (flicker), or as their difference. */

import { el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { drawDifference } from "./pair_difference.js";
import { picture } from "./queue_pictures.js";
import { remember, remembered } from "./state.js";

/** @typedef {"side" | "flicker" | "difference"} Mode */

/** @type {[Mode, string][]} */
const MODES = [
  ["side", "Side by side"],
  ["flicker", "Flicker"],
  ["difference", "Difference"],
];
const GAINS = [1, 4, 16];
/** Two changes a second: well below the three flashes that can do harm. */
const HALF_PERIOD_MS = 500;

export class PairStage {
  node = el("div", { class: "stage" });
  controls = el("div", { class: "modes", role: "group", "aria-label": "How to compare" });
  /** @type {[any, any] | null} */
  #images = null;
  /** @type {Mode} */
  #mode = /** @type {Mode} */ (remembered("pair-mode", "side"));
  /** @type {Mode | null} what to go back to when the flicker key is let go */
  #before = null;
  #gain = Number(remembered("pair-gain", "4"));
  #second = false;
  #paused = matchMedia("(prefers-reduced-motion: reduce)").matches;
  #timer = 0;

  constructor() {
    this.#showControls();
  }

  /** @param {[any, any]} images two briefs */
  show(images) {
    this.#images = images;
    this.#second = false;
    this.#draw();
  }

  /** @param {Mode} mode */
  setMode(mode) {
    this.#mode = mode;
    remember("pair-mode", mode);
    this.#second = false;
    this.#showControls();
    this.#draw();
  }

  nextMode() {
    const place = MODES.findIndex(([mode]) => mode === this.#mode);
    this.setMode(MODES[(place + 1) % MODES.length][0]);
  }

  /** While the flicker key is held. With motion reduced, each press shows the other picture. */
  hold() {
    if (this.#mode === "flicker") {
      this.flip();
      return;
    }
    this.#before = this.#mode;
    this.#mode = "flicker";
    this.#second = true;
    this.#draw();
  }

  release() {
    if (!this.#before) return;
    this.#mode = this.#before;
    this.#before = null;
    this.#draw();
  }

  /** Stop the flicker at one picture, or let it go on. */
  pause() {
    this.#paused = !this.#paused;
    this.#showControls();
    this.#draw();
  }

  nextGain() {
    this.#gain = GAINS[(GAINS.indexOf(this.#gain) + 1) % GAINS.length];
    remember("pair-gain", String(this.#gain));
    this.#showControls();
    this.#draw();
  }

  flip() {
    this.#second = !this.#second;
    this.#turn();
  }

  stop() {
    clearInterval(this.#timer);
  }

  #draw() {
    clearInterval(this.#timer);
    if (!this.#images) return;
    this.node.dataset.mode = this.#mode;
    const pictures = this.#images.map(picture);
    if (this.#mode === "difference") {
      void this.#drawDifference(pictures);
      return;
    }
    fill(this.node, ...pictures.map((each, side) => frame(each, side)));
    this.#turn();
    if (this.#mode === "flicker" && !(this.#paused && !this.#before)) {
      this.#timer = window.setInterval(() => this.flip(), HALF_PERIOD_MS);
    }
  }

  #turn() {
    this.node.dataset.top = this.#second ? "right" : "left";
  }

  /** @param {HTMLImageElement[]} pictures */
  async #drawDifference(pictures) {
    const images = this.#images;
    const canvas = el("canvas", { class: pictures[0].className, role: "img" });
    const note = el("figcaption");
    fill(this.node, el("figure", { class: "frame" }, canvas, note));
    const arrived = await Promise.all(pictures.map(isDecoded));
    if (this.#images !== images || this.#mode !== "difference") return;
    if (arrived.includes(false)) {
      note.textContent = "One of the pictures did not arrive.";
      return;
    }
    const { dx, dy } = drawDifference(canvas, pictures[0], pictures[1], this.#gain);
    const moved = dx || dy ? `, the right picture moved by ${dx}, ${dy} px` : "";
    note.textContent = `Black is equal; differences × ${this.#gain}${moved}`;
    canvas.setAttribute("aria-label", `Difference of the two pictures. ${note.textContent}`);
  }

  #showControls() {
    const buttons = MODES.map(([mode, label]) =>
      el("button", {
        type: "button",
        class: "segment",
        "aria-pressed": String(mode === this.#mode),
        text: label,
        onclick: () => this.setMode(mode),
      }),
    );
    const focused = this.controls.contains(document.activeElement)
      ? document.activeElement?.textContent
      : null;
    fill(this.controls, el("div", { class: "segments" }, ...buttons), this.#extra());
    buttons.find((each) => each.textContent === focused)?.focus();
  }

  #extra() {
    if (this.#mode === "flicker") {
      const label = this.#paused ? "Go on" : "Pause";
      const picture = icon(this.#paused ? "play" : "pause");
      return el(
        "button",
        { type: "button", class: "tool", onclick: () => this.pause() },
        picture,
        label,
      );
    }
    if (this.#mode !== "difference") return null;
    const label = `Amplified × ${this.#gain}`;
    return el("button", {
      type: "button",
      class: "tool",
      text: label,
      onclick: () => this.nextGain(),
    });
  }
}

/** @param {HTMLImageElement} shown */
async function isDecoded(shown) {
  return shown.decode().then(
    () => true,
    () => false,
  );
}

/**
 * @param {HTMLImageElement} shown
 * @param {number} side
 */
function frame(shown, side) {
  return el("figure", { class: `frame ${side ? "right" : "left"}` }, shown);
}
