import { describe, expect, it } from "vitest";
import { Actor } from "./actor";
import { account } from "./session";
import {
  type Answer,
  act,
  naming,
  open,
  refused,
  type Sent,
  screen,
  serve,
  waitFor,
} from "./testing";
import { lang } from "./words";

/** Of those who are known. */
const known = naming({ "key:a1": "李规划", "account:7": "Wang Wu" });
const asked = (sent: Sent[]) => sent.map(({ query }) => query.getAll("code"));

function show(
  codes: (string | null)[],
  answer: Answer = known,
  scopes: "read"[] | null = ["read"],
) {
  const sent = serve({ "GET /actors": answer });
  open(
    <ul>
      {codes.map((code, n) => (
        <li key={n}>
          <Actor code={code} />
        </li>
      ))}
    </ul>,
    { scopes },
  );
  return sent;
}
const shown = () => screen.getAllByRole("listitem").map(({ textContent }) => textContent);

describe("who did something", () => {
  it("is told by name, with the code for those who look for it", async () => {
    show(["key:a1"]);
    const name = await screen.findByText("李规划");
    expect(name.title).toBe("key:a1");
  });
  it("is told by the code until the name is there", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    show(["key:a1"], (sent) => promise.then(() => known(sent)));
    expect(screen.getByText("key:a1").tagName).toBe("CODE");
    await act(async () => resolve());
    expect(await screen.findByText("李规划")).toBeTruthy();
    expect(screen.queryByText("key:a1")).toBeNull();
  });
  it("stays a code where nobody knows the name", async () => {
    const sent = show(["key:gone", "key:a1"]);
    await screen.findByText("李规划");
    expect(shown()).toEqual(["key:gone", "李规划"]);
    expect(sent).toHaveLength(1);
  });
  it("is nothing where nobody did it", () => {
    const sent = show([null, ""]);
    expect(shown()).toEqual(["", ""]);
    expect(sent).toEqual([]);
  });
  it("is a name already where somebody typed one, and is not asked for", async () => {
    const sent = show(["李局长", "Bureau of Water", "Li:Wei", "key:a1"]);
    await screen.findByText("李规划");
    expect(shown().slice(0, 3)).toEqual(["李局长", "Bureau of Water", "Li:Wei"]);
    expect(asked(sent)).toEqual([["key:a1"]]);
  });
  it.each(["public", "worker:attempt 2", "worker:deliveries", "subscription:7"])(
    "may be the platform itself: %s",
    async (code) => {
      const sent = show([code], { actors: [{ code, name: "The platform" }] });
      expect((await screen.findByText("The platform")).title).toBe(code);
      expect(asked(sent)).toEqual([[code]]);
    },
  );
});

describe("names", () => {
  it("of a whole list are asked for at once, each once", async () => {
    const sent = show(["key:a1", "account:7", "key:a1"]);
    await screen.findByText("Wang Wu");
    expect(shown()).toEqual(["李规划", "Wang Wu", "李规划"]);
    expect(asked(sent)).toEqual([["key:a1", "account:7"]]);
  });
  it("of long lists are asked for in portions that the service takes", async () => {
    const codes = Array.from({ length: 205 }, (_, n) => `account:${n + 1}`);
    const sent = show(codes, ({ query }) => ({
      actors: query.getAll("code").map((code) => ({ code, name: `N ${code}` })),
    }));
    expect(await screen.findByText("N account:205")).toBeTruthy();
    expect(asked(sent).map((codes) => codes.length)).toEqual([100, 100, 5]);
    expect(asked(sent).flat()).toEqual(codes);
    expect(shown()[0]).toBe("N account:1");
  });
  it("are kept for what is shown later", async () => {
    const sent = show(["key:a1"]);
    await screen.findByText("李规划");
    open(<Actor code="key:a1" />, { scopes: ["read"] });
    expect(screen.getAllByText("李规划")).toHaveLength(2);
    expect(sent).toHaveLength(1);
  });
  it("are asked for again where the service refused, once they are shown again", async () => {
    let up = false;
    const sent = show(["key:a1"], (one) => (up ? known(one) : refused(503, "away")));
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(shown()).toEqual(["key:a1"]);
    up = true;
    await act(async () => {});
    open(<Actor code="key:a1" />, { scopes: ["read"] });
    expect((await screen.findAllByText("李规划")).length).toBe(2);
    expect(sent).toHaveLength(2);
  });
  it("that are not for this reader leave the code, and trouble nobody", async () => {
    const sent = show(["key:a1"], refused(403, "需要在某一区域具有角色"));
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(shown()).toEqual(["key:a1"]);
    expect(screen.queryByRole("alert")).toBeNull();
  });
  it("are not asked for by the public", async () => {
    const sent = show(["key:a1"], known, null);
    await act(async () => {});
    expect(shown()).toEqual(["key:a1"]);
    expect(sent).toEqual([]);
  });
  it("are in the language that is read", async () => {
    const words: Record<string, string> = { zh: "公众", en: "The public" };
    const sent = show(["public"], ({ headers }) => {
      const name = words[headers.get("Accept-Language") ?? ""] ?? "?";
      return { actors: [{ code: "public", name }] };
    });
    await screen.findByText("The public");
    await act(async () => {
      lang.value = "zh";
    });
    expect(await screen.findByText("公众")).toBeTruthy();
    expect(sent).toHaveLength(2);
  });
  it("are forgotten with whoever was told them", async () => {
    show(["key:a1"]);
    await screen.findByText("李规划");
    await act(async () => {
      account.value = null;
    });
    expect(shown()).toEqual(["key:a1"]);
  });
  it("that come late are not for the next reader", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const sent = show(["key:a1"], (one) => promise.then(() => known(one)));
    await waitFor(() => expect(sent).toHaveLength(1));
    await act(async () => {
      account.value = null;
    });
    await act(async () => resolve());
    expect(shown()).toEqual(["key:a1"]);
  });
});
