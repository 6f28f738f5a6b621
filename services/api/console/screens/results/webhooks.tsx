/** Webhooks: who is told of events, and what became of the messages. */

import { useSignal } from "@preact/signals";
import { api, ask, type Schema, write } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import type { PropertySchema, Values } from "../../kit/features";
import { moment } from "../../kit/format";
import { heldBy, readHeld } from "../../kit/held";
import { region, regionName } from "../../kit/place";
import { holds } from "../../kit/session";
import { Table } from "../../kit/table";
import { attempt, Badge, Button, Dialog, Found, Panel, type Tone } from "../../kit/ui";
import { lang, t } from "../../kit/words";
import { Changing, type Kind, Making } from "./editing";
import { More, usePages } from "./pages";
import { RegionChoice } from "./roles";
import { Secret, type Told } from "./secret";

type Webhook = Schema<"Webhook">;
type Delivery = Schema<"WebhookDelivery">;

const EVENTS: Record<Webhook["events"][number], [zh: string, en: string]> = {
  "alert.opened": ["预警发生", "alert opened"],
  "alert.escalated": ["预警升级", "alert escalated"],
  "alert.acknowledged": ["预警确认", "alert acknowledged"],
  "alert.closed": ["预警解除", "alert closed"],
  "case.opened": ["线索立案", "case opened"],
  "case.assigned": ["线索分派", "case assigned"],
  "case.verified": ["线索核实", "case verified"],
  "case.rectification": ["线索整改", "case put right"],
  "case.closed": ["线索办结", "case closed"],
  "bulletin.published": ["公报发布", "bulletin published"],
};

const TONES: Record<Delivery["status"], Tone> = { waiting: "info", delivered: "good", dead: "bad" };

export function Webhooks() {
  const { asked, again } = useAsked(() => ask(api.GET("/webhooks")), []);
  const open = useSignal<Webhook | "new" | null>(null);
  const secret = useSignal<Told | null>(null);
  const show = ({ name, secret: text }: Webhook) => {
    secret.value = {
      title: t(`签名密钥：${name}`, `Secret of ${name}`),
      text: text ?? "",
      hint: t("接收方用它核对签名。", "Whoever receives checks signatures by it."),
    };
  };
  const close = () => {
    open.value = null;
  };
  const chosen = open.value;
  return (
    <div class="stack">
      <div class="actions">
        <Button
          kind="main"
          onClick={() => {
            open.value = "new";
          }}
        >
          {t("新建回调", "New webhook")}
        </Button>
      </div>
      <Found asked={asked} again={again}>
        {({ webhooks }) => (
          <Table
            label={t("事件回调", "Webhooks")}
            rows={webhooks}
            keyOf={({ id }) => id}
            chosen={chosen && chosen !== "new" ? chosen.id : null}
            onOpen={(one) => {
              open.value = one;
            }}
            empty={t("还没有回调。", "No webhooks yet.")}
            columns={[
              { id: "name", title: t("名称", "Name"), cell: ({ name }) => name },
              { id: "url", title: t("地址", "Address"), cell: ({ url }) => <code>{url}</code> },
              {
                id: "events",
                title: t("事件", "Events"),
                cell: ({ event_names }) => event_names.join(t("、", ", ")),
              },
              {
                id: "region",
                title: t("区域", "Region"),
                cell: (one) => (one.region ? regionName(one.region) : t("全部区域", "everywhere")),
              },
              {
                id: "state",
                title: t("状态", "State"),
                cell: ({ enabled, disabled_reason }) => (
                  <>
                    <Badge tone={enabled ? "good" : "plain"}>
                      {enabled ? t("启用", "on") : t("停用", "off")}
                    </Badge>{" "}
                    {disabled_reason}
                  </>
                ),
              },
            ]}
          />
        )}
      </Found>
      {chosen === "new" && (
        <Dialog title={t("新建回调", "New webhook")} onClose={close}>
          <Making<Webhook>
            kind={kind()}
            // Addresses of receivers may hold what they know the caller by: nothing is kept.
            draft={null}
            path="/webhooks"
            first={{
              lang: lang.peek(),
              ...(holds(["planner", "supervisor"], null) ? {} : { region: region.value }),
            }}
            onDone={(made) => {
              close();
              again();
              show(made);
            }}
          />
        </Dialog>
      )}
      {chosen && chosen !== "new" && (
        <One
          key={chosen.id}
          webhook={chosen}
          onSecret={show}
          onClose={close}
          onDone={() => {
            close();
            again();
          }}
        />
      )}
      {secret.value && (
        <Secret
          told={secret.value}
          onClose={() => {
            secret.value = null;
          }}
        />
      )}
    </div>
  );
}

/** One webhook: changed, tried, given a new secret, ended; and its messages. */
function One({
  webhook,
  onSecret,
  onClose,
  onDone,
}: {
  webhook: Webhook;
  onSecret: (made: Webhook) => void;
  onClose: () => void;
  onDone: () => void;
}) {
  const round = useSignal(0);
  const path = `/webhooks/${webhook.id}`;
  const posted = <T,>(at: string, body?: unknown) =>
    write<T>("POST", path + at, body, { "Idempotency-Key": crypto.randomUUID() });
  return (
    <Panel
      title={webhook.name}
      actions={
        <>
          <Button
            onClick={() =>
              attempt(
                async () => {
                  await posted("/test");
                  round.value += 1;
                },
                t("测试消息已排队", "The test is on its way"),
              )
            }
          >
            {t("发送测试", "Send a test")}
          </Button>
          <Button
            onClick={() =>
              attempt(async () =>
                onSecret((await posted<Webhook>("/rotate", { overlap_hours: 24 })).data),
              )
            }
          >
            {t("更换签名密钥", "New secret")}
          </Button>
          <Button
            kind="danger"
            onClick={async () => {
              const done = await attempt(
                async () => {
                  const { etag } = await readHeld<Webhook>(path);
                  await write("DELETE", path, undefined, heldBy(etag));
                },
                t("已删除", "Ended"),
              );
              if (done) onDone();
            }}
          >
            {t("删除", "End")}
          </Button>
        </>
      }
    >
      <Changing<Webhook> kind={kind()} draft={null} path={path} onDone={onDone} onClose={onClose} />
      <Deliveries
        key={round.value}
        path={path}
        onAgain={(id) =>
          attempt(
            async () => {
              await posted(`/deliveries/${id}/redeliver`);
              round.value += 1;
            },
            t("已重新发送", "Sent again"),
          )
        }
      />
    </Panel>
  );
}

function Deliveries({ path, onAgain }: { path: string; onAgain: (id: string) => void }) {
  const { asked, again } = useAsked(
    (signal) => readHeld<Schema<"WebhookDeliveries">>(`${path}/deliveries?limit=50`, signal),
    [path],
  );
  const pages = usePages<Delivery, Schema<"WebhookDeliveries">>(
    path,
    ({ deliveries }) => deliveries,
  );
  return (
    <>
      <div class="inline">
        <h3>{t("投递记录（30 天）", "Deliveries of 30 days")}</h3>
        <Button onClick={again}>{t("刷新", "Look again")}</Button>
      </div>
      <Found asked={asked} again={again}>
        {({ data }) => (
          <>
            <Table
              label={t("投递记录", "Deliveries")}
              rows={pages.rows(data)}
              keyOf={({ id }) => id}
              empty={t("还没有投递。", "Nothing was sent yet.")}
              columns={[
                { id: "type", title: t("事件", "Event"), cell: ({ type_name }) => type_name },
                {
                  id: "status",
                  title: t("状态", "State"),
                  cell: ({ status, status_name }) => (
                    <Badge tone={TONES[status]}>{status_name}</Badge>
                  ),
                },
                { id: "created", title: t("产生", "Made"), cell: ({ created }) => moment(created) },
                {
                  id: "attempts",
                  title: t("次数", "Attempts"),
                  cell: ({ attempts }) => attempts,
                  numeric: true,
                },
                {
                  id: "reason",
                  title: t("答复", "Answer"),
                  cell: ({ answered, reason }) => [answered, reason].filter(Boolean).join(" "),
                },
                {
                  id: "again",
                  title: t("操作", "Actions"),
                  cell: ({ id }) => (
                    <Button onClick={() => onAgain(id)}>{t("重发", "Send again")}</Button>
                  ),
                },
              ]}
            />
            <More pages={pages} first={data} />
          </>
        )}
      </Found>
    </>
  );
}

export const langSchema = (title: string): PropertySchema => ({
  title,
  type: "string",
  enum: ["zh", "en"],
  "x-enum-titles": { zh: "中文", en: "English" },
});

const kind = (): Kind<Webhook> => ({
  members: {
    name: { title: t("名称（谁接收）", "Who or what receives"), type: "string", maxLength: 200 },
    url: {
      title: t("接收地址", "Address of the receiver"),
      description: t(
        "https，且主机已由运维列入允许名单",
        "https, at a host that the operator has listed",
      ),
      type: "string",
      maxLength: 300,
    },
    events: {
      title: t("事件", "Events"),
      type: "array",
      items: {
        type: "string",
        enum: Object.keys(EVENTS),
        "x-enum-titles": Object.fromEntries(
          Object.entries(EVENTS).map(([code, [zh, en]]) => [code, t(zh, en)]),
        ),
      },
    },
    region: { title: t("区域", "Region"), type: "string" },
    lang: langSchema(t("消息语言", "Language of messages")),
    enabled: { title: t("启用", "On"), type: "boolean", default: true },
  },
  required: ["name", "url", "events", "lang"],
  controls: { region: RegionChoice },
  formOf: ({ name, url, events, region: of, lang: told, enabled }) => ({
    name,
    url,
    events,
    ...(of ? { region: of } : {}),
    lang: told,
    enabled,
  }),
  bodyOf: (form: Values) => form,
  method: "PUT",
});
