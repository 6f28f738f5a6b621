/** Bulletins of a region: read, worded while they are drafts, and published by those who may. */

import { type Signal, useSignal } from "@preact/signals";
import { api, ask, type FaultAt, type Schema, write } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { Changing, type Kind } from "../../kit/editing";
import type { Values } from "../../kit/features";
import { day, moment } from "../../kit/format";
import { heldBy, readHeld } from "../../kit/held";
import { API } from "../../kit/page";
import { Pages } from "../../kit/pages";
import { region, regionName } from "../../kit/place";
import { screenPath } from "../../kit/screens";
import { holds, may } from "../../kit/session";
import { Table } from "../../kit/table";
import { attempt, Badge, Button, Dialog, Empty, Found, Select, tell } from "../../kit/ui";
import { lang, t } from "../../kit/words";
import { Preview, Sections, WORDED, wordingMembers } from "./templates";

type Head = Schema<"BulletinHead">;
type State = Head["state"];
type Wording = Schema<"BulletinWording">;

/** @param chosen The code of the one whose words are open. */
export function Bulletins({
  chosen,
  onChoose,
}: {
  chosen: string | undefined;
  onChoose: (code: string | undefined) => void;
}) {
  return chosen ? (
    <Editor key={chosen} code={chosen} onClose={() => onChoose(undefined)} />
  ) : (
    <All onEdit={onChoose} />
  );
}

function All({ onEdit }: { onEdit: (code: string) => void }) {
  const state = useSignal("");
  const everywhere = useSignal(false);
  const publishing = useSignal<Head | null>(null);
  const here = everywhere.value ? "" : region.value;
  const { asked, again } = useAsked(
    () =>
      ask(
        api.GET("/bulletins", {
          params: {
            query: {
              limit: 50,
              ...(here ? { region: here } : {}),
              ...(state.value ? { state: state.value as State } : {}),
            },
          },
        }),
      ),
    [here, state.value],
  );
  return (
    <div class="stack">
      <div class="inline">
        <Select
          aria-label={t("区域", "Region")}
          choices={[
            { value: "here", label: regionName(region.value) },
            { value: "all", label: t("全部区域", "All regions") },
          ]}
          value={everywhere.value ? "all" : "here"}
          onChoose={(chosen) => {
            everywhere.value = chosen === "all";
          }}
        />
        <Select
          aria-label={t("状态", "State")}
          choices={[
            { value: "draft", label: t("草稿", "Drafts") },
            { value: "published", label: t("已发布", "Published") },
          ]}
          value={state.value}
          onChoose={(chosen) => {
            state.value = chosen;
          }}
          empty={t("全部状态", "All states")}
        />
        {may("jobs") && (
          <a class="button" href={screenPath("compute", { process: "publish-bulletin" })}>
            {t("编制公报", "Make a bulletin")}
          </a>
        )}
      </div>
      <Pages asked={asked} again={again} rowsOf={({ bulletins }) => bulletins}>
        {(rows: Head[]) => (
          <Table
            label={t("公报", "Bulletins")}
            rows={rows}
            keyOf={({ code }) => code}
            empty={t("还没有公报。", "No bulletins yet.")}
            columns={[
              {
                id: "title",
                title: t("标题", "Title"),
                cell: (one) => <a href={addressOf(one, "html")}>{one.title}</a>,
              },
              { id: "region", title: t("区域", "Region"), cell: (one) => one.region_name },
              {
                id: "period",
                title: t("时段", "Period"),
                cell: (one) => `${day(one.first)} – ${day(one.last)}`,
                order: (one) => one.last,
              },
              {
                id: "issue",
                title: t("期号", "Issue"),
                cell: (one) => t(`${one.year} 年第 ${one.issue} 期`, `${one.year}, ${one.issue}`),
              },
              {
                id: "state",
                title: t("状态", "State"),
                cell: (one) => (
                  <>
                    <Badge tone={one.state === "published" ? "good" : "warn"}>
                      {one.state_name}
                    </Badge>
                    {!one.public && <Badge>{t("内部", "Internal")}</Badge>}
                    {one.edited && <Badge>{t("文字经人工修改", "Edited by hand")}</Badge>}
                  </>
                ),
              },
              {
                id: "files",
                title: t("文件", "Files"),
                cell: (one) => (
                  <span class="actions">
                    <a href={addressOf(one, "pdf")}>PDF</a>
                    <a href={addressOf(one, "docx")}>DOCX</a>
                    {mayEdit(one) && (
                      <Button onClick={() => onEdit(one.code)}>
                        {t("编辑文字", "Edit the text")}
                      </Button>
                    )}
                    {mayPublish(one) && (
                      <Button
                        onClick={() => {
                          publishing.value = one;
                        }}
                      >
                        {t("发布", "Publish")}
                      </Button>
                    )}
                  </span>
                ),
              },
            ]}
          />
        )}
      </Pages>
      {publishing.value && (
        <Publishing
          bulletin={publishing.value}
          onClose={(tried) => {
            publishing.value = null;
            if (tried) again();
          }}
        />
      )}
    </div>
  );
}

const addressOf = ({ code }: Head, format: string) =>
  `${API}/bulletins/${encodeURIComponent(code)}?f=${format}&lang=${lang.value}`;

const mayEdit = ({ state, region: of }: Head): boolean =>
  state === "draft" && may("write") && holds(["planner", "approver"], of);

const mayPublish = ({ state, region: of }: Head): boolean =>
  state === "draft" && may("write") && holds(["approver"], of);

const kind = (): Kind<Wording> => ({
  members: wordingMembers(),
  required: WORDED,
  formOf: ({ edited: _, edited_by: __, links: ___, ...words }) => words,
  bodyOf: (form) => form,
  method: "PUT",
});

/** The words of a draft beside what they make; its tables, maps and charts stay as computed. */
function Editor({ code, onClose }: { code: string; onClose: () => void }) {
  const round = useSignal(0);
  const path = `/bulletins/${encodeURIComponent(code)}`;
  const { asked, again } = useAsked(
    () => ask(api.GET("/bulletins/{bulletin}", { params: { path: { bulletin: code } } })),
    [code, round.value, lang.value],
  );
  return (
    <div class="template">
      <Found asked={asked} again={again}>
        {(bulletin: Schema<"Bulletin">) => (
          <>
            <h2>{bulletin.title}</h2>
            <p>
              {t(
                "这里只改文字。表格、地图和曲线保持系统计算的结果，保存后 HTML、PDF 和 DOCX 一并更新。",
                "Only words change here. Tables, maps and charts stay as they were computed; once it is saved, HTML, PDF and DOCX have the new words.",
              )}
            </p>
            {bulletin.edited && (
              <p>
                {t("文字上次修改于", "Words last changed")} {moment(bulletin.edited)}
              </p>
            )}
            {mayEdit(bulletin) ? (
              <Changing<Wording>
                kind={kind()}
                path={`${path}/wording`}
                draft={`bulletin.${code}`}
                save={t("保存文字", "Save the text")}
                onDone={() => {
                  tell(t("已保存，文件已更新", "Saved; the files have the new words"));
                  round.value += 1;
                }}
                onClose={onClose}
                more={(form: Signal<Values>, wrong: readonly FaultAt[]) => (
                  <>
                    <Sections form={form} wrong={wrong} />
                    <Preview
                      form={form}
                      path={`${path}/wording/preview`}
                      title={t("预览（图在保存后生成）", "Preview; pictures come with saving")}
                    />
                  </>
                )}
              />
            ) : (
              <>
                <Empty>
                  {bulletin.state === "published"
                    ? t(
                        "公报已发布，不再更改；如需改动，请另编更正版。",
                        "It is published and never changes; make a correction of it.",
                      )
                    : t(
                        "编辑文字须有本区域的规划编制或审批角色。",
                        "Editing needs the role of a planner or approver of the region.",
                      )}
                </Empty>
                <div class="actions">
                  <Button onClick={onClose}>{t("返回", "Back")}</Button>
                </div>
              </>
            )}
          </>
        )}
      </Found>
    </div>
  );
}

/** Asks again, since nothing of what is published ever changes. */
function Publishing({ bulletin, onClose }: { bulletin: Head; onClose: (tried: boolean) => void }) {
  const path = `/bulletins/${encodeURIComponent(bulletin.code)}`;
  const busy = useSignal(false);
  // What is published is what was looked at: a state of later is refused.
  const { asked, again } = useAsked(
    (signal) => readHeld<Schema<"Bulletin">>(path, signal),
    [bulletin.code],
  );
  const publish = async (etag: string | null) => {
    busy.value = true;
    await attempt(
      () => write("POST", `${path}/publish`, undefined, heldBy(etag)),
      t("已发布", "Published"),
    );
    busy.value = false;
    // Where it was refused, somebody has changed or published it: the list shows how it is now.
    onClose(true);
  };
  return (
    <Dialog title={t("发布公报", "Publish a bulletin")} onClose={() => onClose(false)}>
      <Found asked={asked} again={again}>
        {({ data, etag }) => (
          <div class="form">
            <p>
              <strong>{data.title}</strong>
            </p>
            <p>
              {t("编制于", "Made")} {moment(data.created)}
            </p>
            {data.edited && (
              <p>
                {t("文字上次修改于", "Words last changed")} {moment(data.edited)}
              </p>
            )}
            <p>
              {data.public
                ? t(
                    "发布后所有人可见，内容不再更改。",
                    "Everybody will see it, and nothing of it will ever change.",
                  )
                : t(
                    "发布后本区域人员可见，内容不再更改。",
                    "Those who work in the region will see it, and nothing of it will ever change.",
                  )}
            </p>
            <div class="actions">
              <Button kind="main" busy={busy.value} onClick={() => publish(etag)}>
                {t("确认发布", "Publish it")}
              </Button>
              <Button onClick={() => onClose(false)}>{t("返回", "Back")}</Button>
            </div>
          </div>
        )}
      </Found>
    </Dialog>
  );
}
