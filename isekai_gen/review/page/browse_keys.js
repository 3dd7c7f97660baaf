// @ts-check
/** The keys of the grid. */

/**
 * @typedef {import("./grid.js").Move} Move
 * @typedef {import("./grid_cells.js").Brief} Brief
 * @typedef {{app: import("./app.js").App, grid: import("./grid.js").Grid,
 *   list: import("./browse_pages.js").ImageList, image: Brief | undefined, open: () => void,
 *   bar: {focusSearch: () => void}, facets: {flip: () => void}}} Browsing
 */

/** @type {[string, Move, string][]} */
const MOVES = [
  ["ArrowLeft", "left", "Image before"],
  ["ArrowRight", "right", "Next image"],
  ["ArrowUp", "up", "Row above"],
  ["ArrowDown", "down", "Row below"],
  ["PageUp", "pageup", "Page up"],
  ["PageDown", "pagedown", "Page down"],
  ["Home", "first", "First image"],
  ["End", "last", "Last image"],
];

/**
 * @param {Browsing} browsing
 * @param {import("./browse_decide.js").Decide} decide
 */
export function bindBrowseKeys(browsing, decide) {
  /** @param {"keep" | "drop"} choice */
  const say = (choice) => {
    if (browsing.image) decide(browsing.list, browsing.image, choice);
  };
  browsing.app.keys.bind("view", [
    { keys: ["k"], label: "Keep the image", run: () => say("keep") },
    { keys: ["x"], label: "Drop the image", run: () => say("drop") },
    { keys: ["Enter"], label: "Open the image", run: () => browsing.open() },
    ...MOVES.map(([key, move, label]) => ({
      keys: [key],
      label,
      repeat: true,
      run: () => browsing.grid.move(move),
    })),
    { keys: ["f"], label: "Show or hide the facets", run: () => browsing.facets.flip() },
    { keys: ["/"], label: "Search", run: () => browsing.bar.focusSearch() },
  ]);
}
