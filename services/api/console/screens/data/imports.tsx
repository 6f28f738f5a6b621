/** Files dropped, sent in pieces, checked and imported, each with what is wrong with it beside it. */

import { type Signal, signal, useSignal } from "@preact/signals";
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
import { forgetFile, type Staying, sendFile, staying } from "./upload";
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

/** A file with what is known of it; it is sent as soon as it is dropped. */
interface Dropped {
  id: string;
  file: File;
  kind: Signal<Kind | null>;
  arrived: Signal<number>;
  /** The number of the upload, once all of it has arrived. */
  upload: Signal<string | null>;
  sending: Signal<boolean>;
  fault: Signal<Fault | null>;
  begin: () => Promise<void>;
  stop: AbortController;
  /** What its forms hold. */
  stay: Staying;
}

function take(file: File): Dropped {
  const kind = signal<Kind | null>(null);
  const arrived = signal(0);
  const upload = signal<string | null>(null);
  const sending = signal(false);
  const fault = signal<Fault | null>(null);
  const stop = new AbortController();
  const tell = (count: number) => {
    arrived.value = count;
  };
  const begin = async () => {
    sending.value = true;
    fault.value = null;
    try {
      if (!file.size)
        throw new Fault(0, t(`${file.name}：文件是空的`, `${file.name}: the file is empty`));
      kind.value ??= await kindOf(file);
      upload.value = await sendFile(file, tell, undefined, stop.signal);
    } catch (error) {
      fault.value = told(error);
    }
    sending.value = false;
  };
  begin();
  const id = crypto.randomUUID();
  return { id, file, kind, arrived, upload, sending, fault, begin, stop, stay: staying() };
}

/** Who may have files imported: imports are jobs. */
export const mayImport = (): boolean => may("jobs");

/** Files that were dropped; they stay while one looks at other screens. */
const dropped = signal<readonly Dropped[]>([]);

export function Imports() {
  const over = useSignal(false);
  const picker = useRef<HTMLInputElement>(null);
  const fault = useSignal<Fault | null>(null);
  const takeAll = async (given: FileList | null | undefined) => {
    // The list is emptied with the event.
    const files = [...(given ?? [])];
    fault.value = null;
    try {
      const added = (await gathered(files)).map(take);
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
          takeAll(event.dataTransfer?.files);
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
            takeAll(currentTarget.files);
            currentTarget.value = "";
          }}
        />
        <Button kind="main" onClick={() => picker.current?.click()}>
          {t("选择文件", "Choose files")}
        </Button>
      </section>
      <FaultBox fault={fault.value} />
      {dropped.value.map((one) => (
        <OneFile
          key={one.id}
          {...one}
          onAway={() => {
            one.stop.abort();
            dropped.value = dropped.value.filter(({ id }) => id !== one.id);
          }}
        />
      ))}
    </>
  );
}

function OneFile({
  file,
  kind,
  arrived,
  upload,
  sending,
  fault,
  begin,
  stay,
  onAway,
}: Dropped & { onAway: () => void }) {
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
          <VectorForm
            file={file}
            upload={upload.value}
            stay={stay}
            onDone={() => forgetFile(file)}
          />
        ) : (
          <RasterForm
            key={kind.value}
            process={kind.value === "plan" ? "import-plan" : "import-dataset"}
            file={file}
            upload={upload.value}
            stay={stay}
            onDone={() => forgetFile(file)}
          />
        ))}
    </Panel>
  );
}
