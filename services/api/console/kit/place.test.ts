import { expect, it } from "vitest";
import { within } from "./place";

it("a region's own and those below it belong to it, and its namesakes do not", () =>
  expect(within("xiamen")).toBe("region = 'xiamen' OR region LIKE 'xiamen.%'"));

it("a quote in a code stays a quote", () => expect(within("o'x")).toContain("'o''x'"));
