// @ts-check
/** One facet: a heading and its values as buttons that stay pressed. */

import { el, fill } from "./dom.js";

/**
 * @typedef {{value: string, label: string, count?: string, title?: string}} Value
 *   `count`: a number beside the label, in words short enough for a narrow column
 * @typedef {{name: string, title: string, values: Value[]}} FacetWords
 * @typedef {{node: HTMLElement, show: (words: FacetWords, pressed: string[]) => void}} Facet
 */

// A longer list is looked up by typing, which is quicker than reading it.
const MOST_SHOWN = 40;
const FEW = 12;

/**
 * @param {FacetWords} first
 * @param {{open: boolean, toggle: (name: string, value: string) => void}} options
 * @returns {Facet}
 */
export function facet(first, options) {
  const { name, title } = first;
  let words = first;
  /** @type {string[]} */
  let pressed = [];
  const count = el("span", { class: "facet-count" });
  const list = el("div", { class: "facet-values", role: "group", "aria-label": title });
  const more = el("p", { class: "facet-more", role: "status" });
  const lookUp = el("input", {
    type: "search",
    class: "facet-search",
    placeholder: `Find among ${first.values.length}`,
    "aria-label": `Find in ${title.toLowerCase()}`,
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => draw(),
  });
  const node = el(
    "details",
    { class: "facet", open: options.open },
    el("summary", {}, title, count),
    first.values.length > FEW && lookUp,
    list,
    more,
  );

  function draw() {
    const typed = lookUp.value.trim().toLowerCase();
    const matching = words.values.filter(({ label }) => label.toLowerCase().includes(typed));
    const shown = matching.slice(0, MOST_SHOWN);
    // What is pressed stays in sight: it could not be released otherwise.
    shown.push(...matching.slice(MOST_SHOWN).filter(({ value }) => pressed.includes(value)));
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.value;
    const hadFocus = list.contains(document.activeElement);
    fill(
      list,
      shown.map((each) => valueButton(each, pressed, () => options.toggle(name, each.value))),
    );
    if (hadFocus) {
      const again = [...list.children].find((child) => child.dataset.value === focused);
      again?.focus({ preventScroll: true });
    }
    more.textContent = leftOut(matching.length, shown.length, typed);
    count.textContent = pressed.length ? String(pressed.length) : "";
  }

  return {
    node,
    show(now, chosen) {
      words = now;
      pressed = chosen;
      draw();
    },
  };
}

/**
 * @param {Value} value
 * @param {string[]} pressed
 * @param {() => void} toggle
 */
function valueButton({ value, label, count, title }, pressed, toggle) {
  return el(
    "button",
    {
      type: "button",
      class: "facet-value",
      "aria-pressed": String(pressed.includes(value)),
      dataset: { value },
      title,
      onclick: toggle,
    },
    el("span", { class: "facet-label", text: label }),
    count && el("span", { class: "facet-number", text: count }),
  );
}

/**
 * @param {number} matching
 * @param {number} shown
 * @param {string} typed
 */
function leftOut(matching, shown, typed) {
  if (!matching) return typed ? "None has these letters in its name." : "None.";
  return matching > shown ? `${matching - shown} more: type to find one.` : "";
}
