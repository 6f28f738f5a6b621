import { expect, it } from "vitest";
import { open } from "../testing";
import { BackgroundChoice, background, backgrounds, chosen } from "./background";

it("shows nothing where the operator has named none", () => {
  chosen.value = "vec";
  open(<BackgroundChoice />);
  expect(backgrounds).toEqual([]);
  expect(background.value).toBeNull();
  expect(document.querySelector("select")).toBeNull();
});
