/** A map without pictures for tests of screens: it keeps what it was told, in place of MapLibre. */

import type { FeatureCollection } from "geojson";

type Handler = (event: never) => void;
type Layer = {
  id: string;
  source?: string;
  paint?: Record<string, unknown>;
  filter?: unknown;
};
type Corner = [number, number];

/** The maps of the page, the newest last. */
export const maps: StillMap[] = [];

class Source {
  constructor(
    readonly given: object,
    public data: FeatureCollection | null = null,
  ) {}
  setData(data: FeatureCollection): void {
    this.data = data;
  }
}

/** Stands where MapLibre's `Map` is; a degree is a hundred pixels. */
export class StillMap {
  readonly handlers = new Map<string, Handler[]>();
  readonly sources = new Map<string, Source>();
  layers: Layer[];
  bounds: [Corner, Corner] = [
    [0, 0],
    [0, 0],
  ];
  removed = false;
  /** What MapLibre has as long as the map stands. */
  style: object | undefined = {};
  readonly touchZoomRotate = { disableRotation() {}, enable() {}, disable() {} };
  readonly doubleClickZoom = { enable() {}, disable() {} };
  readonly dragPan = { enable() {}, disable() {}, isEnabled: () => true };
  readonly dragRotate = { enable() {}, disable() {}, isEnabled: () => false };
  /** What lies under the pointer, as a click finds it. */
  rendered: { properties: Record<string, unknown> }[] = [];
  private readonly canvas = document.createElement("canvas");

  constructor(readonly options: { container: HTMLElement; bounds: unknown; style: never }) {
    const { sources, layers } = options.style as {
      sources: Record<string, object>;
      layers: Layer[];
    };
    for (const [id, source] of Object.entries(sources)) this.sources.set(id, new Source(source));
    this.layers = [...layers];
    this.fitBounds(options.bounds as [number, number, number, number]);
    options.container.append(this.canvas);
    maps.push(this);
    queueMicrotask(() => this.fire("load"));
  }
  on(name: string, handler: Handler): this {
    this.handlers.set(name, [...(this.handlers.get(name) ?? []), handler]);
    return this;
  }
  once(name: string, handler?: Handler): this | Promise<void> {
    if (!handler) return Promise.resolve();
    const once = (event: never) => {
      this.off(name, once);
      handler(event);
    };
    return this.on(name, once);
  }
  off(name: string, handler: Handler): this {
    this.handlers.set(
      name,
      (this.handlers.get(name) ?? []).filter((one) => one !== handler),
    );
    return this;
  }
  /** What a browser would tell, such as a click at a place. */
  fire(name: string, event: object = {}): void {
    for (const handler of [...(this.handlers.get(name) ?? [])]) handler(event as never);
  }
  /** Click at a place. */
  click(lon: number, lat: number): void {
    const lngLat = { lng: lon, lat, wrap: () => ({ lng: lon, lat }) };
    this.fire("click", { lngLat, point: this.project([lon, lat]) });
  }
  loaded(): boolean {
    return true;
  }
  isStyleLoaded(): boolean {
    return true;
  }
  areTilesLoaded(): boolean {
    return true;
  }
  addSource(id: string, source: object): void {
    if (this.sources.has(id)) throw new Error(`There is already a source with ID "${id}".`);
    this.sources.set(id, new Source(source));
  }
  getSource(id: string): Source | undefined {
    return this.sources.get(id);
  }
  removeSource(id: string): void {
    this.sources.delete(id);
  }
  addLayer(layer: Layer, before?: string): void {
    this.layers.splice(this.place(before), 0, layer);
  }
  getLayer(id: string): Layer | undefined {
    return this.layers.find((layer) => layer.id === id);
  }
  moveLayer(id: string, before?: string): void {
    const layer = this.getLayer(id);
    if (!layer) throw new Error(`There is no layer "${id}".`);
    this.removeLayer(id);
    this.layers.splice(this.place(before), 0, layer);
  }
  removeLayer(id: string): void {
    this.layers = this.layers.filter((layer) => layer.id !== id);
  }
  private place(before?: string): number {
    const at = this.layers.findIndex(({ id }) => id === before);
    return at < 0 ? this.layers.length : at;
  }
  setPaintProperty(id: string, name: string, value: unknown): void {
    const layer = this.getLayer(id);
    if (layer) layer.paint = { ...layer.paint, [name]: value };
  }
  setLayoutProperty(): void {}
  setFilter(id: string, filter: unknown): void {
    const layer = this.getLayer(id);
    if (!layer) throw new Error(`There is no layer "${id}".`);
    this.layers = this.layers.map((one) => (one === layer ? { ...one, filter } : one));
  }
  getStyle() {
    return { layers: this.layers, sources: Object.fromEntries(this.sources) };
  }
  fitBounds(bounds: [number, number, number, number] | [Corner, Corner]): void {
    this.bounds =
      bounds.length === 4
        ? [
            [bounds[0], bounds[1]],
            [bounds[2], bounds[3]],
          ]
        : bounds;
    this.fire("moveend");
  }
  jumpTo(): void {}
  easeTo(): void {}
  flyTo(): void {}
  resize(): void {}
  /** How often it drew a frame at once, and with how many dots to a pixel of the page. */
  redrawn: number[] = [];
  private ratio = 1;
  redraw(): this {
    this.redrawn.push(this.ratio);
    return this;
  }
  getPixelRatio(): number {
    return this.ratio;
  }
  setPixelRatio(ratio: number): void {
    this.ratio = ratio;
  }
  getBounds() {
    const [[west, south], [east, north]] = this.bounds;
    return {
      getWest: () => west,
      getSouth: () => south,
      getEast: () => east,
      getNorth: () => north,
      toArray: () => this.bounds,
      contains: ([lon, lat]: Corner) => lon >= west && lon <= east && lat >= south && lat <= north,
    };
  }
  getCenter() {
    const [[west, south], [east, north]] = this.bounds;
    const at = { lng: (west + east) / 2, lat: (south + north) / 2 };
    return { ...at, wrap: () => at };
  }
  getZoom(): number {
    return 10;
  }
  project(at: Corner | { lng: number; lat: number }) {
    const [lon, lat] = Array.isArray(at) ? at : [at.lng, at.lat];
    return { x: lon * 100, y: -lat * 100 };
  }
  unproject(at: Corner | { x: number; y: number }) {
    const [x, y] = Array.isArray(at) ? at : [at.x, at.y];
    return { lng: x / 100, lat: -y / 100 };
  }
  queryRenderedFeatures() {
    return this.rendered;
  }
  getCanvas(): HTMLCanvasElement {
    return this.canvas;
  }
  getContainer(): HTMLElement {
    return this.options.container;
  }
  addControl(): void {}
  removeControl(): void {}
  remove(): void {
    this.removed = true;
    this.style = undefined;
    maps.splice(maps.indexOf(this), 1);
  }
}

class Control {}

export {
  Control as AttributionControl,
  Control as NavigationControl,
  Control as ScaleControl,
  Control as Marker,
  StillMap as Map,
};
export const setWorkerUrl = () => {};
