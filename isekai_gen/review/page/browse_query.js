// @ts-check
/** Which images browsing shows: read from the address, kept there, and asked of the server. */

/**
 * @typedef {Record<string, string[]>} Query
 *   name to its values, as `/api/images` takes them: "concept", "kind", "verdict", "reason",
 *   "template", "slot.NAME", "order"; and "like", the text of a search by words
 */

const NAMES = ["concept", "kind", "verdict", "reason", "template", "order", "like"];

/** @param {string} name */
const isSlot = (name) => name.startsWith("slot.");

/** @param {string} name whether only one value of it can be asked for */
const isSingle = (name) => isSlot(name) || name === "order" || name === "like";

/**
 * @param {URLSearchParams} params
 * @returns {Query}
 */
export function readQuery(params) {
  /** @type {Query} */
  const query = {};
  for (const name of new Set(params.keys())) {
    const values = params.getAll(name).filter((value) => value !== "");
    if (!values.length || !(NAMES.includes(name) || isSlot(name))) continue;
    query[name] = isSingle(name) ? values.slice(-1) : values;
  }
  return query;
}

/**
 * @param {Query} query
 * @param {number} at place of the image that has the focus
 */
export function writeQuery(query, at) {
  const params = new URLSearchParams();
  for (const [name, values] of Object.entries(query)) {
    for (const value of values) params.append(name, value);
  }
  if (at > 0) params.set("at", String(at));
  return params;
}

/**
 * The query with a value more, or without it if it was there.
 *
 * @param {Query} query
 * @param {string} name
 * @param {string} value
 * @returns {Query}
 */
export function toggled(query, name, value) {
  const { [name]: values = [], ...rest } = query;
  const others = values.filter((each) => each !== value);
  if (others.length < values.length) return others.length ? { ...rest, [name]: others } : rest;
  return { ...rest, [name]: isSingle(name) ? [value] : [...values, value] };
}

/**
 * The query with this value only, or with none.
 *
 * @param {Query} query
 * @param {string} name
 * @param {string} value
 * @returns {Query}
 */
export function replaced(query, name, value) {
  const { [name]: _, ...rest } = query;
  return value ? { ...rest, [name]: [value] } : rest;
}

/**
 * What was chosen among the facets, in the order of choosing.
 *
 * @param {Query} query
 * @returns {[string, string][]}
 */
export function chosen(query) {
  return Object.entries(query)
    .filter(([name]) => name !== "order" && name !== "like")
    .flatMap(([name, values]) =>
      values.map((value) => /** @type {[string, string]} */ ([name, value])),
    );
}
