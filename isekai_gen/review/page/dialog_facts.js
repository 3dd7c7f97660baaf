// @ts-check
/** All that is known of an image, in tables. */

import { thumbUrl } from "./api.js";
import { copyLine } from "./dialog_copy.js";
import { el } from "./dom.js";
import { inWords } from "./facets.js";

/** @typedef {import("./grid_cells.js").Brief} Brief */

/**
 * @param {any} known the answer of `/api/image/ID`
 * @param {{open: (image: Brief) => void}} listeners
 * @returns {HTMLElement[]}
 */
export function facts(known, listeners) {
  const { image } = known;
  const made = [
    section("Prompt", el("p", { class: "dialog-prompt", text: image.prompt })),
    section("Verdicts", verdicts(known.verdicts, listeners)),
    section("Decisions", decisions(known.decisions)),
    section("Similar images", similar(known.similar, listeners)),
    section("Nearest classes", classes(known.neighbors)),
    section("Draw it again", copyLine(known.reproduce)),
    section("Provenance", pairs(provenance(known))),
  ];
  return made.filter((each) => each !== null);
}

/**
 * @param {string} title
 * @param {HTMLElement | null} content
 */
function section(title, content) {
  return content && el("section", {}, el("h3", { text: title }), content);
}

/** @param {any} value */
const number = (value) => (typeof value === "number" ? String(Math.round(value * 1e4) / 1e4) : "");

/**
 * @param {string[]} heads
 * @param {any[][]} rows cells, of which the first is the row's head
 */
function table(heads, rows) {
  const head = el(
    "tr",
    {},
    heads.map((text) => el("th", { scope: "col", text })),
  );
  const body = rows.map(([first, ...rest]) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, first),
      rest.map((cell) => el("td", {}, cell)),
    ),
  );
  return el("table", { class: "dialog-table" }, el("thead", {}, head), el("tbody", {}, body));
}

/**
 * @param {any[]} all
 * @param {{open: (image: any) => void}} listeners
 */
function verdicts(all, listeners) {
  if (!all.length) return null;
  const rows = all.map((each) => [
    [inWords(each.by), el("span", { class: "dialog-why" }, why(each, listeners))],
    el(
      "span",
      { class: "verdict-badge", dataset: { verdict: each.keep ? "kept" : "dropped" } },
      each.keep ? "keep" : "drop",
    ),
    number(each.measured),
    number(each.limit),
  ]);
  return table(["Filter", "Says", "Measured", "Limit"], rows);
}

/**
 * The reason and the evidence, as far as there are any.
 *
 * @param {any} verdict
 * @param {{open: (image: any) => void}} listeners
 */
function why(verdict, listeners) {
  const reason = verdict.reason ? inWords(verdict.reason) : "";
  const shown = evidence(verdict, listeners);
  return [reason, reason && shown ? ": " : "", shown];
}

/**
 * @param {any} verdict
 * @param {{open: (image: any) => void}} listeners
 */
function evidence(verdict, listeners) {
  if (!verdict.witness) return verdict.reference ?? "";
  const brief = { id: verdict.witness, name: "image", index: "", prompt: "", decision: null };
  const attributes = { type: "button", class: "link", title: verdict.witness };
  return el("button", { ...attributes, onclick: () => listeners.open(brief) }, "kept image");
}

/** @param {any[]} all */
function decisions(all) {
  if (!all.length) return null;
  const rows = all.map((each) => [
    inWords(each.choice),
    each.by,
    each.at.replace("T", " ").replace("Z", ""),
    [each.reason, each.note].filter(Boolean).join(": "),
  ]);
  return table(["Choice", "By", "At (UTC)", "Note"], rows);
}

/**
 * @param {{image: Brief, similarity: number, tier: string}[]} all
 * @param {{open: (image: Brief) => void}} listeners
 */
function similar(all, listeners) {
  if (!all.length) return null;
  const buttons = all.map(({ image, similarity, tier }) =>
    el(
      "button",
      {
        type: "button",
        class: "similar",
        "aria-label": `Open ${nameOf(image)}, similarity ${number(similarity)}, ${image.verdict}`,
        onclick: () => listeners.open(image),
      },
      el("img", { src: thumbUrl(image.id, 160), alt: "", loading: "lazy" }),
      el("span", { text: `${number(similarity)} ${tier}` }),
      el("span", {
        class: "verdict-badge",
        dataset: { verdict: image.verdict },
        text: image.verdict,
      }),
    ),
  );
  return el("div", { class: "similar-images" }, buttons);
}

/** @param {Brief} image */
const nameOf = ({ name, index }) => `${name} ${index}`;

/** @param {{class: string, similarity: number}[]} all */
function classes(all) {
  if (!all.length) return null;
  const rows = all.map((each) => [
    each.class,
    [
      el("span", { class: "dialog-similarity", vars: { "--part": Math.max(0, each.similarity) } }),
      number(each.similarity),
    ],
  ]);
  return table(["Class", "Similarity"], rows);
}

/** @param {any} known */
function provenance({ image, slots, provenance: made, file }) {
  const filled = Object.entries(slots).filter(([, value]) => value !== "");
  return {
    id: image.id,
    concept: image.concept,
    kind: image.kind,
    template: image.template,
    ...Object.fromEntries(filled.map(([slot, value]) => [`slot ${slot}`, value])),
    "negative prompt": image.negative_prompt,
    seed: image.seed,
    ...made,
    "file bytes": file.bytes,
    "file sha256": file.sha256,
    "pixel sha256": file.pixel_sha256,
  };
}

/** @param {Record<string, any>} values */
function pairs(values) {
  const rows = Object.entries(values)
    .map(([name, value]) => [inWords(name), inText(value)])
    .filter(([, text]) => text !== "");
  return table(["What", "Value"], rows);
}

/** @param {any} value */
function inText(value) {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value) && !value.length) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
