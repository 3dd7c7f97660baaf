// @ts-check
/** What a search found, as a list for the grid. */

import { ApiError, post } from "./api.js";
import { asBase64 } from "./search_picture.js";

/**
 * @typedef {import("./browse_pages.js").ImageList} ImageList
 * @typedef {import("./grid_cells.js").Brief} Brief
 */

const MOST_FOUND = 200;

/**
 * The images most like a text or a picture, most alike first.
 *
 * @param {string | Blob} sought
 * @param {() => void} changed
 * @param {(error: ApiError) => void} failed
 * @returns {ImageList}
 */
export function found(sought, changed, failed) {
  /** @type {Brief[] | null} */
  let images = null;
  let asking = new AbortController();

  async function ask() {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    try {
      const what =
        typeof sought === "string" ? { text: sought } : { picture: await asBase64(sought) };
      const answer = await post("/api/search", { ...what, limit: MOST_FOUND }, { signal });
      images = answer.images.map(
        (/** @type {{image: Brief, similarity: number}} */ { image, similarity }) => ({
          ...image,
          similarity,
        }),
      );
      changed();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      failed(error);
    }
  }

  void ask();
  return {
    total: () => images?.length ?? null,
    at: (place) => images?.[place],
    want: () => {},
    patch(id, change) {
      for (const image of images ?? []) if (image.id === id) Object.assign(image, change);
      changed();
    },
    refresh: () => void ask(),
    close: () => asking.abort(),
  };
}
