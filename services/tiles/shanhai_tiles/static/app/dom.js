// Elements from code: text is always text, never markup.

/**
 * @param {string} name
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/**
 * A patch, an outline, a line or a dot of a colour.
 * @param {string} color
 * @param {string} [symbol] as legends have it
 */
export function swatch(color, symbol = "area") {
  const made = element("span", { class: `swatch ${symbol}` });
  made.style.setProperty("--color", color);
  return made;
}

/** @param {string} id */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}
