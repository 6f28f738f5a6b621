// The map: the layer between a quiet ground and the regions' outlines and names.

import {
  AttributionControl,
  Map as MapView,
  NavigationControl,
  Popup,
  ScaleControl,
} from "../vendor/maplibre-gl.mjs";
import { graticule } from "./graticule.js";

const FONT = ["sans-serif"];
const INK = "#33444d";

/**
 * @param {HTMLElement} container
 * @param {Record<string, any>} layer description of the layer
 * @param {Record<string, any>} style its style document
 * @param {Record<string, any>} regions style document of the regions
 * @param {import("./i18n.js").Lang} lang
 */
export function createMap(container, layer, style, regions, lang) {
  const map = new MapView({
    container,
    style: compose(layer, style, regions, lang),
    bounds: layer.bounds,
    fitBoundsOptions: { padding: padding(container) },
    attributionControl: false,
    maxZoom: 18,
    dragRotate: false,
    pitchWithRotate: false,
  });
  map.addControl(new AttributionControl({ compact: false }), "bottom-right");
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new ScaleControl({ unit: "metric" }), "bottom-right");
  map.touchZoomRotate.disableRotation();
  return map;
}

/** Room for the card: beside the map on wide screens, above it on narrow ones. */
function padding(container) {
  const wide = container.clientWidth > 720;
  return { top: 40, right: 50, bottom: 50, left: wide ? 380 : 30 };
}

/** @param {MapView} map @param {import("./i18n.js").Lang} lang */
export function setMapLanguage(map, lang) {
  for (const { id } of nameLayers(lang)) {
    if (map.getLayer(id)) map.setLayoutProperty(id, "text-field", ["get", `name_${lang}`]);
  }
}

/** @param {MapView} map @param {[number, number]} at @param {Node} content */
export function showPopup(map, at, content) {
  return new Popup({ maxWidth: "300px" }).setLngLat(at).setDOMContent(content).addTo(map);
}

function compose(layer, style, regions, lang) {
  const own = style.layers.filter((one) => one.source !== "regions");
  return {
    version: 8,
    sources: {
      ...regions.sources,
      ...style.sources,
      graticule: { type: "geojson", data: graticule(layer.bounds) },
    },
    layers: [...ground(), ...graticuleLayers(), ...own, ...outlines(), ...nameLayers(lang)],
  };
}

function ground() {
  return [
    { id: "sea", type: "background", paint: { "background-color": "#dce8ee" } },
    {
      id: "coast",
      ...ofRegions,
      type: "line",
      paint: { "line-color": "#9fb9c6", "line-width": 14, "line-blur": 12, "line-opacity": 0.55 },
    },
    { id: "land", ...ofRegions, type: "fill", paint: { "fill-color": "#f7f5ef" } },
  ];
}

const ofRegions = { source: "regions", "source-layer": "regions" };

function graticuleLayers() {
  return [
    {
      id: "graticule",
      type: "line",
      source: "graticule",
      paint: { "line-color": "#64808e", "line-width": 0.5, "line-opacity": 0.35 },
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
      paint: { "text-color": "#64808e", "text-halo-color": "#eef3f5", "text-halo-width": 1 },
    },
  ];
}

function outlines() {
  const fine = ["in", ["get", "level"], ["literal", ["district", "street", "town"]]];
  return [
    {
      id: "districts",
      ...ofRegions,
      type: "line",
      filter: fine,
      layout: { "line-join": "round" },
      paint: { "line-color": INK, "line-width": ["interpolate", ["linear"], ["zoom"], 7, 0.5, 12, 1.4] },
    },
    {
      id: "cities",
      ...ofRegions,
      type: "line",
      filter: ["!", fine],
      layout: { "line-join": "round" },
      paint: { "line-color": INK, "line-width": ["interpolate", ["linear"], ["zoom"], 5, 0.8, 12, 2.2] },
    },
  ];
}

function nameLayers(lang) {
  const whole = ["in", ["get", "level"], ["literal", ["province", "city"]]];
  return [
    nameLayer("city-names", whole, lang, { maxzoom: 8.5 }, 15),
    nameLayer("district-names", ["!", whole], lang, { minzoom: 8.5 }, 13),
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
