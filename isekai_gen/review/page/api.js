// @ts-check
/** Requests to the page's own server. */

/** What went wrong, in one line; `status` is 0 when the server did not answer at all. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status
   */
  constructor(message, status) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }

  /** Whether to try again later: the server is gone, busy, or does not know this page's cookie. */
  get passing() {
    return this.status === 0 || this.status === 403 || this.status >= 500;
  }
}

/**
 * @param {string} path
 * @param {RequestInit} init
 * @returns {Promise<any>}
 */
async function ask(path, init) {
  /** @param {string} message */
  const unless = (message) => (/** @type {any} */ error) => {
    if (init.signal?.aborted && error.name === "AbortError") throw error;
    throw new ApiError(message, 0);
  };
  /** @type {RequestInit} */
  const request = { credentials: "same-origin", cache: "no-store", ...init };
  const answer = await fetch(path, request).catch(unless("the server does not answer"));
  const text = await answer.text().catch(unless("the server stopped in mid-answer"));
  const value = parse(text);
  if (answer.ok && value !== undefined) return value;
  if (typeof value?.error === "string") throw new ApiError(value.error, answer.status);
  // Not our words, so not our server: what waits for it must not take a 404 for its refusal.
  throw new ApiError("another program answers in the server's place", 0);
}

/**
 * The value, or undefined if it is no JSON.
 *
 * Seeds have up to 64 bits, more than a number holds here: they stay text.
 *
 * @param {string} text
 */
function parse(text) {
  try {
    return JSON.parse(text.replace(/"seed":\s*(\d{16,})/g, '"seed":"$1"'));
  } catch {
    return undefined;
  }
}

/**
 * GET as JSON. Parameters that are arrays are given several times; empty ones are left out.
 *
 * @param {string} path
 * @param {Record<string, string | number | string[]>} [params]
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<any>}
 */
export function get(path, params = {}, options = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const each of [value].flat()) {
      if (each !== "" && each !== undefined) query.append(name, String(each));
    }
  }
  const tail = query.size ? `?${query}` : "";
  return ask(path + tail, { signal: options.signal });
}

/**
 * POST JSON, answered as JSON.
 *
 * @param {string} path
 * @param {object} body
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<any>}
 */
export function post(path, body, options = {}) {
  return ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: options.signal,
  });
}

/** @param {string} id */
export const pictureUrl = (id) => `/picture/${encodeURIComponent(id)}`;

/**
 * @param {string} id
 * @param {160 | 320 | 640} size
 */
export const thumbUrl = (id, size) => `/thumb/${encodeURIComponent(id)}?size=${size}`;
