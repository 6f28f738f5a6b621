import { describe, expect, it } from "vitest";
import { maps } from "../../kit/map/testing";
import { cellsOf, open, screen, serve, waitFor, withHeaders } from "../../kit/testing";
import Monitoring from "./monitoring";
import { alert, around, newest, PROPERTIES, rule, station } from "./testing";

const member = { scopes: ["read"] } as const;
const selected = () => screen.getByRole("tab", { selected: true }).textContent;
const yd = station("yd", 118.1, 24.48);

describe("monitoring", () => {
  it("begins with the stations, for everybody", async () => {
    serve(around([yd], [newest("yd")]));
    open(<Monitoring />);
    expect(selected()).toBe("Stations");
    expect(await cellsOf("Stations")).toHaveLength(1);
    await waitFor(() => expect(maps).toHaveLength(1));
  });
  it.each(["alerts", "cases", "rules"])(
    "asks the public to sign in for %s, and the service for nothing",
    (tab) => {
      const sent = serve({});
      open(<Monitoring />, { query: `tab=${tab}`, lang: "zh" });
      expect(screen.getByText("登录后可以查看。")).toBeTruthy();
      expect(sent).toEqual([]);
    },
  );
  it("goes from the inbox to an alert, to its station's chart, and back to the stations", async () => {
    serve({
      ...around([yd], [newest("yd")]),
      "GET /alerts": { alerts: [alert()], links: [] },
      "GET /alerts/9": withHeaders(alert({ events: [] }), { ETag: '"1"' }),
      "GET /alert-rules": { rules: [rule()], links: [] },
      "GET /collections/stations/items/yd": yd,
      "GET /observations": ({ query }) => ({
        observations: query.has("latest") ? [newest("yd")] : [],
        links: [],
      }),
    });
    const hands = open(<Monitoring />, { ...member, query: "tab=alerts" });
    await hands.click(await screen.findByRole("button", { name: "Yuandang" }));
    expect(location.search).toBe("?tab=alerts&alert=9");
    await hands.click(await screen.findByRole("button", { name: "Chart of the station" }));
    expect(location.search).toBe("?tab=stations&station=yd&property=do");
    expect(await screen.findByRole("heading", { name: "Station yd" })).toBeTruthy();
    await hands.click(screen.getByRole("button", { name: "Back" }));
    expect(location.search).toBe("?tab=stations");
    await waitFor(async () => expect(await cellsOf("Stations")).toHaveLength(1));
    await waitFor(() => expect(maps).toHaveLength(1));
  });
  it("opens at the part that a link names, and moves by arrows", async () => {
    serve({
      ...around([yd], []),
      "GET /alert-rules": { rules: [], links: [] },
      "GET /observations/refused": { days: 7, refused: [], links: [] },
    });
    const hands = open(<Monitoring />, { ...member, query: "tab=health" });
    expect(await cellsOf("Feeds")).toHaveLength(1);
    screen.getByRole("tab", { name: "Feeds" }).focus();
    await hands.keyboard("{ArrowLeft}");
    expect(selected()).toBe("Rules");
    expect(await screen.findByText("There are no rules yet.")).toBeTruthy();
    expect(location.search).toBe("?tab=rules");
  });
  it("goes from a silent feed to its station", async () => {
    serve({
      ...around([yd], [newest("yd", { gap: true })]),
      "GET /properties": PROPERTIES,
      "GET /collections/stations/items/yd": yd,
      "GET /observations": ({ query }) => ({
        observations: query.has("latest") ? [newest("yd", { gap: true })] : [],
        links: [],
      }),
    });
    const hands = open(<Monitoring />, { query: "tab=health" });
    await hands.click(await screen.findByRole("button", { name: "Station yd" }));
    expect((await cellsOf("Newest values"))[0]?.at(-1)).toBe("silent");
    expect(selected()).toBe("Stations");
  });
});
