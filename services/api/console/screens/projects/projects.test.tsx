import { describe, expect, it } from "vitest";
import { plan } from "../../kit/place";
import { act, open, screen, serve } from "../../kit/testing";
import Projects from "./projects";
import { page } from "./testing";

const selected = () => screen.getByRole("tab", { selected: true }).textContent;
const inXiamen = { query: "tab=mines" };
const mines = {
  "GET /mines/stock": { years: [], mine_count: 0, unmeasured: 0 },
  "GET /collections/mines/schema": { properties: {} },
  "GET /collections/mines/items": page([]),
};

describe("projects and indicators", () => {
  it("begin with the register", async () => {
    serve({ "GET /collections/projects/items": page([]) });
    open(<Projects />);
    expect(selected()).toBe("Register");
    expect(await screen.findByText("The region has no projects yet.")).toBeTruthy();
  });
  it("open at the part that the address names, and keep the chosen one there", async () => {
    serve({
      ...mines,
      "GET /balances/entries": { balance_entries: [], links: [] },
      "GET /balances": { balances: [], rules: [], regions: [] },
    });
    const hands = open(<Projects />, inXiamen);
    expect(selected()).toBe("Mines");
    await hands.click(screen.getByRole("tab", { name: "Balances" }));
    expect(location.search).toBe("?tab=balances");
    expect(await screen.findByText("The region has no entries yet.")).toBeTruthy();
  });
  it("ask for the region that one works on", async () => {
    const sent = serve(mines);
    open(<Projects />, inXiamen);
    await screen.findByText("No mines are listed.");
    const stock = sent.filter(({ path }) => path === "/mines/stock");
    expect(stock.map(({ query }) => query.get("region"))).toEqual(["xiamen"]);
  });
  it.each(["indicators", "timetable", "duties"])(
    "ask nothing of %s where the region has no plan",
    async (tab) => {
      const sent = serve({});
      open(<NoPlan />, { query: `tab=${tab}`, lang: "zh" });
      await act(async () => {
        plan.value = "";
      });
      expect(screen.getByText("该区域没有规划。")).toBeTruthy();
      expect(sent).toEqual([]);
    },
  );
});

/** The screen once the region's plan is taken away, before anything is drawn. */
function NoPlan() {
  return plan.value ? null : <Projects />;
}
