// @ts-check
/** What all parts of the page share, and the words for its shapes. */

/**
 * @typedef {{choice: string, by: string, at: string, reason: string, note: string}} Decision
 * @typedef {{id: string, concept: string, name: string, kind: string, index: number,
 *   prompt: string, negative_prompt: string, seed: number | string, template: string,
 *   verdict: string, by: string, reason: string, measured: number | null, limit: number | null,
 *   decision: Decision | null, width: number, height: number, typical?: number}} Brief
 * @typedef {{slug: string, name: string, kind: string, group: string, generated: number,
 *   kept: number, dropped: number, quota: number | null}} Concept
 * @typedef {{name: string, left: number, decided: number}} QueueCount
 * @typedef {{version: string, workspace: string, reviewer: string, counts: any,
 *   concepts: Concept[], queues: QueueCount[], facets: any, search: any, waiting: number}} Summary
 * @typedef {{images: string[], choice: string, reason?: string, note?: string,
 *   question?: string}} Saying
 * @typedef {{id: string, tab: string, request: string, sayings: Saying[], queue: string,
 *   clears: number, label: string, tried?: boolean}} Letter
 *   sayings that are sent together; `request`: letters of one are taken back together; `clears`:
 *   by how many entries they shorten the queue; `tried`: was sent without an answer so far
 * @typedef {{summary: Summary | null, unsent: Letter[], server: "here" | "gone" | "stranger" | "unable",
 *   trouble: string, view: string}} State
 *   `trouble`: why the server is unable, such as for a damaged file
 */

/**
 * @template {object} T
 * @typedef {{get: () => T, set: (patch: Partial<T>) => void,
 *   subscribe: (listener: (state: T, before: T) => void) => () => void}} Store
 */

/**
 * A value that tells its listeners when it changes.
 *
 * @template {object} T
 * @param {T} initial
 * @returns {Store<T>}
 */
export function createStore(initial) {
  let state = initial;
  /** @type {Set<(state: T, before: T) => void>} */
  const listeners = new Set();
  return {
    get: () => state,
    set(patch) {
      const before = state;
      state = { ...state, ...patch };
      for (const listener of [...listeners]) listener(state, before);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/**
 * How many entries of a queue are left, less those said in this browser and not yet sent.
 *
 * @param {State} state
 * @param {string} queue
 */
export function leftOf(state, queue) {
  const known = state.summary?.queues.find((each) => each.name === queue);
  const said = state.unsent.filter((letter) => letter.queue === queue);
  return Math.max(0, (known?.left ?? 0) - said.reduce((sum, letter) => sum + letter.clears, 0));
}

/**
 * A choice kept by this browser between visits, such as the theme.
 *
 * @param {string} name
 * @param {string} [otherwise]
 */
export function remembered(name, otherwise = "") {
  return localStorage.getItem(`isekai-gen.${name}`) ?? otherwise;
}

/**
 * @param {string} name
 * @param {string} value
 */
export function remember(name, value) {
  localStorage.setItem(`isekai-gen.${name}`, value);
}
