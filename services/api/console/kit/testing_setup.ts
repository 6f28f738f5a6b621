/** Before each file of tests: a window as new, and a map without a graphics card.
 *
 * Files share a window and what is loaded into it, which is twice as fast as one for each. Our own
 * modules, and what a page keeps, begin anew.
 */

import { cleanup } from "@testing-library/preact";
import { afterEach, vi } from "vitest";

vi.mock("maplibre-gl", () => import("./map/testing"));
vi.mock("maplibre-gl/dist/maplibre-gl.css", () => ({}));
vi.mock("maplibre-gl/dist/maplibre-gl-worker.mjs?url", () => ({ default: "worker.mjs" }));

vi.resetModules();
vi.useRealTimers();
vi.unstubAllGlobals();
vi.restoreAllMocks();
localStorage.clear();
sessionStorage.clear();
history.replaceState(null, "", "/");
document.head.replaceChildren();
document.body.replaceChildren();
for (const name of document.documentElement.getAttributeNames())
  document.documentElement.removeAttribute(name);

// The library does so by itself in the first file alone.
afterEach(cleanup);
