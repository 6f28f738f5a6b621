import { describe, expect, it } from "vitest";
import { maps } from "../../kit/map/testing";
import { type Answer, open, refused, screen, waitFor, within } from "../../kit/testing";
import { Notices } from "../../kit/ui";
import Compliance from "./compliance";
import type { Request } from "./requests";
import {
  checkButton,
  checked,
  EXECUTION,
  hit,
  REQUESTS,
  refusedCheck,
  request,
  requestsOf,
  SITE,
  serveChecks,
} from "./testing";

const RULE = {
  code: "national.redline.development",
  activity: "tourism",
  legal_basis: "自然资发〔2022〕142号",
  text_zh: "红线内禁止开发",
  text_en: "No development within the line",
};
const held = (role: "planner" | "approver" | "viewer", words: "zh" | "en" = "en") => ({
  lang: words,
  scopes: role === "viewer" ? (["read"] as const) : (["read", "write"] as const),
  roles: [{ role, region: "xiamen" }],
  query: "way=requests",
});

/** The requests on the screen of somebody. */
async function waiting(
  who: ReturnType<typeof held>,
  one: Request = request({ geometry: SITE as never }),
  answers: Record<string, Answer> = {},
) {
  const sent = serveChecks({
    [REQUESTS]: requestsOf(one),
    "GET /compliance/exception-requests/{}": one,
    "GET /control-rules/{}": RULE,
    ...answers,
  });
  const hands = open(
    <>
      <Compliance />
      <Notices />
    </>,
    who,
  );
  const look = async (words = /Ecological red line: Building/) => {
    await hands.click(await screen.findByRole("button", { name: words }));
    const found = await screen.findByRole("region", { name: /^(The chosen request|所选申请)$/ });
    return within(found);
  };
  const written = () =>
    sent.filter(({ method, path }) => method === "POST" && path.includes("exception-requests/"));
  return { hands, sent, look, written };
}

describe("the requests that wait", () => {
  it("are no matter of a viewer", async () => {
    const { sent } = await waiting(held("viewer"));
    expect(screen.queryByRole("tab", { name: "Requests" })).toBeNull();
    expect(screen.getByRole("tab", { name: "Draw" }).getAttribute("aria-selected")).toBe("true");
    expect(sent.filter(({ path }) => path.includes("exception"))).toEqual([]);
  });
  it("are listed with what each is about, in Chinese without a code", async () => {
    await waiting(held("approver", "zh"), request({ about_name: "生态保护红线：开发建设" }));
    const listed = await screen.findByRole("button", {
      name: "生态保护红线：开发建设 · Xiamen的一处范围",
    });
    expect(listed.closest("[role=tabpanel]")?.textContent).not.toMatch(/[a-z]+_[a-z]+/);
  });
  it("can be none, and those of other states are a choice away", async () => {
    const sent = serveChecks();
    const hands = open(<Compliance />, held("planner"));
    expect(await screen.findByText("There are no such requests.")).toBeTruthy();
    await hands.selectOptions(screen.getByLabelText("State"), "Refused");
    await waitFor(() =>
      expect(
        sent
          .filter(({ path }) => path.endsWith("-requests"))
          .map(({ query }) => query.get("state")),
      ).toEqual(["requested", "refused"]),
    );
  });
  it("are looked at with shape and rule, and checked for what the rule speaks of", async () => {
    const { hands, sent, look } = await waiting(held("approver"));
    const chosen = await look();
    expect(chosen.getByText("A dam of national weight")).toBeTruthy();
    expect((await chosen.findByText("Li Wei")).title).toBe("key:planner");
    expect(await chosen.findByText(/No development within the line/)).toBeTruthy();
    expect(chosen.getByText("自然资发〔2022〕142号")).toBeTruthy();
    await waitFor(() =>
      expect(maps[0]?.getSource("overlay")?.data?.features.map(({ geometry }) => geometry)).toEqual(
        [SITE],
      ),
    );
    await hands.click(checkButton());
    await waitFor(() =>
      expect(sent.find(({ path }) => path.endsWith("/execution"))?.body).toEqual({
        inputs: { geometry: SITE, activities: ["tourism"], shapes: true },
      }),
    );
  });
  it("of a project are checked by the project", async () => {
    const { hands, sent, look } = await waiting(
      held("approver"),
      request({ project: "p-1", project_name: "Mangroves", rule: null, gap: "no_rule:x" }),
      {
        "GET /collections/projects/items/p-1": {
          type: "Feature",
          id: "p-1",
          geometry: SITE,
          properties: {},
        },
      },
    );
    await look(/Mangroves/);
    await waitFor(() => expect(checkButton().hasAttribute("disabled")).toBe(false));
    await hands.click(checkButton());
    await waitFor(() =>
      expect(sent.find(({ path }) => path.endsWith("/execution"))?.body).toEqual({
        inputs: { project: "p-1", shapes: true },
      }),
    );
  });
});

describe("a decision", () => {
  const ended = (change: Partial<Request>) =>
    request({ geometry: SITE as never, steps: [], ...change });

  it("that grants gives the exception, and the verdict is asked for again", async () => {
    let excepted = false;
    const { hands, look, written } = await waiting(held("approver"), undefined, {
      [EXECUTION]: () => ({
        result: excepted
          ? checked({ hits: [hit({ excepted: true, exceptions: ["exception-1f"] })] })
          : refusedCheck(),
      }),
      "POST /compliance/exception-requests/request-1f/grant": () => {
        excepted = true;
        return ended({ state: "granted", exception: "exception-1f", decided_by: "key:approver" });
      },
    });
    const chosen = await look();
    await hands.click(checkButton());
    expect(await screen.findByRole("heading", { name: "Verdict Refused" })).toBeTruthy();
    await hands.click(chosen.getByRole("button", { name: "Grant" }));
    const dialog = within(await screen.findByRole("dialog"));
    await hands.type(dialog.getByLabelText("Document of the decision"), "No. 1");
    await hands.click(dialog.getByRole("button", { name: "Grant" }));
    expect(await screen.findByText("exception-1f")).toBeTruthy();
    expect(screen.getByText("The exception is given")).toBeTruthy();
    expect(chosen.getByText("Granted")).toBeTruthy();
    expect(chosen.queryByRole("button")).toBeNull();
    expect(written().map(({ body }) => body)).toEqual([{ document: "No. 1" }]);
  });
  it("that refuses has its reason", async () => {
    const { hands, look, written } = await waiting(held("approver"), undefined, {
      "POST /compliance/exception-requests/request-1f/refuse": ended({
        state: "refused",
        decided_by: "key:approver",
        decision_reason: "Not argued for",
      }),
    });
    const chosen = await look();
    await hands.click(chosen.getByRole("button", { name: "Refuse" }));
    const dialog = within(await screen.findByRole("dialog"));
    await hands.click(dialog.getByRole("button", { name: "Refuse" }));
    expect(written()).toEqual([]);
    await hands.type(dialog.getByLabelText(/Reason/), "Not argued for");
    await hands.click(dialog.getByRole("button", { name: "Refuse" }));
    expect(await chosen.findByText(/Not argued for/)).toBeTruthy();
    expect((await chosen.findByText("Wang Fang")).title).toBe("key:approver");
    expect(written().map(({ body }) => body)).toEqual([{ reason: "Not argued for" }]);
  });
  it("that somebody else was quicker with is told", async () => {
    const { hands, look } = await waiting(held("approver"), undefined, {
      "POST /compliance/exception-requests/request-1f/grant": refused(
        409,
        "the request is no longer open: Refused",
      ),
    });
    const chosen = await look();
    await hands.click(chosen.getByRole("button", { name: "Grant" }));
    const dialog = within(await screen.findByRole("dialog"));
    await hands.click(dialog.getByRole("button", { name: "Grant" }));
    expect(await dialog.findByText(/no longer open/)).toBeTruthy();
  });
  it("is not the planner's, who can withdraw", async () => {
    const { hands, look, written } = await waiting(
      held("planner"),
      request({ geometry: SITE as never, steps: ["withdraw"] }),
      {
        "POST /compliance/exception-requests/request-1f/withdraw": ended({ state: "withdrawn" }),
      },
    );
    const chosen = await look();
    expect(chosen.queryByRole("button", { name: /Grant|Refuse/ })).toBeNull();
    await hands.click(chosen.getByRole("button", { name: "Withdraw" }));
    await hands.click(await chosen.findByRole("button", { name: "Confirm" }));
    expect(await chosen.findByText("Withdrawn")).toBeTruthy();
    expect(written()).toHaveLength(1);
  });
});
