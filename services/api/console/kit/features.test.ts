import { describe, expect, it } from "vitest";
import { Fault } from "./api";
import {
  addFeature,
  address,
  allFeatures,
  changeFeature,
  type Feature,
  isConflict,
  listFeatures,
  readFeature,
  saying,
  schemaOf,
} from "./features";
import { heldBy, isStale, readHeld } from "./held";
import { API } from "./page";
import { refused, type Sent, serve, withHeaders } from "./testing";
import { lang } from "./words";

const zone = (id: string): Feature => ({
  type: "Feature",
  id,
  geometry: null,
  properties: { name_zh: "区" },
});
const refusal = (call: Promise<unknown>) =>
  call.then(
    () => null,
    (error: Fault) => error,
  );

describe("addresses", () => {
  it("hold what has a value, nought and no among them", () =>
    expect(address("/a", { limit: 0, closed: false, region: null, plan: undefined, q: "" })).toBe(
      "/a?limit=0&closed=false&q=",
    ));
  it("are bare without a query", () => expect(address("/a", { region: null })).toBe("/a"));
  it("keep signs that mean something in addresses", () =>
    expect(
      new URL(address("/a", { filter: "a = 'x&y' + 湾" }), API).searchParams.get("filter"),
    ).toBe("a = 'x&y' + 湾"));
});

describe("all features", () => {
  /** A collection of numbered zones in pages; links are whole addresses, as the service gives them. */
  const paged =
    (count: number, size: number) =>
    ({ query }: Sent) => {
      const from = Number(query.get("offset") ?? 0);
      const till = Math.min(count, from + size);
      const href = `${API}/collections/zones/items?offset=${till}&limit=${query.get("limit")}`;
      return {
        features: Array.from({ length: till - from }, (_, n) => zone(`z${from + n}`)),
        links: till < count ? [{ rel: "next", href }] : [{ rel: "self", href: "" }],
      };
    };

  it("are gathered page by page to the last", async () => {
    const sent = serve({ "GET /collections/zones/items": paged(5, 2) });
    const found = await allFeatures("zones", { region: "xiamen" });
    expect(found.map(({ id }) => id)).toEqual(["z0", "z1", "z2", "z3", "z4"]);
    expect(sent).toHaveLength(3);
    expect(sent[0]?.query.toString()).toBe("limit=1000&region=xiamen");
  });
  it("are at most so many, and no page is asked for beyond them", async () => {
    const sent = serve({ "GET /collections/zones/items": paged(100, 2) });
    const found = await allFeatures("zones", {}, undefined, 3);
    expect(found.map(({ id }) => id)).toEqual(["z0", "z1", "z2"]);
    expect(sent).toHaveLength(2);
  });
  it("are found by a part of their name or code, whatever signs it has", () => {
    expect(saying("O'Hara")).toContain("CASEI(name_en) LIKE CASEI('%O''Hara%')");
    expect(saying("50%_\\")).toContain("CASEI(code) LIKE CASEI('%50\\%\\_\\\\%')");
  });
  it("are none where one page is refused: half a list would mislead", async () => {
    serve({
      "GET /collections/zones/items": (one) =>
        one.query.has("offset") ? refused(503, "away") : paged(5, 2)(one),
    });
    expect((await refusal(allFeatures("zones")))?.status).toBe(503);
  });
  it("are no longer asked for when nobody waits", async () => {
    const stop = new AbortController();
    const sent = serve({
      "GET /collections/zones/items": (one) => {
        stop.abort();
        return paged(5, 2)(one);
      },
    });
    const error = await refusal(allFeatures("zones", {}, stop.signal));
    expect(error?.name).toBe("AbortError");
    expect(sent).toHaveLength(1);
  });
});

it("a page of features is asked for by its query", async () => {
  const page = { features: [zone("z")], numberMatched: 40, links: [] };
  const sent = serve({ "GET /collections/zones/items": page });
  expect(await listFeatures("zones", { limit: 1, bbox: "118,24,119,25" })).toEqual(page);
  expect(sent[0]?.query.get("bbox")).toBe("118,24,119,25");
});

describe("schemas", () => {
  it("are asked for once in each language", async () => {
    const sent = serve({ "GET /collections/{}/schema": { properties: { code: {} } } });
    lang.value = "zh";
    await Promise.all([schemaOf("corridors"), schemaOf("corridors")]);
    expect(sent).toHaveLength(1);
    lang.value = "en";
    await schemaOf("corridors");
    expect(sent.map(({ headers }) => headers.get("Accept-Language"))).toEqual(["zh", "en"]);
  });
  it("are asked for again where they were refused", async () => {
    let down = true;
    serve({
      "GET /collections/problems/schema": () => (down ? refused(503, "away") : { properties: {} }),
    });
    expect((await refusal(schemaOf("problems")))?.message).toBe("away");
    down = false;
    expect(await schemaOf("problems")).toEqual({ properties: {} });
  });
});

describe("one feature", () => {
  it("comes with the tag of its state, of the version asked for", async () => {
    const sent = serve({
      "GET /collections/zones/items/a.1": withHeaders(zone("a.1"), { ETag: '"5"' }),
    });
    const { data, etag } = await readFeature("zones", "a.1", undefined, { version: 2 });
    expect([data.id, etag, sent[0]?.query.get("version")]).toEqual(["a.1", '"5"', "2"]);
  });
  it("may have a code with signs of addresses in it", async () => {
    const sent = serve({ "GET /collections/zones/items/a/b?": zone("a/b?") });
    await readFeature("zones", "a/b?");
    expect(sent[0]?.query.toString()).toBe("");
  });
  it("that is not there is a refusal", async () => {
    serve({ "GET /collections/zones/items/x": refused(404, "no zone x") });
    expect((await refusal(readFeature("zones", "x")))?.message).toBe("no zone x");
  });
  it("is added with the key that tells a repeated sending", async () => {
    const sent = serve({ "POST /collections/zones/items": zone("new") });
    const given = { geometry: null, properties: { name_zh: "区" } };
    await addFeature("zones", given, "key-1");
    await addFeature("zones", given, "key-1");
    expect(sent.map(({ headers }) => headers.get("Idempotency-Key"))).toEqual(["key-1", "key-1"]);
    expect(sent[0]?.body).toEqual({ type: "Feature", ...given });
  });
  it("is changed in the state that was read, as a merge patch", async () => {
    const sent = serve({ "PATCH /collections/zones/items/z": zone("z") });
    await changeFeature("zones", "z", { properties: { width_m: null } }, '"5"', { version: 3 });
    expect(sent[0]?.headers.get("If-Match")).toBe('"5"');
    expect(sent[0]?.headers.get("Content-Type")).toBe("application/merge-patch+json");
    expect(sent[0]?.body).toEqual({ properties: { width_m: null } });
    expect(sent[0]?.query.get("version")).toBe("3");
  });
  it("without a tag is changed in whatever state it is", async () => {
    const sent = serve({ "PATCH /collections/zones/items/z": zone("z") });
    await changeFeature("zones", "z", {}, null);
    expect(sent[0]?.headers.get("If-Match")).toBe("*");
  });
  it("that somebody else has changed is a conflict, and no other refusal is", async () => {
    let status = 412;
    serve({ "PATCH /collections/zones/items/z": () => refused(status, "no") });
    const conflict = async () => {
      const fault = await refusal(changeFeature("zones", "z", {}, '"1"'));
      return isConflict(fault as Fault);
    };
    expect(await conflict()).toBe(true);
    status = 409;
    expect(await conflict()).toBe(false);
  });
});

describe("what is held by its tag", () => {
  it("is read with it, and written by it", async () => {
    serve({ "GET /sheets/1": withHeaders({ title: "t" }, { ETag: 'W/"2"' }) });
    const { data, etag } = await readHeld<{ title: string }>("/sheets/1");
    expect(data.title).toBe("t");
    expect(heldBy(etag)).toEqual({ "If-Match": 'W/"2"' });
  });
  it("has no tag where the service gives none", async () => {
    serve({ "GET /sheets/1": {} });
    expect(heldBy((await readHeld("/sheets/1")).etag)).toEqual({});
  });
  it("is refused in the service's words", async () => {
    serve({ "GET /sheets/1": refused(403, "not yours") });
    expect((await refusal(readHeld("/sheets/1")))?.message).toBe("not yours");
  });
  it("is stale by one refusal alone", () => {
    expect(isStale(new Fault(412, "changed"))).toBe(true);
    expect(isStale(new Fault(409, "changed"))).toBe(false);
    expect(isStale(new TypeError("412"))).toBe(false);
  });
});
