import { describe, expect, it, vi } from "vitest";
import {
  answered,
  api,
  ask,
  csrf,
  ended,
  Fault,
  faultOf,
  read,
  type Schema,
  send,
  write,
} from "./api";
import { told } from "./asked";
import { API } from "./page";
import { refused, serve, withHeaders } from "./testing";
import { lang } from "./words";

/** The refusal of a call. */
async function refusal(call: Promise<unknown>): Promise<Fault> {
  const error = await call.then(
    () => null,
    (failed: unknown) => failed,
  );
  expect(error).toBeInstanceOf(Fault);
  return error as Fault;
}

const bulletins: Schema<"Bulletins"> = { bulletins: [], links: [] };

describe("what is always sent", () => {
  it("is the language of whoever looks, and that JSON is read", async () => {
    lang.value = "zh";
    const [first, second] = await twice(() => send("/bulletins"), serve({ "GET /bulletins": {} }));
    expect(first?.headers.get("Accept-Language")).toBe("zh");
    expect(second?.headers.get("Accept-Language")).toBe("en");
    expect(first?.headers.get("Accept")).toContain("application/json");
  });
  it("is what a table asks for where it asks for another form", async () => {
    const sent = serve({ "GET /audit": {} });
    await send("/audit", { headers: { Accept: "text/csv" } });
    expect(sent[0]?.headers.get("Accept")).toBe("text/csv");
  });
  it.each(["POST", "PUT", "PATCH", "DELETE"] as const)(
    "is the session's proof with each %s",
    async (method) => {
      csrf.value = "proof";
      const sent = serve({ [`${method} /keys/1`]: null });
      await write(method, "/keys/1");
      expect(sent[0]?.headers.get("X-CSRF-Token")).toBe("proof");
    },
  );
  it("is no proof where something is read, nor without a session", async () => {
    csrf.value = "proof";
    const sent = serve({ "GET /keys": {}, "POST /keys": {} });
    await read("/keys");
    csrf.value = "";
    await write("POST", "/keys", {});
    expect(sent.map(({ headers }) => headers.get("X-CSRF-Token"))).toEqual([null, null]);
  });
});

async function twice<T>(call: () => Promise<unknown>, sent: T[]): Promise<T[]> {
  await call();
  lang.value = lang.value === "zh" ? "en" : "zh";
  await call();
  return sent;
}

describe("a session that has ended", () => {
  it("is noticed by any refusal to somebody signed in", async () => {
    csrf.value = "proof";
    serve({ "GET /keys": refused(401, "sign in"), "GET /alerts": refused(403, "not yours") });
    await send("/alerts");
    expect(ended.value).toBe(0);
    await send("/keys");
    expect(ended.value).toBe(1);
  });
  it("is none of the public's", async () => {
    serve({ "GET /keys": refused(401, "sign in") });
    await send("/keys");
    expect(ended.value).toBe(0);
  });
});

describe("a service that does not answer", () => {
  it("is told in words, not as the browser puts it", async () => {
    vi.stubGlobal("fetch", async () => {
      throw new TypeError("Failed to fetch");
    });
    lang.value = "zh";
    const fault = await refusal(send("/plans"));
    expect(fault.message).toBe("服务没有响应，请检查网络后重试");
    expect(fault.status).toBe(0);
  });
  it("is no fault where nobody waits any more", async () => {
    const stop = new AbortController();
    vi.stubGlobal("fetch", async (request: Request) => {
      stop.abort();
      request.signal.throwIfAborted();
    });
    const error = await read("/plans", stop.signal).catch((failed: unknown) => failed);
    expect((error as DOMException).name).toBe("AbortError");
  });
});

describe("a refusal", () => {
  it("has the service's words, and what is wrong where", async () => {
    const at = [{ pointer: "/name", detail: "is empty" }];
    const fault = await faultOf(refused(400, "the name is empty", at));
    expect([fault.status, fault.message, fault.at]).toEqual([400, "the name is empty", at]);
  });
  it("has its title where it says no more", async () => {
    const body = { type: "about:blank", title: "Conflict", status: 409 };
    expect((await faultOf(Response.json(body, { status: 409 }))).message).toBe("Conflict");
  });
  it("keeps the kind by which screens tell refusals apart", async () => {
    const body = { type: "urn:shanhai:second-factor", title: "t", status: 403 };
    expect((await faultOf(Response.json(body, { status: 403 }))).type).toBe(
      "urn:shanhai:second-factor",
    );
  });
  it.each([
    ["a page of a proxy", "<html>Bad gateway</html>"],
    ["nothing", ""],
    ["null", "null"],
    ["a text", '"down"'],
  ])("that is %s has its number", async (_, text) => {
    const answer = () => new Response(text, { status: 502, statusText: "Bad Gateway" });
    expect((await faultOf(answer())).message).toBe("502 Bad Gateway");
    serve({ "GET /bulletins": answer });
    const fault = await refusal(ask(api.GET("/bulletins")));
    expect([fault.status, fault.message]).toEqual([502, "502 Bad Gateway"]);
  });
  it("over HTTP/2, which has no words, is its number alone", async () => {
    expect((await faultOf(new Response("", { status: 503 }))).message).toBe("503");
  });
});

describe("calls", () => {
  it("give the data with the tag of its state", async () => {
    serve({ "GET /bulletins": withHeaders(bulletins, { ETag: '"7"' }) });
    const { data, etag } = await answered(api.GET("/bulletins"));
    expect([data, etag]).toEqual([bulletins, '"7"']);
  });
  it("throw what was refused, with its pointers", async () => {
    const at = [{ pointer: "region", detail: "no such region" }];
    serve({ "GET /bulletins": refused(400, "no such region", at) });
    expect((await refusal(ask(api.GET("/bulletins")))).at).toEqual(at);
  });
});

describe("reading", () => {
  it("follows an address that a link names", async () => {
    const sent = serve({ "GET /collections/plans/items": { features: [] } });
    await read(`${API}/collections/plans/items?offset=10`);
    expect(sent[0]?.query.get("offset")).toBe("10");
  });
  it("throws what was refused", async () => {
    serve({ "GET /jobs/1/results": refused(404, "no results yet") });
    expect((await refusal(read("/jobs/1/results"))).status).toBe(404);
  });
});

describe("writing", () => {
  it("sends JSON and the headers that it is given", async () => {
    const sent = serve({ "PATCH /keys/1": withHeaders({ id: 1 }, { ETag: '"2"' }) });
    const { data, etag } = await write("PATCH", "/keys/1", { name: "n" }, { "If-Match": '"1"' });
    expect(sent[0]?.body).toEqual({ name: "n" });
    expect(sent[0]?.headers.get("Content-Type")).toBe("application/json");
    expect(sent[0]?.headers.get("If-Match")).toBe('"1"');
    expect([data, etag]).toEqual([{ id: 1 }, '"2"']);
  });
  it("sends no body where there is none, and reads none", async () => {
    const sent = serve({ "DELETE /keys/1": null });
    expect((await write("DELETE", "/keys/1")).data).toBeNull();
    expect(sent[0]?.headers.has("Content-Type")).toBe(false);
    expect(sent[0]?.body).toBeNull();
  });
  it("may say that its JSON is a merge patch", async () => {
    const sent = serve({ "PATCH /keys/1": {} });
    await write("PATCH", "/keys/1", {}, { "Content-Type": "application/merge-patch+json" });
    expect(sent[0]?.headers.get("Content-Type")).toBe("application/merge-patch+json");
  });
  it("throws what was refused", async () => {
    serve({ "PUT /plans/p": refused(412, "changed meanwhile") });
    expect((await refusal(write("PUT", "/plans/p", {}))).status).toBe(412);
  });
});

describe("any failure is told", () => {
  it("in the service's words where it refused", () => {
    const fault = new Fault(409, "is published");
    expect(told(fault)).toBe(fault);
  });
  it("as a failure of the page where the page is at fault", () => {
    lang.value = "en";
    expect(told(new TypeError("x is undefined")).message).toBe("the page failed: x is undefined");
    expect(told("gone").message).toBe("the page failed: gone");
  });
});
