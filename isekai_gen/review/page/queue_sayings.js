// @ts-check
/** Which entries of a queue sayings are about. */

/**
 * @typedef {import("./queue_feed.js").Entry} Entry
 * @typedef {import("./queue_feed.js").Feed} Feed
 * @typedef {import("./queue_walk.js").Queue} Queue
 * @typedef {import("./state.js").Saying} Saying
 */

/**
 * The entry itself, and others that lose an image which is dropped.
 *
 * @param {Feed} feed
 * @param {Queue} queue
 * @param {Entry} entry
 * @param {Saying[]} sayings
 */
export function settledBy(feed, queue, entry, sayings) {
  const dropped = sayings.filter((each) => each.choice === "drop" && !each.question);
  const ids = new Set(dropped.flatMap((each) => each.images));
  return feed.entries.filter(
    (each) => each === entry || queue.pictures(each).some((image) => ids.has(image.id)),
  );
}

/**
 * What was said of an entry, on this visit or before.
 *
 * @param {Feed} feed
 * @param {Queue} queue
 * @param {Entry} entry
 * @returns {Saying | null}
 */
export function lastSaid(feed, queue, entry) {
  const said = feed.saidOf(entry);
  if (said || !feed.isDecided(entry)) return said;
  const { choice, reason } = entry.decision ?? entry.image?.decision ?? {};
  const images = queue.pictures(entry).map((image) => image.id);
  return choice ? { images, choice, reason } : null;
}

/**
 * Whether sayings are about an entry.
 *
 * @param {Feed} feed
 * @param {Queue} queue
 * @param {Entry} entry
 * @param {Saying[]} sayings
 */
export function isAbout(feed, queue, entry, sayings) {
  if (queue.concerns) return queue.concerns(entry, sayings);
  const said = feed.saidOf(entry);
  return said !== null && sayings.some((each) => nameOf(each) === nameOf(said));
}

/** @param {Saying} saying */
const nameOf = (saying) => `${saying.question ?? ""} ${[...saying.images].sort().join(" ")}`;
