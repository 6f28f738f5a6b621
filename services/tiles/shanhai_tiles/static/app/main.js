// The viewer page: reads the layer named by its own address and shows it.

import { byId, element } from "./dom.js";
import { wordsIn } from "./i18n.js";
import { showPanel } from "./panel.js";
import { describe } from "./popup.js";
import { description, ofLayer, read } from "./service.js";

const page = document.documentElement;
/** @type {import("./i18n.js").Lang} */
let lang = page.dataset.lang === "zh" ? "zh" : "en";

try {
  await start();
} catch (error) {
  fail(error);
}

/** Say in the card that something could not be read: a map with a hole must not look complete. */
function fail(error) {
  page.dataset.state = "failed";
  byId("hint").textContent = `${wordsIn(lang).failed}: ${error.message}`;
}

async function start() {
  const layer = await description();
  showPanel(layer, lang);
  const map = "drawable" in page.dataset ? await drawMap(layer) : null;
  byId("language").addEventListener("click", () => switchLanguage(layer, map));
}

async function drawMap(layer) {
  const [{ createMap, showPopup }, style, regions] = await Promise.all([
    import("./map.js"),
    read(ofLayer("style.json")),
    read(new URL("../regions/style.json", location.href)),
  ]);
  const map = createMap(byId("map"), layer, style, regions, lang);
  map.on("error", ({ error }) => fail(error));
  map.once("idle", () => {
    page.dataset.state ??= "drawn";
  });
  map.on("click", async ({ lngLat }) => {
    const { lng, lat } = lngLat.wrap();
    showPopup(map, [lng, lat], await identify(lng, lat));
  });
  return map;
}

async function identify(lon, lat) {
  const query = { lon: lon.toFixed(7), lat: lat.toFixed(7) };
  try {
    return describe(await read(ofLayer("point", query)), lang);
  } catch (error) {
    return element("p", {}, `${wordsIn(lang).failed}: ${error.message}`);
  }
}

async function switchLanguage(layer, map) {
  lang = lang === "zh" ? "en" : "zh";
  const url = new URL(location.href);
  url.searchParams.set("lang", lang);
  history.replaceState(null, "", url);
  showPanel(layer, lang);
  if (map) {
    const { setMapLanguage } = await import("./map.js");
    setMapLanguage(map, lang);
  }
}
