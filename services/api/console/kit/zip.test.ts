import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Content, zip } from "./testing_zip";
import { endOfZip, namesIn, zipped } from "./zip";

const blob = (...parts: Content[]) => new Blob(parts);

describe("the names in a zip", () => {
  const three = zip([
    ["manifest.json", "{}"],
    ["rows/plan.json", "[]"],
    ["图.txt", "x".repeat(200_000)],
  ]);
  const names = ["manifest.json", "rows/plan.json", "图.txt"];

  it("are those of its list, in its order", async () =>
    expect(await namesIn(blob(three))).toEqual(names));

  it("are found before a comment, and after what stands before the zip", async () => {
    const noted = three.slice();
    new DataView(noted.buffer).setUint16(noted.length - 2, 5, true);
    expect(await namesIn(blob("what unpacks itself", noted, "hello"))).toEqual(names);
  });

  it("are found where a list is longer than what may stand at the end", async () => {
    const many = Array.from({ length: 2000 }, (_, n) => `documents/${String(n).padStart(64, "0")}`);
    expect(await namesIn(blob(zip(many.map((name) => [name, ""]))))).toEqual(many);
  });

  it("are found in one of the form for large ones", async () => {
    const end = three.length - 22;
    const large = new DataView(new ArrayBuffer(76));
    large.setUint32(0, 0x06064b50, true);
    large.setUint32(56, 0x07064b50, true);
    expect(
      await namesIn(blob(three.slice(0, end), new Uint8Array(large.buffer), three.slice(end))),
    ).toEqual(names);
  });

  it.each([
    ["an empty file", new Uint8Array()],
    ["another file", "II*\0 a raster"],
    ["half a zip", three.slice(0, 300)],
    ["an end alone, that tells of more than there is", three.slice(-22)],
  ])("are none in %s", async (_, content) => expect(await namesIn(blob(content))).toEqual([]));

  it("are none in an empty zip, which has an end all the same", async () => {
    expect(await namesIn(blob(zip([])))).toEqual([]);
    expect(endOfZip(new DataView(zip([]).buffer))).toBe(0);
  });
});

describe("a zip that is made", () => {
  // More than one piece of what is summed at a time.
  const large = new Uint8Array(5_000_000).map((_, n) => n % 251);

  it("is whole for another program, with the names and the bytes that went in", async () => {
    const files = [
      new File([large], "地块.shp"),
      new File([], "空.dbf"),
      new File(["GBK"], "a.cpg"),
    ];
    const made = await zipped("地块.zip", files);
    expect(made.name).toBe("地块.zip");
    expect(await namesIn(made)).toEqual(["地块.shp", "空.dbf", "a.cpg"]);
    const path = join(mkdtempSync(join(tmpdir(), "zip-")), "made.zip");
    writeFileSync(path, new Uint8Array(await made.arrayBuffer()));
    const told = execFileSync("python3", ["-c", READING, path], { encoding: "utf-8" });
    expect(JSON.parse(told)).toEqual([null, { "地块.shp": 5_000_000, "空.dbf": 0, "a.cpg": 3 }]);
  });
});

/** The first member with a wrong checksum, and the sizes of all. */
const READING = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    print(json.dumps([archive.testzip(), {one.filename: one.file_size for one in archive.infolist()}]))
`;
