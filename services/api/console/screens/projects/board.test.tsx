import { beforeEach, describe, expect, it } from "vitest";
import { open, screen, serve, within } from "../../kit/testing";
import { lang } from "../../kit/words";
import { columnsOf } from "./board";
import Projects from "./projects";
import { feature, IMPLEMENTED, page, schema } from "./testing";

beforeEach(() => {
  lang.value = "en";
});

describe("the columns of the board", () => {
  it("are the states in the order of a project's life; what is beside it and unknown comes last", () => {
    const states = ["own", "cancelled", "closed", "implementation", "draft"];
    const projects = states.map((state, n) => feature(`A${n}`, { state }));
    expect(columnsOf(projects).map(({ state }) => state)).toEqual([
      ...["draft", "implementation", "closed", "cancelled", "own"],
    ]);
  });
  it("sum up what is known of the costs", () => {
    const [some] = columnsOf([
      feature("A1"),
      feature("A2", { cost: "500000.00" }),
      feature("A3", { cost: null }),
    ]);
    expect([some?.cost, some?.projects.length]).toEqual([12_500_000, 3]);
    expect(columnsOf([feature("A1", { cost: null })])[0]?.cost).toBeNull();
  });
});

describe("the board", () => {
  const many = Array.from({ length: 25 }, (_, n) => feature(`P${n}`));
  const served = () =>
    serve({
      "GET /collections/projects/items": page([...many, feature("B2", IMPLEMENTED)]),
      "GET /collections/projects/schema": schema,
    });
  it("has a card for each project that leads to it, and the list for those beyond twenty", async () => {
    served();
    const hands = open(<Projects />);
    await hands.click(await screen.findByRole("button", { name: "Board" }));
    const proposed = within(await screen.findByRole("region", { name: "Proposed" }));
    expect(proposed.getByRole("heading", { name: "Proposed 25" })).toBeTruthy();
    expect(proposed.getAllByRole("link")).toHaveLength(20);
    const implemented = within(screen.getByRole("region", { name: "Implementation" }));
    const link = implemented.getByRole("link", { name: "Project B2" });
    expect(
      new URL(link.getAttribute("href") ?? "", location.origin).searchParams.get("project"),
    ).toBe("B2");
    await hands.click(proposed.getByRole("button", { name: "All 25" }));
    const table = await screen.findByRole("region", { name: "Projects" });
    expect(within(table).getByRole("table").getAttribute("aria-rowcount")).toBe("26");
  });
  it("shows what the filters leave, is kept, and is in Chinese", async () => {
    served();
    const hands = open(<Projects />, { lang: "zh" });
    await hands.click(await screen.findByRole("button", { name: "看板" }));
    await hands.type(screen.getByRole("searchbox"), "B2");
    const board = within(await screen.findByRole("region", { name: "项目看板" }));
    expect(board.getAllByRole("link").map(({ textContent }) => textContent)).toEqual(["B2项目"]);
    expect(board.getByText("2024–2026 · 1,200 万元")).toBeTruthy();
    await hands.click(screen.getByRole("button", { name: "看板" }));
    expect(await screen.findByRole("region", { name: "项目" })).toBeTruthy();
  });
});
