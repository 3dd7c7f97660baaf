// @ts-check
/** Pictures decoded before they are wanted, so that the next entry is there at once. */

import { el } from "./dom.js";
import { pictureUrl, thumbUrl } from "./api.js";

const KEPT = 40;
/** Pictures this small are shown with hard pixel edges: smoothing would hide differences. */
const SMALL = 256;

/** @typedef {{id: string, name: string, prompt: string, width: number, height: number}} Shown */

/** @type {Map<string, HTMLImageElement>} in the order of last use */
const decoded = new Map();

/**
 * A picture as it was drawn; the same element each time, decoded ahead if `preload` named it.
 *
 * @param {Shown} image
 * @returns {HTMLImageElement}
 */
export function picture(image) {
  const known = decoded.get(image.id);
  const shown = known ?? fresh(image);
  decoded.delete(image.id);
  decoded.set(image.id, shown);
  for (const id of decoded.keys()) {
    if (decoded.size <= KEPT) break;
    decoded.delete(id);
  }
  return shown;
}

/** @param {Shown} image */
function fresh(image) {
  return el("img", {
    alt: `${image.name}: ${image.prompt}`,
    width: image.width,
    height: image.height,
    class: Math.max(image.width, image.height) <= SMALL ? "picture pixelated" : "picture",
    decoding: "async",
    draggable: "false",
    src: pictureUrl(image.id),
  });
}

/** Ask again for pictures that did not come while the server was gone. */
export function reloadBroken() {
  for (const shown of [...decoded.values(), ...document.querySelectorAll("img")]) {
    if (shown.complete && !shown.naturalWidth) shown.src = shown.src;
  }
}

/** @param {Shown[]} images */
export function preload(images) {
  for (const image of images) {
    // A picture that cannot be decoded says so where it is shown, by its alternative text.
    picture(image)
      .decode()
      .catch(() => undefined);
  }
}

/**
 * A small copy for grids.
 *
 * @param {Shown} image
 * @param {160 | 320 | 640} [size]
 */
export function thumb(image, size = 320) {
  return el("img", {
    alt: `${image.name}: ${image.prompt}`,
    width: image.width,
    height: image.height,
    class: Math.max(image.width, image.height) <= SMALL ? "pixelated" : "",
    loading: "lazy",
    decoding: "async",
    draggable: "false",
    src: thumbUrl(image.id, size),
  });
}
