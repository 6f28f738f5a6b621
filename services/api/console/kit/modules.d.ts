// Libraries that come without types: the little of them that is used.

declare module "shpjs" {
  import type { FeatureCollection } from "geojson";
  /** Layers of a zipped Shapefile, in degrees by its .prj. */
  export default function shp(zip: ArrayBuffer): Promise<FeatureCollection | FeatureCollection[]>;
}

declare module "proj4" {
  export default function proj4(
    from: string,
    to: string,
  ): { forward: (at: [number, number]) => [number, number] };
}

declare module "dxf-parser" {
  interface Vertex {
    x: number;
    y: number;
  }
  interface Entity {
    type: string;
    vertices?: Vertex[];
    position?: Vertex;
    shape?: boolean;
  }
  export default class DxfParser {
    parseSync(text: string): { entities: Entity[] } | null;
  }
}

declare module "*.css";
