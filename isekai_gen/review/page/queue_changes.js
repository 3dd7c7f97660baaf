// @ts-check
/** Learn of decisions that were made elsewhere, and notice when the server goes and comes back. */

import { ApiError, get } from "./api.js";

const PATIENCE_MS = 40_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 4_000;

let wake = () => {};

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => {
    wake = () => resolve(undefined);
    setTimeout(resolve, ms);
  });
}

/** Ask again now, if it is waiting to. */
export function wakeFollowing() {
  wake();
}

/**
 * The summary, as soon as there is a server to give it.
 *
 * @param {import("./state.js").Store<import("./state.js").State>} store
 */
export async function firstSummary(store) {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(LONGEST_WAIT_MS, wait * 2)) {
    try {
      const summary = await get("/api/summary");
      store.set({ summary, server: "here" });
      return summary;
    } catch (error) {
      notice(store, error);
    }
    await pause(wait);
  }
}

/**
 * Keep up with the server; never returns.
 *
 * @param {import("./state.js").Store<import("./state.js").State>} store
 * @param {import("./queue_outbox.js").Outbox} outbox
 * @param {() => void} changed what to do when something was decided elsewhere
 */
export async function follow(store, outbox, changed) {
  let wait = FIRST_WAIT_MS;
  for (;;) {
    const known = store.get();
    try {
      await once(store, outbox, changed, known.server !== "here");
      wait = FIRST_WAIT_MS;
    } catch (error) {
      notice(store, error);
      await pause(wait);
      wait = Math.min(LONGEST_WAIT_MS, wait * 2);
    }
  }
}

/**
 * @param {import("./state.js").Store<import("./state.js").State>} store
 * @param {import("./queue_outbox.js").Outbox} outbox
 * @param {() => void} changed
 * @param {boolean} wasGone
 */
async function once(store, outbox, changed, wasGone) {
  if (wasGone) {
    store.set({ summary: await get("/api/summary"), server: "here" });
    outbox.hurry();
    changed();
    return;
  }
  const since = store.get().summary?.version ?? "";
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const { version } = await get("/api/changes", { since }, { signal });
  // What this tab says changes the version too; the answers bring the summary themselves.
  await outbox.inTurn(() => {});
  if (version === since || store.get().summary?.version !== since) return;
  store.set({ summary: await get("/api/summary") });
  changed();
}

/**
 * @param {import("./state.js").Store<import("./state.js").State>} store
 * @param {any} error
 */
function notice(store, error) {
  if (!(error instanceof ApiError)) throw error;
  if (error.passing) store.set({ server: error.status === 403 ? "stranger" : "gone" });
  else store.set({ server: "unable", trouble: error.message });
}
