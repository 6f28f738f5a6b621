import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Fault } from "../../kit/api";
import { recall } from "../../kit/kept";
import { lang } from "../../kit/words";
import { exportPath, formatsOf } from "./exports";
import { kindOf } from "./imports";
import { remapped, type Summary, targets, understood } from "./mapping";
import { membersOf } from "./raster";
import { forgetFile, markOf, PIECE_BYTES, rangeOf, sendFile } from "./upload";

/** A service that takes uploads in pieces as the API does; some requests are lost on the way. */
class Uploads {
  bytes = 0;
  readonly requests: string[] = [];
  constructor(
    readonly total: number,
    readonly lost: Set<number> = new Set(),
  ) {}

  readonly answer = async (request: Request): Promise<Response> => {
    const path = new URL(request.url).pathname;
    const range = request.headers.get("Content-Range") ?? "";
    this.requests.push(`${request.method} ${path} ${range}`.trim());
    if (this.lost.has(this.requests.length)) throw new TypeError("the line broke");
    if (request.method !== "GET") {
      const [start = 0, end = 0] = (range.match(/\d+/g) ?? []).map(Number);
      if (start !== this.bytes)
        return Response.json({ detail: `${this.bytes} have arrived` }, { status: 409 });
      this.bytes = end + 1;
    }
    return Response.json({
      upload: "u1",
      bytes: this.bytes,
      total_bytes: this.total,
      sha256: null,
    });
  };
}

const fileOf = (size: number, name = "dem.tif") =>
  new File([new Uint8Array(size)], name, { lastModified: 5 });

beforeEach(() => {
  localStorage.clear();
  lang.value = "en";
});
afterEach(() => vi.unstubAllGlobals());

describe("a file that is sent", () => {
  it("goes in pieces whose ranges join, and its progress is told", async () => {
    const file = fileOf(2 * PIECE_BYTES + 10);
    const service = new Uploads(file.size);
    vi.stubGlobal("fetch", service.answer);
    const told: number[] = [];
    expect(await sendFile(file, (bytes) => told.push(bytes))).toBe("u1");
    expect(service.requests).toEqual([
      `POST /uploads ${rangeOf(0, PIECE_BYTES, file.size)}`,
      `PUT /uploads/u1 ${rangeOf(PIECE_BYTES, 2 * PIECE_BYTES, file.size)}`,
      `PUT /uploads/u1 ${rangeOf(2 * PIECE_BYTES, file.size, file.size)}`,
    ]);
    expect(told).toEqual([0, PIECE_BYTES, 2 * PIECE_BYTES, file.size]);
  });

  it("goes on where it was after a broken line", async () => {
    const file = fileOf(PIECE_BYTES + 5);
    const service = new Uploads(file.size, new Set([2]));
    vi.stubGlobal("fetch", service.answer);
    await sendFile(file, () => {}, 1);
    expect(service.requests.map((line) => line.split(" ")[0])).toEqual([
      "POST",
      "PUT",
      "GET",
      "PUT",
    ]);
    expect(service.bytes).toBe(file.size);
  });

  it("goes on after a line that is broken for as long as four tries", async () => {
    const file = fileOf(PIECE_BYTES + 5);
    const service = new Uploads(file.size, new Set([2, 3, 4, 5]));
    vi.stubGlobal("fetch", service.answer);
    expect(await sendFile(file, () => {}, 1)).toBe("u1");
    expect(service.bytes).toBe(file.size);
    expect(service.requests.filter((line) => line.startsWith("PUT"))).toHaveLength(2);
  });

  it("goes on after a reload, and begins anew once it is forgotten", async () => {
    const file = fileOf(PIECE_BYTES + 5);
    const service = new Uploads(file.size, new Set([2, 3, 4, 5, 6, 7, 8, 9]));
    vi.stubGlobal("fetch", service.answer);
    await expect(sendFile(file, () => {}, 1)).rejects.toThrow("does not answer");
    expect(recall(markOf(file))).toBe("u1");
    const later = new Uploads(file.size);
    later.bytes = service.bytes;
    vi.stubGlobal("fetch", later.answer);
    await sendFile(fileOf(PIECE_BYTES + 5), () => {}, 1);
    expect(later.requests[0]).toBe("GET /uploads/u1");
    expect(later.requests.some((line) => line.startsWith("POST"))).toBe(false);
    forgetFile(file);
    expect(recall(markOf(file))).toBeNull();
  });

  it("goes on from what has arrived where another page sends it, too", async () => {
    const file = fileOf(2 * PIECE_BYTES + 5);
    const service = new Uploads(file.size);
    vi.stubGlobal("fetch", async (request: Request) => {
      // The other page is ahead by a piece.
      if (service.requests.length === 1) service.bytes += PIECE_BYTES;
      return service.answer(request);
    });
    expect(await sendFile(file, () => {}, 1)).toBe("u1");
    expect(service.bytes).toBe(file.size);
    expect(service.requests.map((line) => line.split(" ")[0])).toEqual([
      "POST",
      "PUT",
      "GET",
      "PUT",
    ]);
  });

  it("is no more sent once it is stopped, and goes on later", async () => {
    const file = fileOf(3 * PIECE_BYTES);
    const service = new Uploads(file.size);
    vi.stubGlobal("fetch", service.answer);
    const stop = new AbortController();
    const tell = (bytes: number) => bytes === PIECE_BYTES && stop.abort();
    await expect(sendFile(file, tell, 1, stop.signal)).rejects.toThrow(/abort/i);
    const before = service.requests.length;
    expect(service.bytes).toBeLessThan(file.size);
    expect(await sendFile(file, () => {}, 1)).toBe("u1");
    expect(service.requests[before]).toBe("GET /uploads/u1");
    expect(service.bytes).toBe(file.size);
  });

  it("is not tried again where it was refused", async () => {
    const asked: string[] = [];
    vi.stubGlobal("fetch", async (request: Request) => {
      asked.push(request.method);
      return Response.json({ detail: "too large" }, { status: 413 });
    });
    const refused = await sendFile(fileOf(3), () => {}, 1).catch((error) => error as Fault);
    expect(refused).toMatchObject({ status: 413, message: "too large" });
    expect(asked).toEqual(["POST"]);
  });
});

describe("what a file is", () => {
  it("is told by its ending", async () => {
    const files = ["a.TIF", "b.tiff", "c.zip", "d.geojson"].map((name) => fileOf(3, name));
    expect(await Promise.all(files.map(kindOf))).toEqual(["raster", "raster", "vector", "vector"]);
  });
});

describe("fields and properties", () => {
  const summary = { mapping: { MC: "name_zh" }, code_from: "BSM" } as unknown as Summary;
  it("are matched as the service understood them", () =>
    expect(understood(summary)).toEqual({ MC: "name_zh", BSM: "code" }));
  it("without a code stay without one", () =>
    expect(understood({ ...summary, code_from: null })).toEqual({ MC: "name_zh" }));
  it("take one field each", () =>
    expect(remapped({ MC: "name_zh", BSM: "code" }, "NAME", "name_zh")).toEqual({
      BSM: "code",
      NAME: "name_zh",
    }));
  it("can be left without", () =>
    expect(remapped({ MC: "name_zh", BSM: "code" }, "MC", "")).toEqual({ BSM: "code" }));
  it("are those that can be written", () =>
    expect(
      targets({
        geometry: {},
        code: { title: "Code" },
        area: { title: "Area", readOnly: true },
        plain: {},
      }),
    ).toEqual([
      { value: "code", label: "Code" },
      { value: "plain", label: "plain" },
    ]));
});

it("inputs of an import are asked for in the order people know them", () => {
  const input = (title: string, minOccurs = 0, description = title) => ({
    title,
    description,
    minOccurs,
    schema: { type: "string" },
  });
  const { first, more, required } = membersOf({
    upload: input("Upload", 1),
    theme: input("Theme", 1),
    region: input("Region", 1),
    licence: input("Licence", 0, "Licence and credit"),
    crs: input("System"),
  });
  expect(Object.keys(first)).toEqual(["region", "theme", "licence"]);
  expect(Object.keys(more)).toEqual(["crs"]);
  expect(required).toEqual(["theme", "region"]);
  expect(first.theme?.description).toBeUndefined();
  expect(first.licence?.description).toBe("Licence and credit");
});

describe("exports", () => {
  it("are offered as the collection links them", () =>
    expect(
      formatsOf([
        { rel: "self", href: "http://x/collections/zones?f=json" },
        { rel: "enclosure", href: "http://x/collections/zones/items?f=shp", title: "Shapefile" },
      ]),
    ).toEqual([{ value: "shp", label: "Shapefile" }]));
  it("are narrowed by region and plan, and only a shapefile has an encoding", () => {
    expect(exportPath("zones", "shp", { region: "xm", plan: "", encoding: "GBK" })).toBe(
      "/collections/zones/items?f=shp&region=xm&encoding=GBK",
    );
    expect(exportPath("zones", "csv", { plan: "p 1", encoding: "GBK" })).toBe(
      "/collections/zones/items?f=csv&plan=p+1",
    );
  });
});
