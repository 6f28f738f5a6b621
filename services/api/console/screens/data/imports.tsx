/** Files dropped, sent in pieces, checked and imported, each with what is wrong with it beside it. */

import { signal, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Fault } from "../../kit/api";
import { told } from "../../kit/asked";
import { bytes } from "../../kit/format";
import { may } from "../../kit/session";
import { gathered } from "../../kit/shapefile";
import { Button, FaultBox, Panel, Progress, Select } from "../../kit/ui";
import { t } from "../../kit/words";
import { namesIn } from "../../kit/zip";
import { RasterForm } from "./raster";
import { forgetFile, sendFile } from "./upload";
import { VectorForm } from "./vector";

export type Kind = "raster" | "vector" | "plan";

const RASTERS = /\.(tiff?|img|vrt|asc)$/i;

/** The rows of a plan, which every package of one has beside the list of its files. */
const PACKAGE = ["manifest.json", "rows/plan.json"];

/** What a file most likely is: a plan package by what is in it, others by their names. People may
 * say otherwise. */
export async function kindOf(file: File): Promise<Kind> {
  const names = new Set(await namesIn(file));
  if (PACKAGE.every((name) => names.has(name))) return "plan";
  return RASTERS.test(file.name) ? "raster" : "vector";
}

interface Dropped {
  id: string;
  file: File;
}

/** Who may have files imported: imports are jobs. */
export const mayImport = (): boolean => may("jobs");

/** Files that were dropped; they stay while one looks at other screens. */
const dropped = signal<readonly Dropped[]>([]);

export function Imports() {
  const over = useSignal(false);
  const picker = useRef<HTMLInputElement>(null);
  const fault = useSignal<Fault | null>(null);
  const take = async (given: FileList | null | undefined) => {
    // The list is emptied with the event.
    const files = [...(given ?? [])];
    fault.value = null;
    try {
      const added = (await gathered(files)).map((file) => ({ id: crypto.randomUUID(), file }));
      dropped.value = [...dropped.value, ...added];
    } catch (error) {
      fault.value = told(error);
    }
  };
  return (
    <>
      <section
        class={`drop${over.value ? " over" : ""}`}
        aria-label={t("导入文件", "Files to import")}
        onDragOver={(event) => {
          event.preventDefault();
          over.value = true;
        }}
        onDragLeave={() => {
          over.value = false;
        }}
        onDrop={(event) => {
          event.preventDefault();
          over.value = false;
          take(event.dataTransfer?.files);
        }}
      >
        <p>
          {t(
            "把文件拖到这里：栅格（GeoTIFF），矢量（Shapefile（压缩包，或各文件一起）、GeoJSON、GeoPackage、KML、CSV、Excel 等），规划包。",
            "Drop files here: rasters (GeoTIFF), vectors (Shapefile, zipped or its files together, GeoJSON, GeoPackage, KML, CSV, Excel …), plan packages.",
          )}
        </p>
        <input
          ref={picker}
          class="hidden"
          type="file"
          multiple
          aria-label={t("选择文件", "Choose files")}
          tabIndex={-1}
          onChange={({ currentTarget }) => {
            take(currentTarget.files);
            currentTarget.value = "";
          }}
        />
        <Button kind="main" onClick={() => picker.current?.click()}>
          {t("选择文件", "Choose files")}
        </Button>
      </section>
      <FaultBox fault={fault.value} />
      {dropped.value.map(({ id, file }) => (
        <OneFile
          key={id}
          file={file}
          onAway={() => {
            dropped.value = dropped.value.filter((one) => one.id !== id);
          }}
        />
      ))}
    </>
  );
}

function OneFile({ file, onAway }: { file: File; onAway: () => void }) {
  const kind = useSignal<Kind | null>(null);
  const arrived = useSignal(0);
  const upload = useSignal<string | null>(null);
  const sending = useSignal(false);
  const fault = useSignal<Fault | null>(null);
  const begin = async () => {
    sending.value = true;
    fault.value = null;
    try {
      if (!file.size)
        throw new Fault(0, t(`${file.name}：文件是空的`, `${file.name}: the file is empty`));
      kind.value ??= await kindOf(file);
      upload.value = await sendFile(file, (count) => {
        arrived.value = count;
      });
    } catch (error) {
      fault.value = told(error);
    }
    sending.value = false;
  };
  const started = useRef(false);
  if (!started.current) {
    started.current = true;
    begin();
  }
  const percent = file.size ? Math.floor((arrived.value / file.size) * 100) : 0;
  return (
    <Panel
      class="file"
      title={
        <>
          {file.name} <small>{bytes(file.size)}</small>
        </>
      }
      actions={
        <>
          {kind.value && (
            <Select
              aria-label={t("文件内容", "What it holds")}
              choices={[
                { value: "raster", label: t("栅格", "raster") },
                { value: "vector", label: t("矢量", "vector") },
                { value: "plan", label: t("规划包", "plan package") },
              ]}
              value={kind.value}
              onChoose={(chosen) => {
                kind.value = chosen as Kind;
              }}
            />
          )}
          <Button onClick={onAway}>{t("移出列表", "Take away")}</Button>
        </>
      }
    >
      {sending.value && (
        <Progress percent={percent} label={t(`上传 ${file.name}`, `Sending ${file.name}`)} />
      )}
      <FaultBox fault={fault.value} again={begin} />
      {upload.value &&
        kind.value &&
        (kind.value === "vector" ? (
          <VectorForm file={file} upload={upload.value} onDone={() => forgetFile(file)} />
        ) : (
          <RasterForm
            key={kind.value}
            process={kind.value === "plan" ? "import-plan" : "import-dataset"}
            file={file}
            upload={upload.value}
            onDone={() => forgetFile(file)}
          />
        ))}
    </Panel>
  );
}
