/** Before each file of tests: MapLibre needs a graphics card, and gives way to a map without one. */

import { vi } from "vitest";

vi.mock("maplibre-gl", () => import("./map/testing"));
vi.mock("maplibre-gl/dist/maplibre-gl.css", () => ({}));
vi.mock("maplibre-gl/dist/maplibre-gl-worker.mjs?url", () => ({ default: "worker.mjs" }));
