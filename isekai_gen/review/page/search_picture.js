// @ts-check
/** A person's picture on its way to the search: small enough, and as text. */

// The server takes 8 MB, and base64 makes four bytes of three.
const MOST_BYTES = 4_000_000;
const REDUCED_SIDE = 1_024;

/**
 * The picture, or a smaller one of the same if it is too large to send.
 *
 * Encoders look at a few hundred pixels a side, so that nothing is lost.
 *
 * @param {Blob} picture
 * @returns {Promise<Blob>}
 */
export async function smallEnough(picture) {
  const seen = await createImageBitmap(picture);
  if (picture.size <= MOST_BYTES) return picture;
  const scale = Math.min(1, REDUCED_SIDE / Math.max(seen.width, seen.height));
  const canvas = new OffscreenCanvas(seen.width * scale, seen.height * scale);
  canvas.getContext("2d")?.drawImage(seen, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
}

/**
 * @param {Blob} picture
 * @returns {Promise<string>}
 */
export async function asBase64(picture) {
  const bytes = new Uint8Array(await picture.arrayBuffer());
  let text = "";
  for (let start = 0; start < bytes.length; start += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  }
  return btoa(text);
}
