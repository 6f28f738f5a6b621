import { expect, it } from "vitest";
import { foldCredits } from "./engine";

it("credits are folded, and stay so when the first ones come", () => {
  const container = document.createElement("div");
  container.innerHTML =
    '<details open class="maplibregl-ctrl-attrib maplibregl-compact-show"></details>';
  foldCredits(container);
  const credits = container.querySelector("details");
  expect(credits?.open).toBe(false);
  // The control opens itself as soon as it becomes compact: it is already.
  expect([...(credits?.classList ?? [])]).toEqual(["maplibregl-ctrl-attrib", "maplibregl-compact"]);
});
