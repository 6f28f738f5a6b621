import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import { maps } from "../../kit/map/testing";
import {
  type Answer,
  fireEvent,
  open,
  refused,
  screen,
  waitFor,
  withHeaders,
  within,
} from "../../kit/testing";
import { Notices } from "../../kit/ui";
import type { SchemeMembers } from "./schemes";
import { APPROVER, collection, PLANNER, scheme, topology, zoned } from "./testing";
import Zones from "./zones";

const ITEM = "/collections/zone_schemes/items/xm";

/** The tab of approval on a version of a state; the service takes each step. */
async function approval(
  status: string,
  who: { scopes: readonly Schema<"Scope">[]; roles: readonly Schema<"RoleHeld">[] },
  answers: Record<string, Answer> = {},
  change: Partial<SchemeMembers> = {},
) {
  let present = scheme(2, status, change);
  const sent = zoned([present], {
    "GET /collections/zone_schemes/items": () => collection([present]),
    [`GET ${ITEM}`]: () => withHeaders(present, { ETag: `"${present.properties.status}"` }),
    [`PATCH ${ITEM}`]: ({ body }) => {
      const { properties } = body as { properties: Partial<SchemeMembers> };
      present = { ...present, properties: { ...present.properties, ...properties } };
      return withHeaders(present, { ETag: '"next"' });
    },
    ...answers,
  });
  const hands = open(
    <>
      <Zones />
      <Notices />
    </>,
    { ...who, query: "tab=approve&scheme=xm@2" },
  );
  await screen.findByRole("heading", { name: "State" });
  return { hands, writes: () => sent.filter(({ method }) => method === "PATCH"), sent };
}
const step = (name: string) => screen.findByRole("button", { name });
const steps = () => {
  const panel = screen.getByRole("heading", { name: "State" }).closest("section") as HTMLElement;
  return within(panel)
    .queryAllByRole("button")
    .map(({ textContent }) => textContent);
};

describe("the way to approval", () => {
  it("begins with the planner, on the state that was read", async () => {
    const { hands, writes } = await approval("draft", PLANNER);
    await hands.click(await step("Submit for review"));
    expect(await screen.findByText("Version 2: in review")).toBeTruthy();
    expect(writes()[0]?.body).toEqual({ properties: { status: "review" } });
    expect(writes()[0]?.headers.get("If-Match")).toBe('"draft"');
    expect(writes()[0]?.query.get("version")).toBe("2");
    await waitFor(() => expect(steps()).toEqual(["Send back"]));
  });
  it("goes on with the approver, from approval to publishing", async () => {
    const { hands, writes } = await approval("review", APPROVER);
    await hands.click(await step("Approve"));
    await hands.click(await step("Publish"));
    await screen.findByText("Version 2: in force");
    expect(writes().map(({ body }) => body)).toEqual([
      { properties: { status: "approved" } },
      { properties: { status: "published" } },
    ]);
    await waitFor(() => expect(steps()).toEqual([]));
    expect(screen.getByText("There is no step for you to take.")).toBeTruthy();
  });
  it.each([
    ["draft", APPROVER],
    ["published", APPROVER],
    ["superseded", PLANNER],
  ])("ends for some: a version %s", async (status, who) => {
    await approval(status, who);
    expect(steps()).toEqual([]);
  });
  it("is the approver's of this region alone", async () => {
    await approval("review", {
      scopes: ["read", "write"],
      roles: [{ role: "approver", region: "banan" }],
    });
    expect(steps()).toEqual([]);
  });
  it("decides on nothing unseen: what changed since it was looked at is shown first", async () => {
    let state = '"seen"';
    const { hands, writes, sent } = await approval("review", APPROVER, {
      [`GET ${ITEM}`]: () => withHeaders(scheme(2, "review"), { ETag: state }),
      [`PATCH ${ITEM}`]: ({ headers }) =>
        headers.get("If-Match") === state
          ? withHeaders(scheme(2, "approved"), { ETag: state })
          : refused(412, "it has changed since it was read"),
    });
    await screen.findByText("no gap, no overlap");
    // Sent back, redrawn and submitted again by somebody else.
    state = '"redrawn"';
    const reads = () => sent.filter(({ path }) => path === "/collections/zones/items").length;
    const before = reads();
    await hands.click(await step("Approve"));
    expect((await screen.findByRole("alert")).textContent).toContain("has changed since");
    await waitFor(() => expect(reads()).toBeGreaterThan(before));
    await hands.click(await step("Approve"));
    await waitFor(() => expect(writes()).toHaveLength(2));
    expect(writes().map(({ headers }) => headers.get("If-Match"))).toEqual(['"seen"', state]);
  });
  it("can be gone back", async () => {
    const { hands, writes } = await approval("approved", PLANNER);
    await hands.click(await step("Send back"));
    await waitFor(() => expect(writes()[0]?.body).toEqual({ properties: { status: "draft" } }));
    expect(await step("Submit for review")).toBeTruthy();
  });
  it("is gone by the keyboard", async () => {
    const { hands, writes } = await approval("review", APPROVER);
    (await step("Approve")).focus();
    await hands.keyboard("{Enter}");
    await waitFor(() => expect(writes()).toHaveLength(1));
  });
});

describe("publishing", () => {
  it("says from when, and why there are gaps", async () => {
    const { hands, writes } = await approval("approved", APPROVER);
    fireEvent.input(screen.getByLabelText("Valid from"), { target: { value: "2026-07-01" } });
    await hands.type(screen.getByLabelText("Reason for gaps"), "the islets are the sea's");
    await hands.click(await step("Publish"));
    await waitFor(() =>
      expect(writes()[0]?.body).toEqual({
        properties: {
          status: "published",
          valid_from: "2026-07-01",
          gap_reason: "the islets are the sea's",
        },
      }),
    );
  });
  it("has the reason that was given before; going back sends none of it", async () => {
    const { hands, writes } = await approval("approved", APPROVER, {}, { gap_reason: "islets" });
    expect(screen.getByLabelText<HTMLTextAreaElement>("Reason for gaps").value).toBe("islets");
    await hands.click(await step("Send back"));
    await waitFor(() => expect(writes()[0]?.body).toEqual({ properties: { status: "draft" } }));
  });
  it("asks no planner for a day", async () => {
    await approval("approved", PLANNER);
    expect(screen.queryByLabelText("Valid from")).toBeNull();
  });
  it.each([
    [400, "0.8 % of the region is uncovered: give gap_reason"],
    [403, "one of the roles approver is needed for this region"],
    [409, "its plan is not in force yet"],
    [412, "it was changed in the meantime"],
  ])("that is refused with %s says why, and keeps what was typed", async (status, detail) => {
    const { hands } = await approval("approved", APPROVER, {
      [`PATCH ${ITEM}`]: refused(status, detail),
    });
    await hands.type(screen.getByLabelText("Reason for gaps"), "islets");
    await hands.click(await step("Publish"));
    expect((await screen.findByRole("alert")).textContent).toContain(detail);
    expect(screen.getByLabelText<HTMLTextAreaElement>("Reason for gaps").value).toBe("islets");
    expect((await step("Publish")).hasAttribute("disabled")).toBe(false);
  });
});

describe("coverage", () => {
  const holes = topology({
    valid: false,
    gap_area_km2: 0.8,
    gap_percent: 0.8,
    overlap_area_km2: 0.0123,
    gaps: Array.from({ length: 12 }, (_, n) => ({
      area_km2: 0.12 - n / 100,
      point: [118 + n / 100, 24.5],
    })),
  });
  it("is told to be whole", async () => {
    await approval("draft", PLANNER);
    expect(await screen.findByText("no gap, no overlap")).toBeTruthy();
  });
  it("shows the largest gaps, and leads to them", async () => {
    const { hands } = await approval("draft", PLANNER, { "GET /zone-schemes/xm/topology": holes });
    expect(await screen.findByText("gaps or overlaps")).toBeTruthy();
    expect(screen.getByText("0.8000 km² · 0.80%")).toBeTruthy();
    expect(screen.getByText("0.0123 km²")).toBeTruthy();
    const gaps = screen.getAllByRole("button", { name: /^Gap/ });
    expect(gaps).toHaveLength(8);
    await waitFor(() => expect(maps).toHaveLength(1));
    await hands.click(gaps[1] as HTMLElement);
    expect(maps[0]?.bounds[0]).toEqual([118.01, 24.5]);
  });
  it("says nothing of shares where nobody has drawn the region", async () => {
    await approval("draft", PLANNER, {
      "GET /zone-schemes/xm/topology": topology({ gap_percent: null, region_area_km2: null }),
    });
    await screen.findByText("no gap, no overlap");
    expect(screen.getByText("Gaps").nextElementSibling?.textContent).toBe("0.0000 km²");
  });
  it("is checked again on demand", async () => {
    let mended = false;
    const { hands } = await approval("draft", PLANNER, {
      "GET /zone-schemes/xm/topology": () => (mended ? topology() : holes),
    });
    await screen.findByText("gaps or overlaps");
    mended = true;
    await hands.click(screen.getByRole("button", { name: "Check again" }));
    expect(await screen.findByText("no gap, no overlap")).toBeTruthy();
  });
});
