// @ts-check
/** Where two pictures differ: the best small shift first, then amplified differences per pixel. */

const MOST_SHIFT = 4;
/** Pixels looked at per shift: more does not change which one is best, and costs time. */
const SAMPLES = 4096;

/**
 * @typedef {{data: Uint8ClampedArray, width: number, height: number}} Pixels
 * @typedef {{dx: number, dy: number}} Shift
 */

/**
 * @param {HTMLImageElement} image
 * @param {number} width
 * @param {number} height
 * @returns {Pixels}
 */
function pixelsOf(image, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/**
 * Mean difference over a grid of pixels, when `b` is moved by a shift.
 *
 * @param {Pixels} a
 * @param {Pixels} b
 * @param {Shift} shift
 */
function meanDifference(a, b, { dx, dy }) {
  const { width, height } = a;
  const step = Math.max(1, Math.floor(Math.sqrt((width * height) / SAMPLES)));
  let total = 0;
  let count = 0;
  for (let y = MOST_SHIFT; y < height - MOST_SHIFT; y += step) {
    for (let x = MOST_SHIFT; x < width - MOST_SHIFT; x += step) {
      const [i, j] = [4 * (y * width + x), 4 * ((y - dy) * width + x - dx)];
      total +=
        Math.abs(a.data[i] - b.data[j]) +
        Math.abs(a.data[i + 1] - b.data[j + 1]) +
        Math.abs(a.data[i + 2] - b.data[j + 2]);
      count += 3;
    }
  }
  return count ? total / count : 0;
}

/**
 * The shift of `b`, within 4 pixels each way, that makes it most like `a`; none if none helps.
 *
 * @param {Pixels} a
 * @param {Pixels} b
 * @returns {Shift}
 */
function bestShift(a, b) {
  let best = { dx: 0, dy: 0 };
  let least = meanDifference(a, b, best);
  for (let dy = -MOST_SHIFT; dy <= MOST_SHIFT; dy++) {
    for (let dx = -MOST_SHIFT; dx <= MOST_SHIFT; dx++) {
      const found = meanDifference(a, b, { dx, dy });
      if (found < least) [best, least] = [{ dx, dy }, found];
    }
  }
  return best;
}

/**
 * Draw where two pictures differ; black is where they are equal.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLImageElement} left
 * @param {HTMLImageElement} right scaled to the size of `left` if it has another
 * @param {number} gain how much differences are amplified
 * @returns {Shift} by how much `right` was moved
 */
export function drawDifference(canvas, left, right, gain) {
  const { naturalWidth: width, naturalHeight: height } = left;
  const [a, b] = [pixelsOf(left, width, height), pixelsOf(right, width, height)];
  const shift = bestShift(a, b);
  canvas.width = width;
  canvas.height = height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const shown = context.createImageData(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [from, to] = [y - shift.dy, x - shift.dx];
      const i = 4 * (y * width + x);
      shown.data[i + 3] = 255;
      if (from < 0 || from >= height || to < 0 || to >= width) continue;
      const j = 4 * (from * width + to);
      for (let c = 0; c < 3; c++)
        shown.data[i + c] = gain * Math.abs(a.data[i + c] - b.data[j + c]);
    }
  }
  context.putImageData(shown, 0, 0);
  return shift;
}
