/** API keys: made, replaced and ended; a key itself is shown once. */

import { useSignal } from "@preact/signals";
import { api, ask, type Schema, write } from "../../kit/api";
import { type Kind, Making } from "../../kit/editing";
import type { Values } from "../../kit/features";
import { SubmitForm } from "../../kit/form";
import { instant, moment } from "../../kit/format";
import { type Hands, Listing } from "../../kit/listing";
import { attempt, Badge, Button, Dialog, Field, Irreversible, type Tone } from "../../kit/ui";
import { t } from "../../kit/words";
import { Roles, roleOf, rolesSchema, roleWords } from "./roles";

type Key = Schema<"Key">;

const SCOPES: Record<Schema<"Scope">, [zh: string, en: string]> = {
  read: ["读取", "read"],
  write: ["编辑", "write"],
  projects: ["项目", "projects"],
  observe: ["监测数据", "observations"],
  jobs: ["计算", "jobs"],
  admin: ["管理", "administration"],
};

/** How a key stands. */
export function keyState(key: Key, now = Date.now()): { tone: Tone; text: string } {
  if (key.revoked) return { tone: "bad", text: t("已撤销", "revoked") };
  if (key.expires && Date.parse(key.expires) <= now)
    return { tone: "plain", text: t("已过期", "expired") };
  if (key.successor) return { tone: "warn", text: t("已有接替", "being replaced") };
  return { tone: "good", text: t("有效", "good") };
}

const show = ({ name, key }: Key, { tellOnce }: Hands<Key>) =>
  tellOnce({
    title: t(`密钥：${name}`, `Key: ${name}`),
    text: key ?? "",
    hint: t("请交给使用者保管。", "Hand it to whoever uses it."),
  });

export function Keys() {
  return (
    <Listing<Key, Schema<"Keys">>
      label={t("接口密钥", "API keys")}
      empty={t("还没有密钥。", "No keys yet.")}
      read={() => ask(api.GET("/keys"))}
      rowsOf={({ keys }) => keys}
      keyOf={({ id }) => id}
      columns={[
        {
          id: "name",
          title: t("名称", "Name"),
          cell: ({ name }) => name,
          order: ({ name }) => name,
        },
        { id: "id", title: t("代码", "Code"), cell: ({ id }) => <code>{id}</code> },
        {
          id: "may",
          title: t("权限", "May"),
          cell: ({ roles, scopes }) =>
            (roles ? roles.map(roleWords) : scopes.map((scope) => t(...SCOPES[scope]))).join(
              t("、", ", "),
            ),
        },
        {
          id: "state",
          title: t("状态", "State"),
          cell: (key) => {
            const { tone, text } = keyState(key);
            return <Badge tone={tone}>{text}</Badge>;
          },
        },
        {
          id: "expires",
          title: t("到期", "Ends"),
          cell: ({ expires }) => moment(expires),
          order: ({ expires }) => expires,
        },
        {
          id: "used",
          title: t("最近使用", "Last used"),
          cell: ({ last_used }) => moment(last_used),
          order: ({ last_used }) => last_used,
        },
      ]}
      deeds={(key, { open, done }) =>
        !key.revoked && (
          <span class="actions">
            <Button
              onClick={() => open(key, (named, hands) => <Rotating named={named} hands={hands} />)}
            >
              {t("轮换", "Replace")}
            </Button>
            <Irreversible
              label={t("撤销", "Revoke")}
              deed={() => write("DELETE", `/keys/${key.id}`)}
              done={t("已撤销", "Revoked")}
              onDone={done}
            >
              {t(
                `“${key.name}”将立即失效，不能恢复。`,
                `"${key.name}" ends at once, and for good.`,
              )}
            </Irreversible>
          </span>
        )
      }
      add={t("新建密钥", "New key")}
      adding={(hands) => (
        <Making<Key>
          kind={kind()}
          draft="key.new"
          path="/keys"
          first={{}}
          save={t("建立", "Make it")}
          onDone={(made) => {
            hands.done();
            show(made, hands);
          }}
        />
      )}
    />
  );
}

/** Replaces a key by one that may do the same; both are good for some hours. */
function Rotating({ named, hands }: { named: Key; hands: Hands<Key> }) {
  const hours = useSignal("24");
  const busy = useSignal(false);
  const key = useSignal(crypto.randomUUID());
  const rotate = async () => {
    busy.value = true;
    await attempt(async () => {
      const { data } = await write<Key>(
        "POST",
        `/keys/${named.id}/rotate`,
        { overlap_hours: Number(hours.value) },
        { "Idempotency-Key": key.value },
      );
      hands.done();
      show(data, hands);
    });
    busy.value = false;
  };
  return (
    <Dialog title={t(`轮换：${named.name}`, `Replace: ${named.name}`)} onClose={hands.close}>
      <SubmitForm onSubmit={rotate}>
        <Field
          label={t("旧密钥继续有效的小时数", "Hours for which the former key is still good")}
          hint="0 – 2160"
        >
          <input
            type="number"
            min={0}
            max={2160}
            required
            value={hours.value}
            onInput={({ currentTarget }) => {
              hours.value = currentTarget.value;
              key.value = crypto.randomUUID();
            }}
          />
        </Field>
        <div class="actions">
          <Button kind="main" submits busy={busy.value}>
            {t("轮换", "Replace")}
          </Button>
        </div>
      </SubmitForm>
    </Dialog>
  );
}

const kind = (): Kind<Key> => ({
  members: {
    name: {
      title: t("名称（谁或什么在用）", "Who or what uses it"),
      type: "string",
      maxLength: 200,
    },
    roles: rolesSchema(),
    networks: {
      title: t("可用网段", "Networks it may be used from"),
      description: t("如 10.20.0.0/16；不填则不限", "as 10.20.0.0/16; without any, everywhere"),
      type: "array",
      items: { type: "string" },
    },
    expires_at: { title: t("到期日", "Ends on"), type: "string", format: "date" },
  },
  required: ["name", "roles"],
  controls: { roles: Roles },
  formOf: () => ({}),
  bodyOf: keyBody,
  method: "PATCH",
});

/** What is sent of a new key; it ends with the last moment of its day by the bureau's clock. */
export function keyBody(form: Values): Values {
  const { roles, expires_at, ...rest } = form;
  return {
    ...rest,
    ...(roles ? { roles: (roles as string[]).map(roleOf) } : {}),
    ...(expires_at ? { expires_at: instant(`${expires_at}T23:59:59`) } : {}),
  };
}
