// The viewer page: reads the layers named by its own address and shows them.

import { byId, element } from "./dom.js";
import { wordsIn } from "./i18n.js";
import { offerLayers, showClasses, showPage, showPanel } from "./panel.js";
import { describe } from "./popup.js";
import { otherLayer, pageLayer, read, Shown } from "./service.js";

const page = document.documentElement;
/** @type {import("./i18n.js").Lang} */
const lang = page.dataset.lang === "zh" ? "zh" : "en";
const words = wordsIn(lang);

showPage(lang);
try {
  await start();
} catch (error) {
  fail("", error.message);
}

/** Say what could not be read: a map with a hole must not look complete. */
function fail(layer, why) {
  page.dataset.state = "failed";
  const told = [layer, words.failed, why].filter(Boolean).join(" · ");
  const box = byId("problem");
  box.hidden = false;
  if ([...box.children].some((line) => line.textContent === told)) return;
  box.append(element("p", {}, told));
}

async function start() {
  const [first, second] = await Promise.all([load(pageLayer()), loadOther()]);
  const shown = second ? [first, second] : [first];
  showPanel(shown, lang);
  const drawn = "drawable" in page.dataset ? drawMaps(shown) : null;
  await Promise.all([drawn, offerLayers(first, second, lang)]);
}

/** A layer with its description and style. @param {Shown} layer */
async function load(layer) {
  const [description, style] = await Promise.all([
    read(layer.at("", { lang })),
    read(layer.at("/style.json", { lang })),
  ]);
  layer.opened();
  return { layer, description, style };
}

/** The layer to compare with; the page works without it. */
async function loadOther() {
  let why = null;
  for (const layer of otherLayer()) {
    try {
      return await load(layer);
    } catch (error) {
      why = [layer.name, error.message];
    }
  }
  if (why) fail(...why);
  return null;
}

/** The regions' outlines and names, where the caller may see them. */
async function context() {
  try {
    return await read(new Shown("regions", new URLSearchParams()).at("/style.json", { lang }));
  } catch {
    return null;
  }
}

async function drawMaps(shown) {
  const [{ createMaps, featuresNear, showPopup, valuesDrawn }, regions] = await Promise.all([
    import("./map.js"),
    context(),
  ]);
  const maps = createMaps(byId("map"), shown, regions, lang, { fail, idle });
  for (const [n, { description, style }] of shown.entries()) {
    const { legend } = description;
    if (!legend.property) continue;
    maps[n].on("idle", () => showClasses(n, legend, valuesDrawn(maps[n], style, legend.property)));
  }
  const ask = async (at) => {
    const near = shown.map(({ style }, n) => featuresNear(maps[n], style, at));
    showPopup(maps, at, await identify(shown, at, near));
  };
  for (const map of maps) map.on("click", ({ lngLat }) => ask(lngLat.wrap()));
  for (const map of maps) {
    map.getCanvas().addEventListener("keydown", ({ key }) => {
      if (key === "Enter") ask(map.getCenter().wrap());
    });
  }
}

function idle() {
  page.dataset.state ??= "drawn";
}

/** What the service tells of a point; lines and points, which no point lies in, from the map. */
async function identify(shown, at, near) {
  const query = { lon: at.lng.toFixed(7), lat: at.lat.toFixed(7), lang };
  const parts = shown.map(async ({ layer, description }, n) => {
    try {
      const found = await read(layer.at("/point", query));
      if (found.features) found.features.unshift(...near[n]);
      return describe(found, description, lang);
    } catch (error) {
      return element("p", { class: "warning" }, `${words.failed}: ${error.message}`);
    }
  });
  return element("div", { class: "found" }, ...(await Promise.all(parts)));
}
