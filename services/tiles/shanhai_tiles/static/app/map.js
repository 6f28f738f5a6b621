// The maps: a layer each, between a quiet ground and the regions' outlines and names.

import {
  AttributionControl,
  Map as MapView,
  NavigationControl,
  Popup,
  ScaleControl,
} from "../vendor/maplibre-gl.mjs";
import { element } from "./dom.js";
import { graticule } from "./graticule.js";
import { controlsIn, localised } from "./i18n.js";
import { asked, reason } from "./service.js";
import { divide } from "./swipe.js";

const FONT = ["sans-serif"];
const INK = "#33444d";
const WIDE = 720;
const CARD = 372;
const NEAR = 6;

/**
 * One map for one layer; two, one above the other and divided, for two.
 * @param {HTMLElement} container
 * @param {{description: Record<string, any>, style: Record<string, any>}[]} shown
 * @param {Record<string, any> | null} regions style document of the regions
 * @param {import("./i18n.js").Lang} lang
 * @param {{fail: (layer: string, why: string) => void, idle: () => void}} told
 */
export function createMaps(container, shown, regions, lang, told) {
  const { clientWidth, clientHeight } = container;
  const card = clientWidth > WIDE ? CARD : 0;
  const padding = card
    ? { top: 40, right: 50, bottom: 50, left: card }
    : { top: 30, right: 30, bottom: clientHeight / 2, left: 30 };
  const { bounds } = shown[0].description;
  const maps = shown.map(({ description, style }, n) => {
    const view = element("div", { class: "view" });
    container.append(view);
    const map = createMap(view, compose(bounds, style, regions, lang), lang, {
      bounds,
      fitBoundsOptions: { padding },
      // Only the topmost keeps its view in the address: one below would read it half written.
      hash: n === shown.length - 1,
    });
    const title = localised(description, "title", lang);
    map.on("error", async ({ error }) => told.fail(title, await why(error)));
    return map;
  });
  const top = maps.at(-1);
  const sources = shown.map(({ style }) => Object.values(style.sources)[0].attribution);
  addControls(top, [...new Set(sources.filter(Boolean))], card ? "bottom-right" : "top-left");
  if (maps.length > 1) divide(maps, card, lang);
  Promise.all(maps.map((map) => map.once("idle"))).then(told.idle);
  return maps;
}

function createMap(container, style, lang, options) {
  const map = new MapView({
    ...options,
    container,
    style,
    attributionControl: false,
    dragRotate: false,
    locale: controlsIn(lang),
    maxZoom: 18,
    pitchWithRotate: false,
    transformRequest: (url) => asked(url, lang),
  });
  map.touchZoomRotate.disableRotation();
  return map;
}

/** The topmost map has the controls, which then serve both. */
function addControls(map, credits, scale) {
  const folded = new AttributionControl({ compact: true, customAttribution: credits });
  map.addControl(folded);
  map.once("load", () => {
    // It opens by itself, over a foreign map's lower third on a phone.
    map.getContainer().querySelector("details.maplibregl-ctrl-attrib")?.removeAttribute("open");
    map
      .getContainer()
      .querySelector(".maplibregl-ctrl-attrib")
      ?.classList.remove("maplibregl-compact-show");
  });
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new ScaleControl({ unit: "metric" }), scale);
}

/** The service's own words for a tile it refused, else what the browser says. */
function why(error) {
  if (!error.status) return error.message;
  const json = async () => JSON.parse(await error.body.text());
  return reason({ status: error.status, statusText: error.statusText, json });
}

/** @param {MapView[]} maps @param {{lng: number, lat: number}} at @param {Node} content */
export function showPopup(maps, at, content) {
  return new Popup({ maxWidth: "320px" }).setLngLat(at).setDOMContent(content).addTo(maps.at(-1));
}

/** Lines and points within a finger's breadth of a place. */
export function featuresNear(map, style, at) {
  const { x, y } = map.project(at);
  const box = [
    [x - NEAR, y - NEAR],
    [x + NEAR, y + NEAR],
  ];
  const [source] = Object.keys(style.sources);
  const seen = map
    .queryRenderedFeatures(box)
    .filter((one) => one.sourceLayer === source && !one.geometry.type.endsWith("Polygon"));
  return [...new Map(seen.map(({ id, properties }) => [id, properties])).values()];
}

/**
 * The values of a property that the features of a layer have where the map shows them.
 * @param {MapView} map
 * @param {Record<string, any>} style that of the layer
 * @param {string} property
 * @returns {Set<string>}
 */
export function valuesDrawn(map, style, property) {
  const [source] = Object.keys(style.sources);
  const layers = style.layers
    .filter((one) => one["source-layer"] === source && one.type !== "symbol")
    .map((one) => one.id);
  const drawn = map.queryRenderedFeatures({ layers });
  return new Set(drawn.map(({ properties }) => String(properties[property])));
}

function compose(bounds, style, regions, lang) {
  const itself = "regions" in style.sources;
  const around = regions && !itself;
  return {
    version: 8,
    sources: {
      ...(around ? regions.sources : {}),
      ...withoutCredits(style.sources),
      graticule: { type: "geojson", data: graticule(bounds) },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": "#e6ecef" } },
      ...(around || itself ? land() : []),
      ...graticuleLayers(),
      ...style.layers,
      ...(around ? [...outlines(), ...nameLayers(lang)] : []),
    ],
  };
}

/** Credits are told once, for both maps. */
function withoutCredits(sources) {
  const bare = Object.entries(sources).map(([name, { attribution, ...source }]) => [name, source]);
  return Object.fromEntries(bare);
}

const ofRegions = { source: "regions", "source-layer": "regions" };

function land() {
  return [{ id: "land", ...ofRegions, type: "fill", paint: { "fill-color": "#f8f7f2" } }];
}

function graticuleLayers() {
  return [
    {
      id: "graticule",
      type: "line",
      source: "graticule",
      paint: { "line-color": "#64808e", "line-width": 0.5, "line-opacity": 0.4 },
    },
    {
      id: "graticule-name",
      type: "symbol",
      source: "graticule",
      layout: {
        "symbol-placement": "line",
        "symbol-spacing": 500,
        "text-field": ["get", "name"],
        "text-font": FONT,
        "text-size": 10,
      },
      paint: { "text-color": "#4c6470", "text-halo-color": "#eef3f5", "text-halo-width": 1 },
    },
  ];
}

const FINE = ["in", ["get", "level"], ["literal", ["district", "street", "town"]]];
const WHOLE = ["in", ["get", "level"], ["literal", ["province", "city"]]];

function outlines() {
  return [
    outline("districts", FINE, ["interpolate", ["linear"], ["zoom"], 7, 0.5, 12, 1.4]),
    outline("cities", WHOLE, ["interpolate", ["linear"], ["zoom"], 5, 0.8, 12, 2.2]),
  ];
}

function outline(id, filter, width) {
  const paint = { "line-color": INK, "line-width": width };
  return { id, ...ofRegions, type: "line", filter, layout: { "line-join": "round" }, paint };
}

function nameLayers(lang) {
  return [
    nameLayer("city-names", WHOLE, lang, { maxzoom: 8.5 }, 15),
    nameLayer("district-names", FINE, lang, { minzoom: 8.5 }, 13),
  ];
}

function nameLayer(id, filter, lang, zooms, size) {
  return {
    id,
    type: "symbol",
    source: "regions",
    "source-layer": "regions_labels",
    filter,
    ...zooms,
    layout: { "text-field": ["get", `name_${lang}`], "text-font": FONT, "text-size": size },
    paint: { "text-color": "#1f2d34", "text-halo-color": "#ffffff", "text-halo-width": 1.8 },
  };
}
