/** The console, put together: the shell, and each screen when it is first opened. */

import { effect } from "@preact/signals";
import { render } from "preact";
import { useEffect, useErrorBoundary, useRef, useState } from "preact/hooks";
import { ErrorBoundary, LocationProvider, lazy, Route, Router, useLocation } from "preact-iso";
import { ended, type Fault } from "./kit/api";
import { told } from "./kit/asked";
import { CONSOLE } from "./kit/page";
import { openPlaces } from "./kit/place";
import { SCREENS, screenPath } from "./kit/screens";
import { account, leave, refresh } from "./kit/session";
import { Shell } from "./kit/shell";
import "./kit/theme";
import { Button, Empty, FaultBox, Waiting } from "./kit/ui";
import { t } from "./kit/words";
import "./kit/console.css";

const screens = {
  "": lazy(() => import("./screens/home/home")),
  "sign-in": lazy(() => import("./screens/sign_in/sign_in")),
  map: lazy(() => import("./screens/map/map")),
  zones: lazy(() => import("./screens/zones/zones")),
  digitise: lazy(() => import("./screens/digitise/digitise")),
  compute: lazy(() => import("./screens/compute/compute")),
  scenarios: lazy(() => import("./screens/scenarios/scenarios")),
  compliance: lazy(() => import("./screens/compliance/compliance")),
  projects: lazy(() => import("./screens/projects/projects")),
  monitoring: lazy(() => import("./screens/monitoring/monitoring")),
  data: lazy(() => import("./screens/data/data")),
  results: lazy(() => import("./screens/results/results")),
};

function Screens() {
  const { path } = useLocation();
  const [failed, forget] = useErrorBoundary();
  // Only the way to another screen forgets it: what fails when it is drawn would fail again at once.
  const opened = useRef(path);
  useEffect(() => {
    if (opened.current !== path) forget();
    opened.current = path;
  }, [path]);
  const screen = SCREENS.find(({ id }) => screenPath(id) === path);
  const title = [screen?.title(), t("山海", "Shanhai")].filter(Boolean).join(" · ");
  useEffect(() => {
    document.title = title;
  }, [title]);
  if (failed) return <FaultBox fault={told(failed)} again={() => location.reload()} />;
  return (
    <ErrorBoundary>
      <Router>
        {Object.entries(screens).map(([id, screen]) => (
          <Route key={id} path={screenPath(id)} component={screen} />
        ))}
        <Route default component={Unknown} />
      </Router>
    </ErrorBoundary>
  );
}

function Unknown() {
  return (
    <Empty>
      {t("没有这个页面。", "There is no such page.")}{" "}
      <a href={CONSOLE}>{t("回到工作台", "Home")}</a>
    </Empty>
  );
}

export function Console() {
  const [fault, setFault] = useState<Fault | null>(null);
  const [ready, setReady] = useState(false);
  const open = () => {
    setFault(null);
    const asked = account.peek() === undefined ? refresh() : Promise.resolve();
    // The cookie of a session that ended is refused to all that is asked beside the session.
    const places = openPlaces().catch(async (error) => {
      await asked;
      if (told(error).status !== 401 || account.peek()) throw error;
      await openPlaces();
    });
    Promise.all([asked, places])
      .catch((error) => {
        const refused = told(error);
        // Where the public reads nothing, the way on is to sign in.
        if (refused.status !== 401) setFault(refused);
      })
      .finally(() => setReady(true));
  };
  useEffect(open, []);
  // Who signs in or out sees other regions.
  useEffect(() => {
    let before = account.peek();
    return effect(() => {
      const now = account.value;
      if (before !== undefined && now?.owner !== before?.owner) open();
      before = now;
    });
  }, []);
  return (
    <LocationProvider scope={CONSOLE}>
      <Shell>
        {fault ? <FaultBox fault={fault} again={open} /> : ready ? <Screens /> : <Waiting />}
        <Ended />
      </Shell>
    </LocationProvider>
  );
}

/** Whoever's session ended goes on here after signing in; what was typed is kept. */
function Ended() {
  const { url, route } = useLocation();
  if (!ended.value || account.value === null) return null;
  return (
    <div class="notice warn" role="alert">
      <p>
        {t("登录已失效，未保存的内容仍在。", "Your session has ended; what you typed is kept.")}
      </p>
      <Button
        kind="main"
        onClick={() => {
          leave();
          route(screenPath("sign-in", { next: url }));
        }}
      >
        {t("重新登录", "Sign in again")}
      </Button>
    </div>
  );
}

const place = document.getElementById("console");
if (place) render(<Console />, place);
