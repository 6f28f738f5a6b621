// Reading the tile service, relative to the page: it may live under any prefix.

const page = new URL(location.href);
const OF_THE_PAGE = ["lang", "with"];
const LAYER = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** The tokens that let layers be seen. @type {Map<string, string>} */
const tokens = new Map();

/** A layer with what was chosen of it: a scheme, a filter, a day, a token that lets it be seen. */
export class Shown {
  /** @param {string} name @param {URLSearchParams} chosen */
  constructor(name, chosen) {
    this.name = name;
    this.chosen = chosen;
  }

  /** Let the layer's tiles be asked for with its token, once it is known to open the layer. */
  opened() {
    const token = this.chosen.get("token");
    if (token) tokens.set(this.name, token);
  }

  /**
   * The address of something of the layer, keeping what was chosen.
   * @param {string} path
   * @param {Record<string, string>} [query]
   */
  at(path, query = {}) {
    const url = new URL(`../${this.name}${path}`, location.href);
    url.search = new URLSearchParams({ ...Object.fromEntries(this.chosen), ...query }).toString();
    return url;
  }
}

/** The layer of the page's own address, `…/layers/{layer}/map`. */
export function pageLayer() {
  const chosen = new URLSearchParams(page.search);
  for (const name of OF_THE_PAGE) chosen.delete(name);
  return new Shown(page.pathname.split("/").at(-2), chosen);
}

/**
 * The layer beside it, `with=name` or `with=name?scheme=…`, in the ways it may be seen: by the
 * page's token and, as a token opens no other layers than its own, without.
 */
export function otherLayer() {
  const [name, query] = (page.searchParams.get("with") ?? "").split(/\?(.*)/s);
  if (!LAYER.test(name)) return [];
  const bare = new URLSearchParams(query);
  const token = page.searchParams.get("token");
  if (!token || bare.has("token")) return [new Shown(name, bare)];
  const opened = new URLSearchParams([...bare, ["token", token]]);
  return [new Shown(name, opened), new Shown(name, bare)];
}

/** The page's address with some of its parameters replaced; null takes one away. */
export function pageAddress(changes) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  return url.toString();
}

/**
 * A map's request of a tile: with the token of its layer, and for refusals in a language.
 * @param {string} url
 * @param {string} lang
 */
export function asked(url, lang) {
  const [, name] = /\/layers\/([^/]+)\/tiles\//.exec(url) ?? [];
  const token = name && tokens.get(decodeURIComponent(name));
  const bare = !token || /[?&]token=/.test(url);
  const end = bare ? "" : `${url.includes("?") ? "&" : "?"}token=${encodeURIComponent(token)}`;
  return { url: url + end, headers: { "Accept-Language": lang } };
}

/** @param {URL} url */
export async function read(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(await reason(response));
  return response.json();
}

/**
 * Why something was refused, in the service's own words where it has some.
 * @param {{status: number, statusText: string, json: () => Promise<any>}} response
 */
export async function reason(response) {
  const problem = await response.json().catch(() => ({}));
  return problem.detail ?? `${response.status} ${response.statusText}`;
}
