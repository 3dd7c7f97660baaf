// @ts-check
/** The column of facets: which images to show, by concept, kind, verdict, reason and so on. */

import { el, fill } from "./dom.js";
import { facet } from "./facets_values.js";
import { remember, remembered } from "./state.js";

/**
 * @typedef {import("./state.js").Summary} Summary
 * @typedef {import("./browse_query.js").Query} Query
 * @typedef {import("./facets_values.js").FacetWords} FacetWords
 */

/** @param {string} code such as "in_review_band" */
export const inWords = (code) => code.replaceAll("_", " ") || "none";

/**
 * @param {string} name
 * @param {string} title
 * @param {string[]} values
 * @returns {FacetWords}
 */
function words(name, title, values) {
  return { name, title, values: values.map((value) => ({ value, label: inWords(value) })) };
}

/**
 * @param {Summary} summary
 * @returns {FacetWords}
 */
function concepts(summary) {
  const values = summary.concepts.map(({ slug, name, kept, generated, quota }) => ({
    value: slug,
    label: name,
    count: `${kept}/${quota ?? generated}`,
    title: `${kept} kept of ${generated}${quota ? `, quota ${quota}` : ""}`,
  }));
  return { name: "concept", title: "Concept", values };
}

/**
 * All facets that offer a choice.
 *
 * @param {Summary} summary
 * @returns {FacetWords[]}
 */
function facetsOf(summary) {
  const { kinds, verdicts, reasons, templates, slots } = summary.facets;
  const all = [
    words("verdict", "Verdict", verdicts),
    words("kind", "Kind", kinds),
    concepts(summary),
    words("reason", "Reason", reasons),
    words("template", "Template", templates),
    ...Object.keys(slots).map((slot) => words(`slot.${slot}`, inWords(slot), slots[slot])),
  ];
  return all.filter((each) => each.values.length > 0);
}

/**
 * @param {(name: string, value: string) => void} toggle
 * @param {(open: boolean) => void} flipped what to do when the column is shown or hidden
 */
export function facetColumn(toggle, flipped) {
  /** @type {Map<string, import("./facets_values.js").Facet>} */
  const shown = new Map();
  const list = el("div", { class: "facets-list" });
  const leave = { type: "button", class: "facets-done", onclick: () => flip() };
  const labels = { class: "facets", id: "facets", "aria-label": "Choose images" };
  const node = el("aside", labels, el("button", leave, "Done"), list);
  /**
   * @param {Summary} summary
   * @param {Query} query
   */
  function show(summary, query) {
    const all = facetsOf(summary);
    const names = all.map((each) => each.name);
    if (String(names) !== String([...shown.keys()])) {
      shown.clear();
      for (const each of all) {
        const open = each.name in query || !each.name.startsWith("slot.");
        shown.set(each.name, facet(each, { open, toggle }));
      }
      fill(
        list,
        [...shown.values()].map((each) => each.node),
      );
    }
    for (const each of all) shown.get(each.name)?.show(each, query[each.name] ?? []);
  }
  /** @param {boolean} open */
  function setOpen(open) {
    node.hidden = !open;
    flipped(open);
  }
  const isWide = matchMedia("(min-width: 900px)").matches;
  setOpen(isWide ? remembered("facets", "open") === "open" : false);
  function flip() {
    setOpen(node.hidden);
    // On a narrow screen it opens for a moment only.
    if (isWide) remember("facets", node.hidden ? "closed" : "open");
  }
  return { node, show, flip };
}

/**
 * What was chosen, as buttons that take it away.
 *
 * @param {Summary} summary
 * @param {[string, string][]} chosen
 * @param {{toggle: (name: string, value: string) => void, clear: () => void}} listeners
 */
export function chips(summary, chosen, listeners) {
  const all = new Map(facetsOf(summary).map((each) => [each.name, each]));
  const made = chosen.map(([name, value]) => {
    const known = all.get(name);
    const label = known?.values.find((each) => each.value === value)?.label ?? value;
    return el(
      "button",
      {
        type: "button",
        class: "browse-chip",
        "aria-label": `Remove ${known?.title ?? name}: ${label}`,
        onclick: () => listeners.toggle(name, value),
      },
      el("span", { class: "browse-chip-name", text: known?.title ?? name }),
      ` ${label} `,
      el("span", { "aria-hidden": "true", text: "×" }),
    );
  });
  if (made.length > 1) {
    made.push(
      el(
        "button",
        { type: "button", class: "browse-chip-clear", onclick: listeners.clear },
        "Clear all",
      ),
    );
  }
  return made;
}
