// Reading the tile service, relative to the page: it may live under any prefix.

/** The layer's name as the address of the page, `…/layers/{layer}/map`, has it. */
const name = location.pathname.split("/").at(-2);
const chosen = new URLSearchParams(location.search);
chosen.delete("lang");

/**
 * The address of a resource of this page's layer, keeping what the page was asked to show.
 * @param {string} path
 * @param {Record<string, string>} [query]
 */
export function ofLayer(path, query = {}) {
  const url = new URL(path, location.href);
  url.search = new URLSearchParams({ ...Object.fromEntries(chosen), ...query }).toString();
  return url;
}

/** The description of this page's layer. */
export function description() {
  return read(ofLayer(`../${name}`));
}

/** @param {URL} url */
export async function read(url) {
  const response = await fetch(url);
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new Error(problem.detail ?? `${response.status} ${response.statusText}`);
  }
  return response.json();
}
