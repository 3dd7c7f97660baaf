// @ts-check
/** Keep and drop: said at once, shown at once. */

/**
 * @typedef {import("./grid_cells.js").Brief} Brief
 * @typedef {"keep" | "drop" | "undecided"} Choice
 * @typedef {(list: import("./browse_pages.js").ImageList, image: Brief, choice: Choice,
 *   note?: string) => void} Decide
 */

const DONE = { keep: "Kept", drop: "Dropped", undecided: "Left to the filters again" };

/**
 * @param {import("./app.js").App} app
 * @returns {Decide}
 */
export function decider(app) {
  return (list, image, choice, note = "") => {
    const name = `${image.name} ${image.index}`;
    if ((image.decision?.choice ?? "undecided") === choice && !note) {
      app.announce(`${DONE[choice]} already: ${name}.`);
      return;
    }
    const saying = { images: [image.id], choice, reason: "", note };
    app.decide(saying, { label: `${DONE[choice]}: ${name}` });
    const change = decided(choice, note, app.store.get().summary?.reviewer ?? "");
    Object.assign(image, change);
    list.patch(image.id, change);
  };
}

/**
 * What is known of an image at once; the server says the rest.
 *
 * @param {Choice} choice
 * @param {string} note
 * @param {string} by
 * @returns {Partial<Brief>}
 */
function decided(choice, note, by) {
  if (choice === "undecided") return { decision: null };
  const at = new Date().toISOString();
  return {
    decision: { choice, by, at, reason: "", note },
    verdict: choice === "keep" ? "kept" : "dropped",
    by: "person",
    reason: "",
  };
}
