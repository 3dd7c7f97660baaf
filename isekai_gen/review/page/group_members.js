// @ts-check
/** A grid of images of which one, or a range, is chosen by arrows or by touch. */

import { el, fill } from "./dom.js";
import { thumb } from "./queue_pictures.js";

/**
 * @typedef {import("./state.js").Brief} Brief
 * @typedef {import("./queue_actions.js").Action} Action
 * @typedef {{state: "kept" | "dropped" | "", text: string, star?: string}} Look
 */

/** Up to so many share all the room there is. */
const FEW = 4;

export class MemberGrid {
  node = el("div", {
    class: "members",
    role: "listbox",
    tabindex: "0",
    "aria-multiselectable": "true",
  });
  /** @type {Brief[]} */
  #images = [];
  /** @type {HTMLElement[]} */
  #cells = [];
  #cursor = 0;
  #anchor = 0;
  #look;
  #picked;

  /**
   * @param {string} label
   * @param {(image: Brief) => Look} look how an image stands
   * @param {(image: Brief) => void} picked what a click on an image does besides choosing it
   */
  constructor(label, look, picked) {
    this.node.setAttribute("aria-label", label);
    this.#look = look;
    this.#picked = picked;
  }

  /** The images that are chosen, at least one if there are any. */
  get chosen() {
    const [from, to] = [this.#cursor, this.#anchor].sort((a, b) => a - b);
    return this.#images.slice(from, to + 1);
  }

  /**
   * Show these images; if they are those shown already, how they stand now.
   *
   * @param {Brief[]} images
   * @param {number} cursor which is chosen first
   */
  show(images, cursor = 0) {
    const same = idsOf(images) === idsOf(this.#images);
    this.#images = images;
    if (same) {
      this.refresh();
      return;
    }
    const few = images.length <= FEW;
    this.node.classList.toggle("few", few);
    this.node.style.setProperty("--count", String(images.length));
    this.node.style.setProperty("--narrow", String(Math.min(2, images.length)));
    this.#cursor = this.#anchor = Math.max(0, cursor);
    this.#cells = images.map((image, place) => this.#cell(image, place, few ? 640 : 320));
    fill(this.node, ...this.#cells);
    this.node.scrollTop = 0;
    this.refresh();
  }

  refresh() {
    const [from, to] = [this.#cursor, this.#anchor].sort((a, b) => a - b);
    for (const [place, cell] of this.#cells.entries()) {
      const { state, text, star } = this.#look(this.#images[place]);
      cell.className = state ? `member is-${state}` : "member";
      cell.setAttribute("aria-selected", String(place >= from && place <= to));
      fill(/** @type {Element} */ (cell.lastElementChild), text);
      const mark = /** @type {HTMLElement} */ (cell.querySelector(".star"));
      mark.hidden = !star;
      mark.textContent = star ?? "";
    }
    this.node.setAttribute("aria-activedescendant", this.#cells[this.#cursor]?.id ?? "");
  }

  /** Go to the next image if one is chosen, so that a row of them is decided key by key. */
  advance() {
    if (this.#cursor === this.#anchor) this.#go(this.#cursor + 1, false);
  }

  /** @returns {Action[]} */
  get moves() {
    /** @param {string} key @param {string} label @param {() => number} step */
    const move = (key, label, step) => [
      { keys: [key], label, repeat: true, run: () => this.#go(this.#cursor + step(), false) },
      {
        keys: [`Shift+${key}`],
        label: `${label}, choosing a range`,
        repeat: true,
        run: () => this.#go(this.#cursor + step(), true),
      },
    ];
    return [
      ...move("ArrowLeft", "Image before", () => -1),
      ...move("ArrowRight", "Image after", () => 1),
      ...move("ArrowUp", "Row above", () => -this.#columns()),
      ...move("ArrowDown", "Row below", () => this.#columns()),
    ];
  }

  /**
   * @param {Brief} image
   * @param {number} place
   * @param {320 | 640} size of its picture
   */
  #cell(image, place, size) {
    const cell = el(
      "div",
      { class: "member", role: "option", id: `member-${image.id}`, title: image.prompt },
      thumb(image, size),
      el("span", { class: "star" }),
      el("span", { class: "state" }),
    );
    cell.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      this.#go(place, event.shiftKey);
      if (!event.shiftKey) this.#picked(image);
    });
    return cell;
  }

  /**
   * @param {number} place
   * @param {boolean} extend
   */
  #go(place, extend) {
    this.#cursor = Math.max(0, Math.min(this.#images.length - 1, place));
    if (!extend) this.#anchor = this.#cursor;
    this.refresh();
    this.#cells[this.#cursor]?.scrollIntoView({ block: "nearest" });
  }

  #columns() {
    const [first] = this.#cells;
    return this.#cells.filter((cell) => cell.offsetTop === first.offsetTop).length;
  }
}

/** @param {Brief[]} images */
const idsOf = (images) => images.map((image) => image.id).join(" ");

/** What was said here of images, on top of what the server said when it sent them. */
export class Said {
  /** @type {Map<string, string[]>} id of an image to what was said of it, one after another */
  #choices = new Map();

  /** @param {Brief} image @returns {string} "keep", "drop", or "" if no person decided */
  of(image) {
    const choice = this.#choices.get(image.id)?.at(-1) ?? image.decision?.choice ?? "";
    return choice === "undecided" ? "" : choice;
  }

  /** @param {import("./state.js").Saying[]} sayings */
  take(sayings) {
    for (const { images, choice } of sayings) {
      if (images.length !== 1) continue;
      this.#choices.set(images[0], [...(this.#choices.get(images[0]) ?? []), choice]);
    }
  }

  /**
   * What was said before of the same images holds again.
   *
   * @param {import("./state.js").Saying[]} sayings
   * @returns {boolean} whether that is known here; else the server has to say it
   */
  takeBack(sayings) {
    let isKnown = true;
    for (const { images, choice } of sayings) {
      if (images.length !== 1) continue;
      const choices = this.#choices.get(images[0]) ?? [];
      const place = choices.lastIndexOf(choice);
      if (place < 0) isKnown = false;
      else choices.splice(place, 1);
    }
    return isKnown;
  }

  /** What the server says of these images counts alone again. @param {Brief[]} images */
  forget(images) {
    for (const { id } of images) this.#choices.delete(id);
  }

  /** @param {Brief} image @returns {Look} */
  look(image) {
    const choice = this.of(image);
    if (choice) {
      const dropped = choice === "drop";
      return { state: dropped ? "dropped" : "kept", text: dropped ? "Dropped" : "Kept" };
    }
    if (image.verdict !== "dropped") return { state: "", text: "" };
    return { state: "dropped", text: `dropped: ${image.by.replaceAll("_", " ")}` };
  }
}

/**
 * Whether sayings are about images of an entry.
 *
 * @param {import("./queue_feed.js").Entry} entry
 * @param {import("./state.js").Saying[]} sayings
 */
export function concernsMembers(entry, sayings) {
  const ids = new Set(entry.images.map((/** @type {Brief} */ image) => image.id));
  return sayings.some(({ images }) => images.every((id) => ids.has(id)));
}
