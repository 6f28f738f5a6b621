/** One map: layers of the tile service over a quiet ground, and what a screen draws on top. */

import {
  AttributionControl,
  type ExpressionSpecification,
  type FilterSpecification,
  type GeoJSONSource,
  type LayerSpecification,
  type LngLatBoundsLike,
  Map as MapLibre,
  NavigationControl,
  ScaleControl,
  setWorkerUrl,
} from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import "maplibre-gl/dist/maplibre-gl.css";
import type { FeatureCollection } from "geojson";
import { Fault } from "../api";
import { BASEMAPS_CREDIT, TILES } from "../page";
import { lang, t } from "../words";
import type { Background } from "./background";
import {
  type Bounds,
  credentials,
  credited,
  describeLayer,
  filterOf,
  keyOf,
  type Shown,
  styleOf,
} from "./layers";

setWorkerUrl(workerUrl);

const PAPER_RATIO = 2;
const FONT = ["sans-serif"];
const INK = "#33444d";
const GROUND = "ground";
const LAND = "land";
const BACKGROUND = "background:";
const OUTLINES = ["districts", "cities", "city-names", "district-names"] as const;
const OVERLAY = "overlay";
const NOTHING: FeatureCollection = { type: "FeatureCollection", features: [] };
const OPACITY: Partial<Record<LayerSpecification["type"], string[]>> = {
  fill: ["fill-opacity"],
  line: ["line-opacity"],
  circle: ["circle-opacity", "circle-stroke-opacity"],
  raster: ["raster-opacity"],
  symbol: ["text-opacity", "icon-opacity"],
};

export interface Told {
  /** A layer or tile could not be had. */
  fail: (why: unknown) => void;
}

/** Fold the credits until somebody opens them. The control opens by itself when the first ones
 * come, unless it is compact already: open, it lies over the lower part of a small map. */
export function foldCredits(container: HTMLElement): void {
  const credits = container.querySelector("details.maplibregl-ctrl-attrib");
  credits?.classList.add("maplibregl-compact");
  credits?.classList.remove("maplibregl-compact-show");
  credits?.removeAttribute("open");
}

/** A map in a box of the page. */
export class MapPane {
  readonly map: MapLibre;
  private readonly shown = new Map<string, { own: LayerSpecification[]; sources: string[] }>();
  private wanted: readonly Shown[] = [];
  private begun = false;
  private scaleWidth = "";
  private busy: Promise<void> = Promise.resolve();

  constructor(container: HTMLElement, bounds: Bounds, told: Told) {
    this.map = new MapLibre({
      container,
      bounds: bounds as LngLatBoundsLike,
      fitBoundsOptions: { padding: 24 },
      style: {
        version: 8,
        sources: { [OVERLAY]: { type: "geojson", data: NOTHING } },
        layers: [
          { id: GROUND, type: "background", paint: { "background-color": "#e6ecef" } },
          ...overlay(),
        ],
      },
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      maxZoom: 19,
      locale: controls(),
      transformRequest: (url) => ({
        url,
        headers: { "Accept-Language": lang.peek() },
        ...(url.startsWith(TILES) ? { credentials: credentials() } : {}),
      }),
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.addControl(new AttributionControl({ compact: true }));
    foldCredits(container);
    this.map.addControl(new NavigationControl({ showCompass: false }), "top-right");
    this.map.addControl(new ScaleControl({ unit: "metric" }), "bottom-left");
    this.map.getCanvas().setAttribute("aria-label", t("地图", "Map"));
    this.map.on("error", ({ error, ...event }) => {
      const ofBackground = "sourceId" in event && String(event.sourceId).startsWith(BACKGROUND);
      const words = t("底图暂时无法显示", "The background map cannot be shown for now");
      told.fail(ofBackground ? new Fault(0, words) : error);
    });
    this.map.once("load", () => {
      this.begun = true;
    });
    this.map.once("load", () => this.outlineRegions().catch(told.fail));
    addEventListener("beforeprint", this.picture);
    addEventListener("afterprint", this.unpicture);
  }

  /** Act once the map has its style; a style that is being added to is not "loaded" for a while,
   * and "load" is told once alone. */
  whenReady(act: () => void): void {
    if (this.begun || this.map.isStyleLoaded()) act();
    else this.map.once("load", act);
  }

  /** Show these layers, the first at the bottom; those that are shown already stay.
   * @throws Fault where one could not be had; the others are shown all the same. */
  show(layers: readonly Shown[]): Promise<void> {
    this.wanted = layers;
    const settled = this.busy.then(() => this.settle(layers));
    // A layer that cannot be had does not keep later ones away.
    this.busy = settled.catch(() => {});
    return settled;
  }

  private async settle(layers: readonly Shown[]): Promise<void> {
    if (this.wanted !== layers) return;
    await new Promise<void>((resolve) => this.whenReady(resolve));
    const keys = new Set(layers.map(keyOf));
    for (const [key, { own, sources }] of this.shown) {
      if (keys.has(key)) continue;
      for (const { id } of own) this.map.removeLayer(id);
      for (const id of sources) this.map.removeSource(id);
      this.shown.delete(key);
    }
    const missing: unknown[] = [];
    for (const one of layers) {
      if (!this.shown.has(keyOf(one))) await this.add(one).catch((why) => missing.push(why));
    }
    const above = this.map.getLayer("districts") ? "districts" : "overlay-fill";
    for (const one of layers) {
      const own = this.shown.get(keyOf(one))?.own ?? [];
      for (const layer of own) {
        this.map.moveLayer(layer.id, above);
        this.fade(layer, one.opacity ?? 1);
      }
      await this.narrow(own, one).catch((why) => missing.push(why));
    }
    if (missing.length) throw missing[0];
  }

  private async add(one: Shown): Promise<void> {
    const key = keyOf(one);
    const style = await styleOf(one);
    const rename = (id: string) => `${key}#${id}`;
    for (const [id, source] of Object.entries(style.sources)) {
      this.map.addSource(rename(id), credited(source));
    }
    const own = style.layers.map((layer) => {
      const source = "source" in layer ? { source: rename(layer.source as string) } : {};
      return { ...layer, id: rename(layer.id), ...source } as LayerSpecification;
    });
    for (const layer of own) this.map.addLayer(layer, "overlay-fill");
    this.shown.set(key, { own, sources: Object.keys(style.sources).map(rename) });
  }

  /** Draw only the classes that are not hidden, names of features included. */
  private async narrow(own: readonly LayerSpecification[], one: Shown): Promise<void> {
    const only = one.hidden?.length ? filterOf(await describeLayer(one), one.hidden) : null;
    for (const layer of own) {
      if (layer.type === "raster" || !("source" in layer)) continue;
      const usual = "filter" in layer ? layer.filter : undefined;
      const both = usual && only ? (["all", usual, only] as FilterSpecification) : (only ?? usual);
      this.map.setFilter(layer.id, both ?? null);
    }
  }

  private fade(layer: LayerSpecification, opacity: number): void {
    for (const property of OPACITY[layer.type] ?? []) {
      const paint = (layer.paint ?? {}) as Record<string, unknown>;
      const usual = typeof paint[property] === "number" ? (paint[property] as number) : 1;
      this.map.setPaintProperty(layer.id, property as "fill-opacity", usual * opacity);
    }
  }

  /** Show a background below everything but the ground, or none. */
  lay(background: Background | null): void {
    this.whenReady(() => {
      for (const { id } of this.map.getStyle().layers) {
        if (!id.startsWith(BACKGROUND)) continue;
        this.map.removeLayer(id);
        this.map.removeSource(id);
      }
      if (!background) return;
      const above = this.map.getStyle().layers.find(({ id }) => id !== GROUND && id !== LAND)?.id;
      for (const layer of background.layers) {
        const id = `${BACKGROUND}${layer}`;
        this.map.addSource(id, {
          type: "raster",
          tiles: [`${TILES}/basemaps/${layer}/{z}/{x}/{y}`],
          tileSize: 256,
          minzoom: 1,
          maxzoom: background.deepest,
          attribution: BASEMAPS_CREDIT,
        });
        this.map.addLayer({ id, type: "raster", source: id }, above);
      }
    });
  }

  /** What a screen draws itself: each feature in the `color` of its properties. */
  draw(features: FeatureCollection | null): void {
    const put = () => this.map.getSource<GeoJSONSource>(OVERLAY)?.setData(features ?? NOTHING);
    this.whenReady(put);
  }

  /** Go where all of a box is in sight. */
  fit(bounds: Bounds): void {
    this.map.fitBounds(bounds as LngLatBoundsLike, { padding: 40, maxZoom: 16, duration: 0 });
  }

  /** Take the map away. */
  remove(): void {
    removeEventListener("beforeprint", this.picture);
    removeEventListener("afterprint", this.unpicture);
    this.map.remove();
  }

  /** Lay a picture of the map over it, for paper alone: a canvas of WebGL is empty there. */
  private readonly picture = () => {
    const container = this.map.getContainer();
    const usual = this.map.getPixelRatio();
    // Paper has more dots to the inch than most screens.
    this.map.setPixelRatio(Math.max(usual, PAPER_RATIO));
    this.map.redraw();
    const drawn = this.map.getCanvas();
    const copy = document.createElement("canvas");
    copy.className = "picture";
    copy.width = drawn.width;
    copy.height = drawn.height;
    copy.getContext("2d")?.drawImage(drawn, 0, 0);
    this.map.setPixelRatio(usual);
    container.prepend(copy);
    container.style.setProperty("--aspect", String(drawn.width / Math.max(1, drawn.height)));
    const scale = this.scale();
    if (!scale) return;
    // The picture is as wide as paper lets it be, and the scale grows with it.
    this.scaleWidth = scale.style.width;
    scale.style.width = `${(100 * scale.offsetWidth) / Math.max(1, container.clientWidth)}%`;
  };

  private readonly unpicture = () => {
    for (const copy of this.map.getContainer().querySelectorAll(".picture")) copy.remove();
    const scale = this.scale();
    if (scale) scale.style.width = this.scaleWidth;
  };

  private scale(): HTMLElement | null {
    return this.map.getContainer().querySelector(".maplibregl-ctrl-scale");
  }

  /** Outlines and names of the regions, above the layers; the outlines below what is drawn. */
  private async outlineRegions(): Promise<void> {
    const style = await styleOf({ name: "regions" });
    const source = style.sources.regions;
    if (!source || this.map.getSource("regions")) return;
    this.map.addSource("regions", credited(source));
    const fine = levels("district", "street", "town");
    const whole = levels("province", "city");
    const from = { source: "regions", "source-layer": "regions" };
    const line = (id: string, filter: FilterSpecification, width: ExpressionSpecification) =>
      ({
        id,
        ...from,
        type: "line",
        filter,
        paint: { "line-color": INK, "line-width": width },
      }) as LayerSpecification;
    const name = (id: string, filter: FilterSpecification, zooms: object, size: number) =>
      ({
        id,
        ...from,
        "source-layer": "regions_labels",
        type: "symbol",
        filter,
        ...zooms,
        layout: {
          "text-field": ["get", `name_${lang.peek()}`],
          "text-font": FONT,
          "text-size": size,
        },
        paint: { "text-color": "#1f2d34", "text-halo-color": "#ffffff", "text-halo-width": 1.8 },
      }) as LayerSpecification;
    const drawn: LayerSpecification[] = [
      line(OUTLINES[0], fine, ["interpolate", ["linear"], ["zoom"], 7, 0.5, 12, 1.4]),
      line(OUTLINES[1], whole, ["interpolate", ["linear"], ["zoom"], 5, 0.8, 12, 2.2]),
      name(OUTLINES[2], whole, { maxzoom: 8.5 }, 15),
      name(OUTLINES[3], fine, { minzoom: 8.5 }, 13),
    ];
    for (const layer of drawn) {
      // Names stay readable over the areas that a screen draws.
      this.map.addLayer(layer, layer.type === "symbol" ? "overlay-point" : "overlay-fill");
    }
    const land = { id: LAND, ...from, type: "fill", paint: { "fill-color": "#f8f7f2" } };
    const lowest = this.map.getStyle().layers[1]?.id;
    this.map.addLayer(land as LayerSpecification, lowest);
  }
}

const levels = (...named: string[]): ExpressionSpecification => [
  "in",
  ["get", "level"],
  ["literal", named],
];

/** Layers of what screens draw: areas, lines and points in colours of their own. */
function overlay(): LayerSpecification[] {
  const color: ExpressionSpecification = ["coalesce", ["get", "color"], "#c2185b"];
  const kind = (...types: string[]): FilterSpecification => [
    "in",
    ["geometry-type"],
    ["literal", types],
  ];
  return [
    {
      id: "overlay-fill",
      type: "fill",
      source: OVERLAY,
      filter: kind("Polygon", "MultiPolygon"),
      paint: { "fill-color": color, "fill-opacity": ["coalesce", ["get", "opacity"], 0.25] },
    },
    {
      id: "overlay-line",
      type: "line",
      source: OVERLAY,
      filter: kind("Polygon", "MultiPolygon", "LineString", "MultiLineString"),
      paint: { "line-color": color, "line-width": ["coalesce", ["get", "width"], 2.5] },
    },
    {
      id: "overlay-point",
      type: "circle",
      source: OVERLAY,
      filter: kind("Point", "MultiPoint"),
      paint: {
        "circle-color": color,
        "circle-radius": ["coalesce", ["get", "radius"], 6],
        "circle-stroke-color": "#ffffff",
        "circle-stroke-width": 1.5,
      },
    },
    {
      id: "overlay-name",
      type: "symbol",
      source: OVERLAY,
      filter: ["has", "label"],
      layout: {
        "text-field": ["get", "label"],
        "text-font": FONT,
        "text-size": 12,
        "text-offset": [0, 1.1],
        "text-anchor": "top",
        "text-optional": true,
      },
      paint: { "text-color": "#1f2d34", "text-halo-color": "#ffffff", "text-halo-width": 1.6 },
    },
  ];
}

function controls(): Record<string, string> {
  return {
    "NavigationControl.ZoomIn": t("放大", "Zoom in"),
    "NavigationControl.ZoomOut": t("缩小", "Zoom out"),
    "AttributionControl.ToggleAttribution": t("来源", "Sources"),
    "ScaleControl.Meters": t("米", "m"),
    "ScaleControl.Kilometers": t("公里", "km"),
    "Map.Title": t("地图", "Map"),
  };
}
